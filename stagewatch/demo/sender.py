"""The demo as a client of the running server: posts events, opens links of mails and sends their forms.

Only HTTP, one connection, in a thread of its own, so that the screen goes on.
"""

from __future__ import annotations

import asyncio
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
    """What became of events: how many were accepted, and why others were refused, in words."""

    accepted: int = 0
    refused: list[str] = field(default_factory=list)


class Sender:
    """A client with a token for events."""

    def __init__(self, url: str, token: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._token = token
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._thread = ThreadPoolExecutor(1, "demo-sender")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)  # the server may still answer
        self._connection.close()

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
            posted.accepted += len(records)
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
            try:
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except http.client.HTTPException:
                self._connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)


def _why(status: int, body: bytes) -> str:
    try:
        first = msgspec.json.decode(body)["errors"][0]
        return f"{status} {first['code']} {first['message']}"
    except (msgspec.MsgspecError, KeyError, IndexError, TypeError):
        return str(status)
