"""Topics that are kept, read by somebody who asks: from a place on to the end as of now. Joins no group.

It must not decide what a record means.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.canonical import partition_of
from schemas.envelope import Event
from streams.kernel.contract import EVENT, SHARED, SHARED_CHANGE
from streams.runtimes.cluster.codec import place_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.topics import unreachable
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.topology import SALES_EVENTS

LOOKED: Final = 5_000
"""Records behind the time of a record among which it is looked for."""

LAST: Final = 20
"""Offsets at the end of a partition among which its last record is: the others are marks of transactions."""

Place = tuple[int, int, int]
"""(at, n, feed)."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A record, and where it belongs among those of all partitions."""

    order: tuple[int, int, int]
    entry: Entry


@contextlib.asynccontextmanager
async def consumer_of(cluster: Cluster) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that reads whole transactions and keeps no position.

    Raises:
        StreamError: SW-STREAM-032.
    """
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50, **cluster.options
    )
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise unreachable(error) from error
    finally:
        await consumer.stop()


async def read_to_end(
    consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]
) -> AsyncIterator[ConsumerRecord]:
    """Records from the consumer's positions on; the consumer has these partitions assigned."""
    ends = await consumer.end_offsets(tps)
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                yield record


async def history_of(cluster: Cluster) -> list[Entry]:
    """All events and changes of people of `sales.events`, as they would enter again at their logical time."""
    kept: list[_Kept] = []
    async with consumer_of(cluster) as consumer:
        tps = [TopicPartition(cluster.name(SALES_EVENTS), n) for n in range(cluster.partitions)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        async for record in read_to_end(consumer, tps):
            kept += _kept(cluster, record)
    kept.sort(key=lambda one: one.order)
    return [one.entry for one in kept]


def _kept(cluster: Cluster, record: ConsumerRecord) -> Iterator[_Kept]:
    place = place_of(record.headers)
    if place is None or place.kind not in (EVENT, SHARED_CHANGE):
        return
    order, value = (place.at, place.feed, place.n), value_of(record.value)
    if place.kind == EVENT:
        yield _Kept(order, entry_of(event_of(value), place.at, namespaces=cluster.namespaces))
    elif record.partition == 0 and "event" in value:
        yield _Kept(order, Entry("commands", SHARED, SHARED_CHANGE, value, place.at))


def event_of(value: dict[str, Any]) -> Event:
    """The event in the form in which it travels between machines."""
    return Event(
        id=value["id"],
        source=value["src"],
        type=value["type"],
        time=value["time"],
        data=value["data"],
        subject=value.get("subj"),
        precision="day" if value.get("day") else "instant",
        recorded=value.get("rec"),
        ext=value.get("ext") or {},
    )


async def places_of(cluster: Cluster, key: str, wanted: Iterable[Place]) -> dict[Place, str]:
    """Where records of a key stand in `sales.events`: `topic/partition@offset`."""
    number, missing = partition_of(key, cluster.partitions), set(wanted)
    tp = TopicPartition(cluster.name(SALES_EVENTS), number)
    found: dict[Place, str] = {}
    async with consumer_of(cluster) as consumer:
        consumer.assign([tp])
        for at in sorted({place[0] for place in missing}):
            if any(place[0] == at for place in missing - found.keys()):
                await _look(consumer, tp, at, missing, found)
    return {place: f"{SALES_EVENTS}/{number}@{offset}" for place, offset in found.items()}


async def _look(
    consumer: AIOKafkaConsumer, tp: TopicPartition, at: int, wanted: set[Place], found: dict[Place, str]
) -> None:
    """Look behind the time `at`; a record is appended at its logical time or later."""
    start = (await consumer.offsets_for_times({tp: at // 1000})).get(tp)
    if start is None:
        return
    consumer.seek(tp, start.offset)
    looked = 0
    async for record in read_to_end(consumer, [tp]):
        looked += 1
        place = place_of(record.headers)
        if place is not None and (here := (place.at, place.n, place.feed)) in wanted:
            found[here] = str(record.offset)
        if looked == LOOKED or all(one in found for one in wanted if one[0] == at):
            return


async def last_of(cluster: Cluster, topics: Sequence[str]) -> list[ConsumerRecord]:
    """The last record of each partition of the topics that has one."""
    last: dict[TopicPartition, ConsumerRecord] = {}
    async with consumer_of(cluster) as consumer:
        tps = [TopicPartition(cluster.name(topic), n) for topic in topics for n in range(cluster.partitions)]
        consumer.assign(tps)
        for tp, end in (await consumer.end_offsets(tps)).items():
            consumer.seek(tp, max(0, end - LAST))
        async for record in read_to_end(consumer, tps):
            last[TopicPartition(record.topic, record.partition)] = record
    return list(last.values())
