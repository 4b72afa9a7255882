"""Routes for the command line of this machine, when the server has the workspace: imports, replays, reloads.

Only the token kept in the workspace may call them. They decide nothing: each is one call of the engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access import Access, Client, digest
from schemas.errors import RequestError, StagewatchError
from stagewatch.service.engine import Engine
from stagewatch.service.watcher import Watcher
from streams.kernel.contract import Record
from streams.kernel.driver import Dead
from streams.runtimes.embedded.runtime import IMPORT, EmbeddedRuntime
from streams.runtimes.pipeline import Entry

SCOPE: Final = "local"
PATH: Final = "/local/"
MAX_BODY: Final = 64 << 20
SLICE: Final = 50.0
"""Milliseconds of work in one call of the engine."""


def local_client(token: str) -> Client:
    """The command line as a client of the web side: it may do everything."""
    return Client("local", digest(token), frozenset({SCOPE, "events", "read", "commands"}))


@dataclass(frozen=True, slots=True)
class Local:
    """The handlers. clock: the engine's clock, us."""

    access: Access
    engine: Engine
    watcher: Watcher
    clock: Callable[[], int]

    def routes(self) -> list[Route]:
        """The routes for the application."""
        handlers: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "now": self._now,
            "history": self._history,
            "finish": self._finish,
            "replay": self._replay,
            "bury": self._bury,
            "settle": self._settle,
            "confirm-clock": self._confirm_clock,
            "rebuild-views": self._rebuild,
            "reload": self._reload,
        }
        return [
            Route(f"{PATH}{name}", self._handler(handle), methods=["POST"])
            for name, handle in handlers.items()
        ]

    def _handler(
        self, handle: Callable[[Mapping[str, Any]], Awaitable[Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            self.access.client(request.headers, SCOPE)
            request.scope["stagewatch.client"] = "local"
            content = msgspec.json.encode(await handle(await _body(request)))
            return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")

        return answer

    async def _call(self, action: Callable[[EmbeddedRuntime], Any]) -> Any:
        return await self.engine.call(action)

    async def _now(self, body: Mapping[str, Any]) -> Any:
        return {"now": self.clock()}

    async def _history(self, body: Mapping[str, Any]) -> Any:
        entries = [entry_from(fields) for fields in body["entries"]]
        first, last = await self._call(lambda runtime: runtime.append_history(entries))
        return {"first": first, "last": last}

    async def _finish(self, body: Mapping[str, Any]) -> Any:
        until = body.get("until")
        await self._call(lambda runtime: runtime.finish_history(until))
        await self._work()
        return {"at": await self._call(lambda runtime: runtime.at)}

    async def _work(self) -> None:
        """Until nothing is left; in slices: others want to append meanwhile, and the server may stop."""
        while not await self._call(lambda runtime: runtime.process(max_ms=SLICE).idle):
            pass

    async def _bury(self, body: Mapping[str, Any]) -> Any:
        letters = [dead_row(letter, self.clock()) for letter in body["letters"]]
        await self._call(lambda runtime: runtime.bury(letters))
        return {"buried": len(letters)}

    async def _settle(self, body: Mapping[str, Any]) -> Any:
        number = int(body["number"])
        await self._call(lambda runtime: runtime.settle_dead(number))
        return {"settled": number}

    async def _replay(self, body: Mapping[str, Any]) -> Any:
        number = int(body["number"])
        await self._call(lambda runtime: runtime.replay_dead(number))
        await self._work()
        return {"replayed": number}

    async def _confirm_clock(self, body: Mapping[str, Any]) -> Any:
        await self._call(lambda runtime: runtime.confirm_clock())
        return {"confirmed": self.clock()}

    async def _rebuild(self, body: Mapping[str, Any]) -> Any:
        await self._call(lambda runtime: runtime.rebuild_views())
        return {"rebuilt": True}

    async def _reload(self, body: Mapping[str, Any]) -> Any:
        changed = await self.watcher.reload()
        return {"changed": changed, "errors": [error.to_dict() for error in self.watcher.errors]}


def dead_row(letter: Mapping[str, Any], at: int) -> Dead:
    """A row that could not be read, as a dead letter: its key, value and error. at: us."""
    error = {name: text for name, text in letter["error"].items() if name != "title"}
    return Dead(Record(IMPORT, letter["key"], "row", letter["value"], at), StagewatchError(**error))


def entry_from(fields: Sequence[Any]) -> Entry:
    """An entry as `entry_fields` wrote it."""
    topic, key, kind, value, at = fields
    return Entry(topic, key, kind, value, at)


def entry_fields(entry: Entry) -> list[Any]:
    """An entry as JSON."""
    return [entry.topic, entry.key, entry.kind, entry.value, entry.at]


async def _body(request: Request) -> Mapping[str, Any]:
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BODY:
            raise RequestError("SW-REQ-008", place="body", expected=f"at most {MAX_BODY} bytes")
    try:
        value = msgspec.json.decode(bytes(raw) or b"{}")
    except msgspec.MsgspecError as error:
        raise RequestError("SW-REQ-020", place="body", found=str(error)) from error
    if not isinstance(value, dict):
        raise RequestError("SW-REQ-020", place="body", expected="an object")
    return value
