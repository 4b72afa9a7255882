"""The topology on a real Kafka in one process, step by step: entries in, settle, read what came out.

Every entry brings its logical time; the tasks are those of a worker, without the group that shares them out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.canonical import partition_of
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import line, place_of, value_of
from streams.runtimes.cluster.config import Cluster, Pace
from streams.runtimes.cluster.task import PartitionTask
from streams.runtimes.cluster.telling import Care, Done
from streams.runtimes.cluster.ticker import Ticker
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.pipeline import Entry

QUICK = Pace(tick_ms=20, fetch_ms=50, poll_ms=5, batch_ms=20, session_ms=2000, save_ms=50, gather_ms=0)


@dataclass(frozen=True)
class Read:
    """A record read back: its topic without the prefix, its key, kind and value, and its logical time."""

    topic: str
    partition: int
    offset: int
    key: str
    kind: str
    value: Any
    at: int


def cluster_of(address: str, data: Path, prefix: str, partitions: int, **more: Any) -> Cluster:
    """A cluster on the broker at `address`."""
    fields: dict[str, Any] = {"partitions": partitions, "trial": True, "pace": QUICK} | more
    return Cluster({"bootstrap_servers": [address]}, data, prefix, **fields)


class Trial:
    """All partition tasks of a cluster in this process. Use as an asynchronous context manager.

    keep: leave the topics there at the end.
    """

    def __init__(self, cluster: Cluster, *, keep: bool = False) -> None:
        self.cluster, self._keep = cluster, keep
        self.done: list[Done] = []
        self.tasks: list[PartitionTask] = []
        self._runs: list[asyncio.Task[None]] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Trial:
        cluster_id = await ensure_topics(self.cluster)
        self.producer = AIOKafkaProducer(enable_idempotence=True, **self.cluster.options)
        await self.producer.start()
        self._stack.push_async_callback(self.producer.stop)
        if not self._keep:
            self._stack.push_async_callback(drop_topics, self.cluster)
        self.ticker = Ticker(self.cluster, self.producer)
        self._cluster_id = cluster_id
        self._stack.push_async_callback(self._end)
        for spec in self.cluster.machines:
            await self.open(spec.name)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def open(self, machine: str) -> None:
        """Open the partitions of a machine."""
        spec, numbers = self.cluster.spec(machine), range(self.cluster.partitions)
        tasks = [
            PartitionTask(self.cluster, self._cluster_id, spec, n, self.ticker, self.done.append, Care())
            for n in numbers
        ]
        self.tasks += tasks
        await asyncio.gather(*(task.open() for task in tasks))
        self._runs += [asyncio.create_task(task.run()) for task in tasks]

    async def close(self, machine: str) -> None:
        """Close the partitions of a machine."""
        for task, run in list(zip(self.tasks, self._runs, strict=True)):
            if task.machine == machine:
                task.stop()
                await run
                await task.close()
                self.tasks.remove(task)
                self._runs.remove(run)

    async def _end(self) -> None:
        for task in self.tasks:
            task.stop()
        await asyncio.gather(*self._runs)
        for task in self.tasks:
            await task.close()

    # -- in ------------------------------------------------------------------------------------------------

    async def put(self, entry: Entry) -> None:
        """Append the entry and have all of it worked off."""
        await self.append([entry])
        await self.settle()

    async def play(self, steps: Iterable[Entry | int]) -> None:
        """Entries to put, instants (us) to come to."""
        for step in steps:
            if isinstance(step, int):
                await self.advance(step)
            else:
                await self.put(step)

    async def append(self, entries: Iterable[Entry]) -> None:
        """Append entries where they belong."""
        for entry in entries:
            number = 0 if entry.key == SHARED else partition_of(entry.key, self.cluster.partitions)
            key, value, headers = line(Record(entry.topic, entry.key, entry.kind, entry.value, entry.at))
            topic = self.cluster.name(entry.topic)
            await self.producer.send_and_wait(topic, key=key, value=value, headers=headers, partition=number)

    async def advance(self, at: int) -> None:
        """Let logical time come to `at` us everywhere."""
        for number in range(self.cluster.partitions):
            await self.ticker.tick(number, at)
        await self.producer.flush()
        await self.settle()

    async def settle(self, seconds: float = 30) -> None:
        """Wait until everything is worked off: nothing unread twice running, with no batch in between."""
        async with asyncio.timeout(seconds):
            while True:
                before = len(self.done)
                if await self._quiet() and await self._quiet() and len(self.done) == before:
                    return
                await asyncio.sleep(0.005)

    async def _quiet(self) -> bool:
        for run in self._runs:
            if run.done():
                await run
        stands = await asyncio.gather(*(task.look() for task in self.tasks))
        return all(stand.lag == 0 for stand in stands) and all(task.settled for task in self.tasks)

    # -- out -----------------------------------------------------------------------------------------------

    async def read(self, *topics: str) -> list[Read]:
        """All committed records of the topics, partition by partition."""
        return [one async for one in read_all(self.cluster, topics)]


async def drop_topics(cluster: Cluster) -> None:
    """Delete the topics of a cluster, so that the broker of the session stays small."""
    admin = AIOKafkaAdminClient(**cluster.options)
    await admin.start()
    try:
        await admin.delete_topics([cluster.name(topic.name) for topic in cluster.topics()])
    finally:
        await admin.close()


async def read_all(cluster: Cluster, topics: Iterable[str]) -> AsyncIterator[Read]:
    """All committed records of the topics, in the order of topic, partition, offset."""
    numbers = range(cluster.partitions)
    names = {TopicPartition(cluster.name(topic), n): topic for topic in topics for n in numbers}
    consumer = AIOKafkaConsumer(isolation_level="read_committed", enable_auto_commit=False, **cluster.options)
    await consumer.start()
    try:
        consumer.assign(list(names))
        ends = await consumer.end_offsets(list(names))
        for tp in names:
            consumer.seek(tp, 0)
        found: dict[TopicPartition, list[Read]] = {tp: [] for tp in names}
        while any([await consumer.position(tp) < ends[tp] for tp in names]):
            for tp, records in (await consumer.getmany(timeout_ms=50)).items():
                found[tp] += [_read(names[tp], record) for record in records]
        for tp in names:
            for one in found[tp]:
                yield one
    finally:
        await consumer.stop()


def _read(topic: str, record: ConsumerRecord) -> Read:
    place = place_of(record.headers)
    kind, at = ("", 0) if place is None else (place.kind, place.at)
    key, value = (record.key or b"").decode(), value_of(record.value)
    return Read(topic, record.partition, record.offset, key, kind, value, at)


def by_key(records: Iterable[Read]) -> Mapping[tuple[str, str], list[Any]]:
    """(topic, key) -> values in their order."""
    found: dict[tuple[str, str], list[Any]] = {}
    for record in records:
        found.setdefault((record.topic, record.key), []).append(record.value)
    return found
