"""The demo as a client of the running servers: posts events, opens links of mails and sends their forms.

Only HTTP, one connection, in a thread of its own, so that the screen goes on. A server that is gone is left
for the next one, which is asked again: an event that comes twice counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import urllib.parse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec

_BATCH: Final = "application/cloudevents-batch+json"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST: Final = 100

Record = dict[str, Any]


@dataclass(slots=True)
class Posted:
    """What became of events: (source, id) of those accepted, and why others were refused, in words."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Sender:
    """A client with a token for events, of servers of which any will do."""

    def __init__(self, urls: Sequence[str], token: str) -> None:
        self._token = token
        parts = map(urllib.parse.urlsplit, urls)
        self._connections = [http.client.HTTPConnection(p.hostname or "", p.port, timeout=20) for p in parts]
        self._thread = ThreadPoolExecutor(1, "demo-sender")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)  # the server may still answer
        for connection in self._connections:
            connection.close()

    async def post(self, records: Sequence[Record]) -> Posted:
        """POST events. A batch is refused as a whole: then each goes by itself, and the bad ones are told."""
        posted = Posted()
        for start in range(0, len(records), _MOST):
            await self._batch(records[start : start + _MOST], posted)
        return posted

    async def _batch(self, records: Sequence[Record], posted: Posted) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": _BATCH}
        status, body = await self._ask("POST", "/v1/events", msgspec.json.encode(records), headers)
        if status == 202:
            posted.taken += [(str(record["source"]), str(record["id"])) for record in records]
        elif len(records) > 1 and status < 500:
            for record in records:
                await self._batch([record], posted)
        else:
            posted.refused.append(_why(status, body))

    async def open(self, link: str) -> int:
        """Open a link as a reader does: the page's status."""
        status, _ = await self._ask("GET", urllib.parse.urlsplit(link).path, None, {})
        return status

    async def answer(self, link: str, comment: str) -> int:
        """Send the form of the link's page: the status."""
        form = urllib.parse.urlencode({"comment": comment}).encode()
        path = urllib.parse.urlsplit(link).path
        status, _ = await self._ask("POST", path, form, {"Content-Type": _FORM})
        return status

    async def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        def ask() -> tuple[int, bytes]:
            for _ in self._connections[1:]:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return self._ask_first(method, path, body, headers)
            return self._ask_first(method, path, body, headers)

        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)

    def _ask_first(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Ask the first server; when it is gone, it is the last from now on."""
        connection = self._connections[0]
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._connections.append(self._connections.pop(0))
            raise


def _why(status: int, body: bytes) -> str:
    try:
        first = msgspec.json.decode(body)["errors"][0]
        return f"{status} {first['code']} {first['message']}"
    except (msgspec.MsgspecError, KeyError, IndexError, TypeError):
        return str(status)
