"""What a worker does for the command line: takes history, shows how its partitions stand and rows of them.

What it cannot know, because the partition is elsewhere, it says; whoever asks goes on to the next worker. It
decides nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.errors import CommandError
from stagewatch.service.local import Handler, entry_from
from streams.machines.identity.listing import waiting
from streams.runtimes.cluster.owner import Slots
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.task import PartitionTask
from streams.views.redis import RedisView

ALL: Final = 1 << 62
ELSEWHERE: Final[Mapping[str, Any]] = {"here": False}
"""The answer of a worker that does not have the partition."""


@dataclass(frozen=True, slots=True)
class ClusterWork:
    """The handlers. slots: the worker's partitions; None: it has none, or not yet."""

    publisher: Publisher
    view: RedisView
    slots: Callable[[], Slots | None]

    def handlers(self, *, intake: bool) -> dict[str, Handler]:
        """By the name of the route. intake: whether entries are taken."""
        reading: dict[str, Handler] = {"stands": self._stands, "rows": self._rows, "parked": self._parked}
        if not intake:
            return reading
        return {
            **reading,
            "now": self._now,
            "history": self._history,
            "confirm-clock": self._confirm_clock,
            "rebuild-views": self._rebuild,
        }

    # -- partitions ------------------------------------------------------------------------------------------

    async def _stands(self, body: Mapping[str, Any]) -> Any:
        """How the partitions stand; `waiting`: entries in the outbox; `stamp`: the newest time (us) that the
        broker gave to an entry of this worker.
        """
        slots = self.slots()
        stands = [] if slots is None else await slots.look()
        return {"stands": [asdict(stand) for stand in stands], **self._taken()}

    async def _rows(self, body: Mapping[str, Any]) -> Any:
        """All rows and waits of a key, or of one bucket of it, as of one batch."""
        task = self._task(body)
        if task is None:
            return ELSEWHERE
        key, bucket = str(body["key"]), body.get("bucket")
        async with task.paused():
            store = task.partition.store
            if bucket is None:
                rows = await asyncio.to_thread(store.scan_key, key, None, ALL)
            else:
                rows = [(bucket, name, value) for name, value in store.scan(key, bucket)]
            return {"here": True, "rows": rows, "waits": store.waits_of(key)}

    async def _parked(self, body: Mapping[str, Any]) -> Any:
        """What waits in a partition for parents that nobody knows."""
        task = self._task(body)
        if task is None:
            return ELSEWHERE
        async with task.paused():
            found = await asyncio.to_thread(lambda: list(waiting(task.partition.store)))
        return {"here": True, "parked": [asdict(one) for one in found]}

    def _task(self, body: Mapping[str, Any]) -> PartitionTask | None:
        slots = self.slots()
        return None if slots is None else slots.tasks.get((str(body["machine"]), int(body["partition"])))

    # -- intake ----------------------------------------------------------------------------------------------

    async def _now(self, body: Mapping[str, Any]) -> Any:
        return {"now": time.time_ns() // 1000}

    async def _history(self, body: Mapping[str, Any]) -> Any:
        """Append; `stamp` as of stands."""
        await self.publisher.submit([entry_from(fields) for fields in body["entries"]])
        return self._taken()

    def _taken(self) -> dict[str, int]:
        return {"stamp": self.publisher.stamp, "waiting": self.publisher.waiting}

    async def _confirm_clock(self, body: Mapping[str, Any]) -> Any:
        raise CommandError(
            "SW-CMD-012",
            place="confirm-clock",
            expected="a workspace that one process runs",
            found="a cluster, where the brokers' time counts",
            next_step="set the brokers' clocks right; nothing waits for a confirmation",
        )

    async def _rebuild(self, body: Mapping[str, Any]) -> Any:
        await asyncio.to_thread(self.view.forget)
        return {"rebuilt": True}
