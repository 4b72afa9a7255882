"""What a worker's partitions show now and then: parked events, rules, logical time; letters; and the disk.

It reads between two batches and changes nothing. Who has the first partition counts all dead letters.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from mode import Service

from console.ports import Ready
from schemas.errors import StagewatchError
from stagewatch.metrics import Metrics
from stagewatch.service.evaluations import Evaluations
from stagewatch.worker.machines import FIRST
from streams.kernel.contract import SHARED
from streams.machines.identity.listing import count_waiting
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import LetterBox
from streams.runtimes.cluster.owner import Slots
from streams.runtimes.cluster.task import PartitionTask

LOOK_SECONDS = 2.0
LETTER_SECONDS = 10.0

log = structlog.get_logger("stagewatch.worker")


class GaugesService(Service):
    """Runs while Faust runs. ready: why nothing is taken. outbox: messages waiting and failed.

    folder: where the worker's files lie.
    """

    def __init__(
        self,
        cluster: Cluster,
        metrics: Metrics,
        ready: Ready,
        slots: Slots | None,
        outbox: Callable[[], tuple[int, int]] | None,
        folder: Path,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._cluster = cluster
        self._metrics, self._ready, self._folder = metrics, ready, folder
        self._slots, self._outbox = slots, outbox
        self._evaluations = Evaluations()

    async def on_start(self) -> None:
        """Look now and then."""
        self.add_future(self._watch())
        self.add_future(self._letters())

    async def _letters(self) -> None:
        while not self.should_stop:
            try:
                if self._counts:
                    await self._count_letters()
            except (KafkaError, OSError, StagewatchError) as error:
                log.info("dead letters not counted", error=str(error))
            await self.sleep(LOOK_SECONDS)

    async def _count_letters(self) -> None:
        """While the first partition is ours."""
        async with LetterBox(self._cluster, values=False) as box:
            while self._counts and not self.should_stop:
                self._metrics.dlq(box.waiting)
                await self.sleep(LETTER_SECONDS)
                await box.catch_up()
        self._metrics.dlq(math.nan)

    @property
    def _counts(self) -> bool:
        return self._slots is not None and FIRST in self._slots.tasks

    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                await self._look()
            except Exception as error:  # a partition may be given away in the midst
                log.info("gauges not read", error=str(error))
            await self.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        room = await asyncio.to_thread(shutil.disk_usage, self._folder)
        self._metrics.disk(room.free, room.total)
        self._metrics.ready(not self._ready())
        if self._outbox is not None:
            self._metrics.outbox(*self._outbox())
        if self._slots is not None:
            await self._partitions(list(self._slots.tasks.values()))

    async def _partitions(self, tasks: list[PartitionTask]) -> None:
        parked, rules, machines, clocks = 0, set[str](), [], [-1]
        for task in tasks:
            async with task.paused():
                part = task.partition
                clocks.append(part.clock)
                machines.append(part.machine)
                if task.machine == "identity":
                    parked += count_waiting(part.store)
                elif task.machine == "account":
                    rules |= {name for name, row in part.store.scan(SHARED, "rule") if row["on"]}
        self._metrics.parked(parked)
        self._metrics.logical_time(max(clocks))
        self._metrics.rules(*self._evaluations.since(machines))
        if any(task.machine == "account" for task in tasks):
            self._metrics.rules_active(rules)
