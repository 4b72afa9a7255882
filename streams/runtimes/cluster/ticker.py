"""Appends ticks to the input of partitions that stamp time: what the broker says when is the time.

The only producer of a worker that is not transactional; a tick that is lost or doubled does no harm. It reads
a clock only to know how often.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from schemas.topics import ticks_of
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.reading import TICK

LOST_AFTER = 10
"""Periods after which a tick that was not read back is sent again."""


class Ticker:
    """One per worker, for all its partitions that stamp time."""

    def __init__(self, cluster: Cluster, producer: AIOKafkaProducer) -> None:
        self._cluster = cluster
        self._producer = producer
        self._sent: dict[int, float] = {}
        self._under_way: set[int] = set()

    async def beat(self, number: int, came: bool) -> None:
        """Send a tick to this partition if it is time. came: the last one was read back."""
        if self._cluster.trial:
            return
        now, period = time.monotonic(), self._cluster.pace.tick_ms / 1000
        if came:
            self._under_way.discard(number)
        wait = period * LOST_AFTER if number in self._under_way else period
        if now - self._sent.get(number, 0.0) < wait:
            return
        self._sent[number] = now
        self._under_way.add(number)
        await self.tick(number, 0)

    async def ask(self, number: int) -> int:
        """What time (us) the broker says it is, by a tick to this partition; -1 in a trial."""
        if self._cluster.trial:
            return -1
        told = [await sent for sent in await self.tick(number, 0)]
        return max(found.timestamp or 0 for found in told) * 1000

    async def tick(self, number: int, at: int) -> list[Awaitable[RecordMetadata]]:
        """Append a tick; `at` us counts in a trial only."""
        sent = []
        for machine in self._cluster.stamping:
            topic = ticks_of(machine)
            key, value, headers = line(Record(topic, SHARED, TICK, None, at))
            name = self._cluster.name(topic)
            sent.append(
                await self._producer.send(name, value=value, key=key, partition=number, headers=headers)
            )
        return sent
