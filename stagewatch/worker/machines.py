"""The partitions of machines as a service of the Faust application, and what the first of them looks after.

Who has the first partition of the account machine brings the files of the workspace into the log, as the
embedded server does. It decides nothing about records.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from mode import Service

from schemas.errors import StagewatchError
from stagewatch.service.opening import describe
from stagewatch.worker.files import Comparison, WatchedFiles
from stagewatch.worker_metrics import WorkerMetrics
from stagewatch.workspace.inforce import from_the_beginning
from streams.kernel.contract import SHARED, Store
from streams.machines.account.world import SETTINGS
from streams.runtimes.cluster.beginning import begin_entry
from streams.runtimes.cluster.owner import Slot, Slots
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.task import PartitionTask
from streams.runtimes.cluster.telling import Done, Stand
from streams.runtimes.cluster.transactions import ClaimLostError
from streams.topology import INTAKE

GAUGE_SECONDS = 2.0
FILES_SECONDS = 2.0
BEGIN_SECONDS = 0.2
DISK_SECONDS = 1.0
FIRST: Slot = ("account", 0)

log = structlog.get_logger("stagewatch.worker")


class MachinesService(Service):
    """Runs the partitions while Faust runs. files: of the workspace."""

    def __init__(
        self,
        slots: Slots,
        publisher: Publisher,
        metrics: WorkerMetrics,
        files: WatchedFiles,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._slots, self._publisher, self._metrics, self._watched = slots, publisher, metrics, files
        self.stands: list[Stand] = []
        self._comparison: Comparison | None = None
        self._begun = False

    async def on_start(self) -> None:
        """Join the group; then look around now and then."""
        await self._slots.start()
        self.add_future(self._gauges())
        self.add_future(self._files())
        self.add_future(self._disk())

    async def on_stop(self) -> None:
        """Hand the partitions over."""
        await self._slots.stop()

    async def _gauges(self) -> None:
        while not self.should_stop:
            try:
                self.stands = await self._slots.look()
                self._metrics.stands(self.stands, time.time_ns() // 1000)
                self._metrics.owned(self._slots.owned)
                self._metrics.server("kafka", True)
            except Exception as error:
                self._metrics.server("kafka", False)
                log.warning("gauges not read", error=str(error))
            await self.sleep(GAUGE_SECONDS)

    async def _disk(self) -> None:
        """Without local files no partition can be kept: others get them until files can be written again."""
        while not self.should_stop:
            if self._slots.broken is not None:
                await self._stand_aside(str(self._slots.broken))
            await self.sleep(DISK_SECONDS)

    async def _stand_aside(self, why: str) -> None:
        log.error("the partitions are given up: local files cannot be written", reason=why)
        self._metrics.disk(why)
        await self._slots.stop()
        while not await asyncio.to_thread(self._slots.writable):
            await self.sleep(DISK_SECONDS)
        self._slots.broken = None
        self._metrics.disk(None)
        await self._slots.start()
        log.info("local files can be written again")

    async def _files(self) -> None:
        """Bring in what differs from what is in force, while the first account partition is ours."""
        while not self.should_stop:
            try:
                await self._look_at_files(self._slots.tasks.get(FIRST))
            except Exception as error:  # the partition may be given away in the midst
                self._forget_files()
                fields = error.to_dict() if isinstance(error, StagewatchError) else {"error": repr(error)}
                log.warning("files not brought in, tried again", **fields)
            await self.sleep(FILES_SECONDS if self._begun else BEGIN_SECONDS)

    async def _look_at_files(self, task: PartitionTask | None) -> None:
        if task is None:
            self._forget_files()
            return
        files = await asyncio.to_thread(self._watched.changed)
        if files is not None and self._comparison is None:
            self._comparison = Comparison(files)
        elif files is not None and self._comparison is not None:
            self._comparison.read(files)
        if self._comparison is not None and self._comparison.due(time.monotonic()):
            await self._bring_in(task, self._comparison)

    def _forget_files(self) -> None:
        self._watched.again()
        self._comparison = None

    async def _bring_in(self, task: PartitionTask, comparison: Comparison) -> None:
        """The first files of all are in force from the beginning, what changes later from the log's time."""
        async with task.paused():
            store = task.partition.store
            first = store.get(SHARED, SETTINGS, "") is None
            at = 0 if first else max(0, task.partition.clock)
            shared = partial(_in_force, store)
            entries = comparison.missing(shared, at, time.monotonic())
            entries = from_the_beginning(entries) if first else entries
        begin = [] if self._begun else [begin_entry()]  # an earlier worker may have died before it said so
        if entries or begin:
            await self._publisher.submit([*entries, *begin])
        if entries:
            comparison.sent(time.monotonic())
        self._begun = True
        for entry in entries:
            log.info("brought in", **describe(entry))


def _in_force(store: Store, bucket: str) -> Mapping[str, Any]:
    return dict(store.scan(SHARED, bucket))


def tell_of(metrics: WorkerMetrics) -> Callable[[Done], None]:
    """What is told of each batch."""

    def tell(done: Done) -> None:
        topics = Counter({topic: count for topic, count in done.taken.items() if topic in INTAKE})
        topics.update(out.emit.topic for out in done.outs)
        metrics.done(done, topics)
        for out in done.outs:
            value: Mapping[str, Any] | None = out.emit.value if isinstance(out.emit.value, dict) else None
            kind = KINDS.get(out.emit.topic)
            if kind is not None and value is not None:
                metrics.metrics.transition(kind, str(value["state"]), str(value["reason"]))
        for dead in done.dead:
            log.warning("refused", machine=done.machine, key=dead.what.key, **dead.error.to_dict())

    return tell


def trouble_of(metrics: WorkerMetrics) -> Callable[[Slot, BaseException], None]:
    """What is told when a task ended by itself."""

    def trouble(slot: Slot, error: BaseException) -> None:
        lost = isinstance(error, ClaimLostError)
        result = "fenced" if isinstance(error, ClaimLostError) and error.fenced else "failed"
        metrics.transaction(slot[0], result)
        metrics.stuck(*slot, str(error))
        tell = log.info if lost else log.warning
        tell("partition opened anew", machine=slot[0], partition=slot[1], reason=str(error))

    return trouble


KINDS = {"alerts": "alert", "tasks": "task", "approvals": "approval"}
