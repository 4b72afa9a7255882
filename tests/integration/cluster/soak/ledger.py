"""The books of a soak: what came out, and what an undisturbed run makes of the very same log.

Partitions in memory are given the committed records of a machine's input, watermarks and all, in their order.
Outputs must be equal byte for byte and in their order; rows and armed waits must be equal too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics import changelog_of
from streams.kernel.contract import EVENT, SHARED, WATERMARK, Record
from streams.kernel.driver import Partition
from streams.runtimes.cluster.codec import encode, pack, place_of, row_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.inputs import Input
from streams.runtimes.cluster.reading import Reader
from streams.runtimes.cluster.work import INPUTS, META
from streams.stores.memory import MemoryStore
from streams.topology import ALERTS, APPROVALS, MACHINES, TASKS
from tests.integration.cluster.trial import cluster_of

FETCH_BYTES = 8 << 20

Said = dict[tuple[str, str, int], list[bytes]]
"""(topic, key, partition of the machine that wrote it) -> values in their order."""

FIRST = MACHINES[0].name
"""The machine that stamps time: what it says is the log from which the others are played again."""

TRANSITIONS = (ALERTS, TASKS, APPROVALS)

Address = tuple[str, str, str]

OWN: frozenset[Address] = frozenset({(SHARED, META, INPUTS), (SHARED, META, "driver")})
"""Rows of the runtime: positions and clocks. An idle partition commits them now and then only."""


@dataclass
class Sheet:
    """One partition of one machine.

    wanted: its outputs in an undisturbed run. taken: ids of the events that came in, each as often as it did.
    different: rows and waits that are not as there; rows: how many there are. repeats_changed: where alerts,
    tasks or approvals would be others if no source had sent anything twice.
    """

    machine: str
    number: int
    wanted: Said = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    different: list[Address] = field(default_factory=list)
    repeats_changed: list[tuple[str, str, int]] = field(default_factory=list)
    rows: int = 0


class Undisturbed:
    """A partition of a machine in memory. `take` the records of its input; `said` is what it says then.

    taken: event -> how often it came. once: leave out what comes again.
    """

    def __init__(self, cluster: Cluster, machine: str, number: int, *, once: bool = False) -> None:
        spec, count = cluster.spec(machine), cluster.partitions
        self.store = MemoryStore()
        self.said: Said = {}
        self.taken: Counter[str] = Counter()
        self._once = once
        self._topic, self._number = spec.inputs[0], number
        self._partition = Partition(spec.make(count), self.store, number, range(count))
        self._reader = Reader(cluster, machine, number)

    def take(self, record: ConsumerRecord) -> None:
        """Work a record off."""
        item = Input(self._topic, self._number, record.offset, record.timestamp * 1000, record)
        taken, part = self._reader.read(item).record, self._partition
        if taken.kind == WATERMARK:
            part.watermark(taken.feed, taken.at)
        elif not self._again(record, taken):
            part.receive(taken, fed=False)
        while part.sweeping:
            part.sweep_some(1000)
        for out in part.outs:
            place = (out.emit.topic, out.emit.key, self._number)
            self.said.setdefault(place, []).append(encode(out.emit.value))
        part.outs.clear()

    def _again(self, record: ConsumerRecord, taken: Record) -> bool:
        """Count an event that comes in; whether it has come before."""
        place = place_of(record.headers)
        if taken.kind != EVENT or place is None or place.writer != FIRST:
            return False
        name = str(taken.value["id"])
        self.taken[name] += 1
        return self._once and self.taken[name] > 1

    def rows(self) -> dict[Address, bytes]:
        """All rows and waits, as the changelog has them."""
        return {(key, bucket, name): pack(value) for key, bucket, name, value in self.store.walk()}


async def sheet(cluster: Cluster, machine: str, number: int) -> Sheet:
    """Play one partition without disturbance, and compare its rows."""
    made, there = Sheet(machine, number), Undisturbed(cluster, machine, number)
    calm = Undisturbed(cluster, machine, number, once=True)
    async for record in committed(cluster, cluster.spec(machine).inputs[0], number):
        there.take(record)
        calm.take(record)
    made.wanted, made.taken = there.said, there.taken
    made.repeats_changed = [place for place in told(there.said) if there.said[place] != calm.said.get(place)]
    wanted, found = there.rows(), await changelog(cluster, machine, number)
    made.rows = len(wanted)
    made.different = [
        place for place in wanted.keys() | found.keys() if wanted.get(place) != found.get(place)
    ]
    return made


def told(one: Said) -> list[tuple[str, str, int]]:
    """Where alerts, tasks and approvals stand in it."""
    return [place for place in one if place[0] in TRANSITIONS]


async def changelog(cluster: Cluster, machine: str, number: int) -> dict[Address, bytes]:
    """The rows and waits of a partition, as a new owner would have them."""
    newest: dict[bytes, bytes | None] = {}
    async for record in committed(cluster, changelog_of(machine), number):
        newest[record.key or b""] = record.value
    rows = {row_of(key, None)[0]: value for key, value in newest.items() if value is not None}
    return {address: value for address, value in rows.items() if address not in OWN}


async def said(cluster: Cluster, topics: Sequence[str]) -> Said:
    """What machines that are fed wrote to the topics."""
    found: Said = {}
    for topic in topics:
        for number in range(cluster.partitions):
            async for record in committed(cluster, topic, number):
                place = place_of(record.headers)
                if place is not None and place.kind != WATERMARK and place.writer != FIRST:
                    key = (record.key or b"").decode()
                    found.setdefault((topic, key, place.feed), []).append(record.value or b"null")
    return found


async def committed(cluster: Cluster, topic: str, number: int) -> AsyncIterator[ConsumerRecord]:
    """All committed records of a partition of a topic, in their order."""
    tp = TopicPartition(cluster.name(topic), number)
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed", enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES,
        **cluster.options,
    )  # fmt: skip
    await consumer.start()
    try:
        consumer.assign([tp])
        consumer.seek(tp, 0)
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                yield record
    finally:
        await consumer.stop()


def _sheet(address: str, prefix: str, partitions: int, machine: str, number: int) -> Sheet:
    cluster = cluster_of(address, Path("/nowhere"), prefix, partitions, trial=False)
    return asyncio.run(sheet(cluster, machine, number))


def sheets(cluster: Cluster, processes: int = 2) -> list[Sheet]:
    """One for each partition of each machine that is fed; several processes at a time make them."""
    machines = [spec.name for spec in cluster.machines if spec.fed_by is not None]
    where = (cluster.options["bootstrap_servers"][0], cluster.prefix, cluster.partitions)
    with ProcessPoolExecutor(processes) as pool:
        jobs = [
            pool.submit(_sheet, *where, machine, number)
            for machine in machines
            for number in range(cluster.partitions)
        ]
        return [job.result() for job in jobs]
