"""Looks on while a soak runs: how long an event takes to become a task, which messages there are, what lags.

A quote that is watched for raises a task at once: each is a probe through all stages. It changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import EVENTS
from streams.runtimes.cluster.app import GROUP
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.config import Cluster
from streams.topology import ALERTS, NOTIFICATIONS
from tests.integration.cluster.soak.traffic import PROBE
from tests.integration.cluster.workers import Worker

BACKLOG = re.compile(r"^stagewatch_partition_backlog_records\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Probe:
    """An event and the alert it raised: instants in seconds since the epoch."""

    sent: float
    came: float

    @property
    def took(self) -> float:
        """Seconds from the one to the other."""
        return self.came - self.sent


class Watch:
    """`running` while it looks. probes: in the order in which their alerts came. messages: ids, in order."""

    def __init__(self, cluster: Cluster, workers: Sequence[Worker]) -> None:
        self._cluster, self._workers = cluster, workers
        self.probes: list[Probe] = []
        self.messages: set[str] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look on until the block ends."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    async def lag(self) -> int | None:
        """Records that are not worked off at any stage; None: somebody did not answer."""
        try:
            return await self._machines() + await self._intake()
        except (httpx2.HTTPError, KafkaError, OSError):
            return None

    # -- inside --------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        cluster = self._cluster
        names = {cluster.name(topic): topic for topic in (ALERTS, NOTIFICATIONS)}
        consumer = AIOKafkaConsumer(isolation_level="read_committed", **cluster.options)
        await consumer.start()
        try:
            tps = [TopicPartition(name, number) for name in names for number in range(cluster.partitions)]
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, 0)
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        self._note(names[tp.topic], value_of(record.value))
        finally:
            await consumer.stop()

    def _note(self, topic: str, value: dict[str, Any]) -> None:
        if topic == NOTIFICATIONS:
            self.messages.add(str(value["id"]))
        elif value["state"] == "firing" and str(value["key"]).startswith(PROBE):
            sent = int(value["key"].partition("-")[2]) / 1e6
            self.probes.append(Probe(sent, time.time()))

    async def _machines(self) -> int:
        """By the workers' own figures; those of a worker that is gone are missing, so all must answer."""
        expected = len(self._cluster.machines) * self._cluster.partitions
        async with httpx2.AsyncClient(timeout=3) as client:
            pages = [(await client.get(f"http://{one.address}/metrics")).text for one in self._workers]
        found = [float(lag) for page in pages for lag in BACKLOG.findall(page)]
        if len(found) != expected:
            raise OSError(f"{len(found)} of {expected} partitions are at work")
        return int(sum(found))

    async def _intake(self) -> int:
        """What is in the topic that anybody may write to and was not acknowledged."""
        consumer = AIOKafkaConsumer(
            group_id=self._cluster.name(GROUP), enable_auto_commit=False, **self._cluster.options
        )
        await consumer.start()
        try:
            tps = [
                TopicPartition(self._cluster.name(EVENTS), number)
                for number in range(self._cluster.partitions)
            ]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            return sum([max(0, ends[tp] - (await consumer.committed(tp) or 0)) for tp in tps])
        finally:
            await consumer.stop()
