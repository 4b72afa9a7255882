"""The topics of a new cluster as the target of a move: rows into changelogs, logs into topics kept for good.

What is written is what workers would have written; positions lie behind it, so nobody works it off again. It
does not decide what is copied.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.canonical import partition_of
from schemas.errors import StreamError
from schemas.topics import MAX_BYTES, RECEIPTS, changelog_of
from streams.kernel.contract import SHARED, Record
from streams.kernel.repartition import Marks, Row
from streams.runtimes.cluster.codec import Line, encode, line, pack
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.kept import consumer_of
from streams.runtimes.cluster.marks import FILLING, MOVED, delete, put_mark, refuse_marked, take_mark
from streams.runtimes.cluster.publisher import entry_line
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.cluster.work import FLOOR, INPUTS, META
from streams.runtimes.migration.cluster_letters import to_cluster
from streams.runtimes.migration.cluster_source import EPOCH
from streams.runtimes.migration.copying import KEPT
from streams.runtimes.migration.embedded import moved_before
from streams.runtimes.migration.ports import Source, Standing
from streams.runtimes.pipeline import Entry
from streams.stores.log import Logged
from streams.stores.sqlite_dlq import DeadLetter
from streams.topology import NOTIFICATIONS, SALES_EVENTS

WRITERS = {SALES_EVENTS: "identity", NOTIFICATIONS: "inbox"}
"""Topic -> the machine that writes most of it; all others are the account machine's."""


