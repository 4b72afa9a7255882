"""Reads the topics of one partition: in the order of the log, and over several topics in the order of append.

With several topics a record is handed out only when no older one can come from another: each is read to its
end as of a moment after the record had come. So a backlog is worked off in the order in which it was written,
and a tick is handed out when all that is older has been. What partitions say to each other has the time of
what led to it: so a question about the middle of a backlog is answered there. It must not decide what a
record means.
"""

from __future__ import annotations

import contextlib
import heapq
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.errors import StreamError
from streams.runtimes.cluster.codec import place_of
from streams.runtimes.cluster.config import Cluster

BUFFERED = 5000
"""Records of one topic that are fetched ahead."""

FETCH_BYTES = 1 << 20


class Input(msgspec.Struct, frozen=True):
    """A record as it was read. topic: without the prefix. at: us, of the append or as the record says."""

    topic: str
    partition: int
    offset: int
    at: int
    record: ConsumerRecord


class Inputs:
    """The topics of a machine's partition from given positions on.

    With several they are handed out in the order of `at`; else in the order of the topic. own: the topic by
    which the partitions of the machine speak to each other: there, and in a trial, a record's own time
    counts. newest: the greatest time (us) at which anything was appended, as far as is known.
    """

    def __init__(self, cluster: Cluster, topics: Sequence[str], number: int, own: str | None = None) -> None:
        self._cluster, self._own = cluster, own
        self._spoken = self.newest = -1
        self._tps = {TopicPartition(cluster.name(topic), number): topic for topic in topics}
        self._merged = len(topics) > 1
        self._buffers: dict[TopicPartition, deque[Input]] = {tp: deque() for tp in self._tps}
        self._ready: deque[Input] = deque()
        self._consumer: AIOKafkaConsumer | None = None
        self._read = list(self._tps)

    def only(self, topics: Collection[str]) -> None:
        """Read these topics for now, and the others when `all` is called."""
        self._read = [tp for tp, topic in self._tps.items() if topic in topics]

    def all(self) -> None:
        """Read all topics. What lies ready behind the record in hand is put in order with them anew."""
        self._read = list(self._tps)
        while len(self._ready) > 1:
            item = self._ready.pop()
            self._buffers[TopicPartition(self._cluster.name(item.topic), item.partition)].appendleft(item)

    async def open(self, positions: Mapping[str, int]) -> None:
        """Begin at the positions, by topic; 0 where there is none."""
        cluster = self._cluster
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=cluster.pace.fetch_ms,
            max_partition_fetch_bytes=FETCH_BYTES,
            retry_backoff_ms=50,
            **cluster.options,
        )
        self._consumer = consumer
        await consumer.start()
        consumer.assign(list(self._tps))
        for tp, topic in self._tps.items():
            consumer.seek(tp, positions.get(topic, 0))

    async def close(self) -> None:
        """Stop reading."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    @property
    def buffered(self) -> int:
        """Records read and not handed out yet."""
        return len(self._ready) + sum(len(buffer) for buffer in self._buffers.values())

    async def lag(self) -> int:
        """Records not read yet."""
        consumer = self._reader
        ends = await consumer.end_offsets(list(self._tps))
        return sum([max(0, end - await consumer.position(tp)) for tp, end in ends.items()])

    async def fill(self, wait_ms: int) -> None:
        """Fetch what there is; wait for the first if nothing can be handed out."""
        hungry = [tp for tp in self._read if len(self._buffers[tp]) < BUFFERED]
        if len(self._ready) >= BUFFERED or not hungry:
            return
        wait = 0 if self._ready else wait_ms
        found = await self._reader.getmany(*hungry, timeout_ms=wait)
        for tp, records in found.items():
            topic = self._tps[tp]
            target = self._buffers[tp] if self._merged else self._ready
            target.extend(
                Input(topic, tp.partition, record.offset, self._at(topic, record), record)
                for record in records
            )
            self.newest = max(self.newest, target[-1].at)
        if self._merged and any(self._buffers.values()):
            await self._merge()

    def next(self) -> Input | None:
        """The next record in order, to be passed by `passed`."""
        return self._ready[0] if self._ready else None

    def ahead(self, count: int) -> list[str]:
        """Keys of the next records, as their senders wrote them."""
        return [(item.record.key or b"").decode("utf-8", "replace") for item in islice(self._ready, count)]

    def passed(self) -> None:
        """The record that `next` gave is worked off."""
        self._ready.popleft()

    # -- inside --------------------------------------------------------------------------------------------

    @property
    def _reader(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the inputs are closed")
        return self._consumer

    def _at(self, topic: str, record: ConsumerRecord) -> int:
        """The time in us by which the record is put in order; it never falls among what partitions say."""
        appended: int = record.timestamp * 1000
        if topic == self._own:
            self._spoken = max(self._spoken, _brought(record, self._spoken))
            return self._spoken
        return _brought(record, appended) if self._cluster.trial else appended

    async def _merge(self) -> None:
        """Hand out what nothing older can overtake any more."""
        consumer, buffers = self._reader, {tp: self._buffers[tp] for tp in self._read}
        ends = await consumer.end_offsets(list(buffers))
        limit: int | None = None
        for tp, buffer in buffers.items():
            if await consumer.position(tp) < ends[tp]:
                last = buffer[-1].at if buffer else -1
                limit = last if limit is None else min(limit, last)
        heads = [(buffer[0].at, index, buffer) for index, buffer in enumerate(buffers.values()) if buffer]
        heapq.heapify(heads)
        while heads and (limit is None or heads[0][0] <= limit):
            _, index, buffer = heapq.heappop(heads)
            self._ready.append(buffer.popleft())
            if buffer:
                heapq.heappush(heads, (buffer[0].at, index, buffer))


def _brought(record: ConsumerRecord, else_at: int) -> int:
    """The time (us) that the record brings."""
    with contextlib.suppress(StreamError):
        place = place_of(record.headers)
        if place is not None:
            return place.at
    return else_at
