"""uvicorn's HTTP/1.1 protocol with the two guards it lacks: a deadline and a size limit for a request's head.

Without them, a client that sends its headers one byte a minute, or for ever, holds a connection and its
memory. Bodies are guarded where they are read.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from console.cork import Cork
from schemas.errors import RequestError

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32 * 1024


class GuardedProtocol(HttpToolsProtocol):
    """One connection. A head that is late (408), too large (431) or not HTTP (400) ends it with a JSON
    answer.
    """

    head_seconds: float = HEAD_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first head must be there within `head_seconds`."""
        super().connection_made(Cork(cast("asyncio.Transport", transport), self.loop))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a head is still open: if so, it has a deadline and must not
        grow.
        """
        super().data_received(data)
        if not self._in_head:
            self._disarm()
            return
        if self._deadline is None:
            self._arm()
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "SW-REQ-016", f"at most {HEAD_BYTES} bytes"
            )

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head is there; what follows is the reader's affair."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """The bytes are not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "SW-REQ-017", "a request by HTTP/1.1")

    def _arm(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(self.head_seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "SW-REQ-006", f"all headers within {self.head_seconds:g} s")

    def _refuse(self, status: HTTPStatus, code: str, expected: str) -> None:
        self._disarm()
        if self.transport.is_closing():
            return
        error = RequestError(code, place="request head", expected=expected, next_step="correct the client")
        body = json.dumps({"errors": [error.to_dict()]}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