class ClusterTarget:
    """A new cluster of the settings' prefix and partitions. An asynchronous context manager."""

    keeps_raw = False

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.name = f"topics {cluster.prefix}.*"
        self.partitions = cluster.partitions
        self._ends: dict[tuple[str, int], int] = {}
        self._undo = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as undo:
            self._admin = AIOKafkaAdminClient(**self._cluster.options)
            undo.push_async_callback(self._admin.close)
            await self._admin.start()
            self._undo = undo.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._undo.aclose()

    async def begin(self, source: Source) -> None:
        """Mark the topics as incomplete and make them anew.

        Raises:
            StreamError: SW-STREAM-072 they hold something; SW-STREAM-075 the source's time is not the wall's;
                SW-STREAM-070 the source or these topics were moved elsewhere.
        """
        cluster = self._cluster
        if source.standing.scaled and not cluster.trial:
            raise StreamError(
                "SW-STREAM-075",
                place=source.name,
                expected="a workspace on the wall's clock",
                found="one that has run with --time-scale",
                next_step="begin the cluster with a new workspace; a trial stays a trial",
            )
        there = set(await self._admin.list_topics())
        refuse_marked(cluster, there & {cluster.name(MOVED)})
        ours = there & {cluster.name(topic.name) for topic in cluster.topics()}
        if cluster.name(FILLING) in there:
            await delete(self._admin, ours)
        elif source.moved:
            raise moved_before(source)
        else:
            await self._refuse_used(ours)
            await put_mark(self._admin, cluster, FILLING)
        await ensure_topics(cluster, filling=True)
        self._producer = AIOKafkaProducer(
            enable_idempotence=True, linger_ms=5, max_request_size=MAX_BYTES, **cluster.options
        )
        await self._producer.start()
        self._undo.push_async_callback(self._producer.stop)

    async def rows(self, machine: str, number: int, rows: Sequence[Row]) -> None:
        """Take rows and waits into the changelog."""
        lines: list[Line] = [(pack(row[:3]), pack(row[3]), []) for row in rows]
        await self._append(changelog_of(machine), number, lines, [None] * len(lines))

    async def records(self, topic: str, records: Sequence[Logged], *, shared: bool) -> None:
        """Take records of the log; what is kept for good has its logical time as that of its append.

        Of the rest Kafka deletes what is old by that time.
        """
        now = time.time_ns() // 1_000_000
        kept = topic in KEPT
        lines: dict[int, list[Line]] = {}
        stamps: dict[int, list[int | None]] = {}
        for one in records:
            record = Record(topic, one.key, one.kind, one.value, one.at, one.feed, one.n)
            made = line(record, WRITERS.get(topic, "account"))
            for number in self._numbers(one.key, shared):
                lines.setdefault(number, []).append(made)
                stamps.setdefault(number, []).append(max(0, min(one.at // 1000, now)) if kept else None)
        for number, found in lines.items():
            await self._append(topic, number, found, stamps[number])

    async def letters(self, letters: Iterable[DeadLetter]) -> None:
        """Take dead letters."""
        for letter in letters:
            for (topic, number), lines in to_cluster(letter, self._cluster).items():
                await self._append(topic, number, lines, [None] * len(lines))

    async def receipts(self, receipts: Iterable[Mapping[str, Any]]) -> None:
        """Take what became of messages, with the time at which it did as that of its append.

        receipts: each with at least `id` and `settled` (us).
        """
        now = time.time_ns() // 1_000_000
        found: dict[int, list[tuple[Line, int]]] = {}
        for one in receipts:
            number = partition_of(one["id"], self.partitions)
            stamp = max(0, min(one["settled"] // 1000, now))
            found.setdefault(number, []).append(((one["id"].encode(), encode(one), []), stamp))
        for number, stamped in found.items():
            await self._append(RECEIPTS, number, *zip(*stamped, strict=True))

    async def entries(self, entries: Iterable[Entry]) -> None:
        """Take entries of the log that the workers shall work off; after `finish`."""
        for topic, number, one in (entry_line(entry, self._cluster) for entry in entries):
            await self._append(topic, number, [one], [None])

    async def finish(self, standing: Standing, marks: Marks) -> None:
        """Write the positions behind what was copied, and from when on time goes on.

        The watermark `at` itself is still to be sent when something is due until then.
        """
        floor = marks.at if marks.clock == marks.at else marks.at - 1
        for spec in self._cluster.machines:
            for number in range(self.partitions):
                positions = {topic: self._ends.get((topic, number), 0) for topic in spec.inputs}
                own: list[Row] = [(SHARED, META, INPUTS, positions)]
                if spec.fed_by is None:
                    own.append((SHARED, META, FLOOR, [floor]))
                    own.append((SHARED, META, EPOCH, [standing.epoch + 1]))
                await self.rows(spec.name, number, own)

    async def release(self) -> None:
        """Take the mark away."""
        await take_mark(self._admin, self._cluster, FILLING)

    # -- inside --------------------------------------------------------------------------------------------

    def _numbers(self, key: str, shared: bool) -> Iterable[int]:
        if key == SHARED:
            return range(self.partitions) if shared else (0,)
        return (partition_of(key, self.partitions),)

    async def _append(
        self, topic: str, number: int, lines: Sequence[Line], stamps: Sequence[int | None]
    ) -> None:
        name = self._cluster.name(topic)
        sent = [
            await self._producer.send(
                name, key=key, value=value, headers=headers, partition=number, timestamp_ms=stamp
            )
            for (key, value, headers), stamp in zip(lines, stamps, strict=True)
        ]
        if sent:
            last = (await asyncio.gather(*sent))[-1]
            self._ends[(topic, number)] = last.offset + 1

    async def _refuse_used(self, topics: Collection[str]) -> None:
        """Topics may have been made by hand, but nobody has written to them."""
        if not topics:
            return
        tps = [
            TopicPartition(found["topic"], one["partition"])
            for found in await self._admin.describe_topics(sorted(topics))
            for one in found["partitions"]
        ]
        async with consumer_of(self._cluster) as consumer:
            ends = await consumer.end_offsets(tps)
        used = sorted({tp.topic for tp, end in ends.items() if end})
        if used:
            raise StreamError(
                "SW-STREAM-072",
                place=self.name,
                expected="topics that nobody has written to, or none",
                found=", ".join(used[:5]),
                next_step="choose another prefix in [cluster], or delete these topics if nobody needs them",
            )
