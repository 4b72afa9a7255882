"""What the engine of this process does for the command line. It decides nothing: each is one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import StagewatchError
from stagewatch.service.engine import Engine
from stagewatch.service.local import Handler, entry_from
from stagewatch.service.watcher import Watcher
from streams.kernel.contract import Record
from streams.kernel.driver import Dead
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.stores.sqlite_dlq import IMPORT

SLICE: Final = 50.0
"""Milliseconds of work in one call of the engine."""


@dataclass(frozen=True, slots=True)
class EngineWork:
    """The handlers. clock: the engine's clock, us."""

    engine: Engine
    watcher: Watcher
    clock: Callable[[], int]

    def handlers(self) -> dict[str, Handler]:
        """By the name of the route."""
        return {
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
