"""A small HTTP/1.1 client that costs little, so that the load generator is not what is measured.

Keep-alive connections, one request in flight on each; nothing but POST and GET with a body of known length.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

CONTENT = {True: "application/cloudevents-batch+json", False: "application/cloudevents+json"}


@dataclass(slots=True)
class Connection:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str

    async def post(self, body: bytes, *, batch: bool = False) -> int:
        """Send events; the answer's status."""
        head = f"POST /v1/events HTTP/1.1\r\nContent-Type: {CONTENT[batch]}\r\n"
        self.writer.write(f"{head}{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return (await self._answer())[0]

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self.writer.write(f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode())
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].split("\r\n", 1)[0]
        body = await self.reader.readexactly(int(length or 0))
        return int(head.split(" ", 2)[1]), body

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


async def connect(url: str, token: str) -> Connection:
    """A connection that presents `token`."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    return Connection(reader, writer, f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n")
