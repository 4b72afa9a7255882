"""Reads what a cluster at rest holds: partitions of topics, one by one or together; and what its groups say.

It must not decide what a record means.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from streams.runtimes.cluster.codec import key_of, place_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.kept import consumer_of, read_to_end
from streams.stores.log import Logged

T = TypeVar("T")

LOOKS, PAUSE = 100, 0.1
"""How often, and how many seconds apart, brokers are asked about groups."""


async def coordinated(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask about groups; brokers that never had any need a moment to be able to answer."""
    for _ in range(LOOKS):
        with contextlib.suppress(GroupCoordinatorNotAvailableError):
            return await ask()
        await asyncio.sleep(PAUSE)
    return await ask()


async def members_of(admin: AIOKafkaAdminClient, group: str) -> int:
    """How many are in a consumer group. Asked one by one: aiokafka misreads an answer about several."""
    answers = await coordinated(lambda: admin.describe_consumer_groups([group]))
    return sum(len(found["members"]) for one in answers for found in one.to_object()["groups"])


async def read(cluster: Cluster, topic: str, number: int, first: int = 0) -> AsyncIterator[ConsumerRecord]:
    """The records of a partition from an offset on, to the end as of now."""
    tp = TopicPartition(cluster.name(topic), number)
    async with consumer_of(cluster) as consumer:
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, max(first, begin))
        async for record in read_to_end(consumer, [tp]):
            yield record


async def logged(cluster: Cluster, topic: str, number: int) -> AsyncIterator[Logged]:
    """The records of ours in a partition, in its order."""
    async for record in read(cluster, topic, number):
        place = place_of(record.headers)
        if place is not None:
            key, value = key_of(record.key), value_of(record.value)
            where = (topic, number, record.offset)
            yield Logged(*where, key, place.kind, value, place.at, place.feed, place.n)


async def merged(parts: Sequence[AsyncIterator[Logged]]) -> AsyncIterator[Logged]:
    """Records of several partitions in the order of `at`; those of a partition stay in their own."""
    heads: dict[int, Logged] = {}
    for number, part in enumerate(parts):
        if (first := await anext(part, None)) is not None:
            heads[number] = first
    while heads:
        number = min(heads, key=lambda one: (heads[one].at, one))
        yield heads[number]
        if (following := await anext(parts[number], None)) is None:
            del heads[number]
        else:
            heads[number] = following
