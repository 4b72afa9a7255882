"""A cluster at rest as the source of a move: marked, fenced, its rows read back into files of its own.

At rest means: no worker is in the group, every partition's last owner is fenced, and no record lies behind
the position of the machine that reads it but ticks, echoes and watermarks. It does not decide what is copied.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.errors import StreamError
from schemas.topics import EVENTS, RECEIPTS, changelog_of
from streams.kernel.contract import SHARED, WATERMARK, Store
from streams.kernel.repartition import Row
from streams.runtimes.cluster.app import GROUP as STAGES
from streams.runtimes.cluster.codec import key_of, place_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import letters_of
from streams.runtimes.cluster.echoes import ASK, BACK
from streams.runtimes.cluster.kept import history_of
from streams.runtimes.cluster.local import ChangelogStore, LocalFile
from streams.runtimes.cluster.marks import FILLING, MOVED, put_mark, refuse_marked, take_mark
from streams.runtimes.cluster.owner import GROUP as MACHINES
from streams.runtimes.cluster.reading import TICK
from streams.runtimes.cluster.restore import high_watermark, restore
from streams.runtimes.cluster.transactions import Transactions
from streams.runtimes.cluster.work import FLOOR, INPUTS, META, RETRIED
from streams.runtimes.embedded.intake import RAW, line_of
from streams.runtimes.migration.cluster_letters import from_cluster
from streams.runtimes.migration.cluster_reading import coordinated, logged, members_of, merged, read
from streams.runtimes.migration.letters import distinct
from streams.runtimes.migration.ports import Standing
from streams.stores.log import Logged
from streams.stores.sqlite_dlq import DeadLetter
from streams.topology import NOTIFICATIONS, SALES_EVENTS

EPOCH = "epoch"
"""Name of the row of a cluster's runtime that holds the epoch of its partitioning."""

OWN = frozenset({(META, INPUTS), (META, FLOOR), (META, EPOCH)})
"""Rows that the runtime keeps for itself; those of bucket RETRIED are, too."""

CHATTER = frozenset({WATERMARK, TICK, ASK, BACK})
"""Kinds of records that say that time passes, and nothing else: they may be left unread."""

PAGE = 1000
"""Receipts that are handed on at once."""

AT_ONCE = 4
"""Partitions that are read back side by side."""


class ClusterSource:
    """A cluster that is moved. An asynchronous context manager.

    Entered, it is marked as moved, so that no worker starts; left without `retire`, it loses the mark again.

    Raises:
        StreamError: SW-STREAM-073 it is not at rest; -071 a move to it has not ended; -075 it is not there.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.name = f"topics {cluster.prefix}.*"
        self.partitions = cluster.partitions
        self.moved = False
        self._retired = False
        self._places = [(spec, number) for spec in cluster.machines for number in range(cluster.partitions)]
        self._stores: dict[tuple[str, int], ChangelogStore] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._undo = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as undo:
            self._admin = AIOKafkaAdminClient(**self._cluster.options)
            undo.push_async_callback(self._admin.close)
            await self._admin.start()
            await self._mark()
            undo.push_async_callback(self._unmark)
            await self._refuse_workers()
            self._cluster.data.mkdir(parents=True, exist_ok=True)
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="move-", dir=self._cluster.data))
            await self._read_rows(Path(folder))
            await self._refuse_backlog()
            self._undo = undo.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._undo.aclose()

    # -- Source --------------------------------------------------------------------------------------------

    @property
    def standing(self) -> Standing:
        """How it stands."""
        at = max((int((self._own(place, FLOOR) or [-1])[0]) for place in self._stores), default=-1)
        epoch = (self._own((self._cluster.machines[0].name, 0), EPOCH) or [0])[0]
        return Standing(at, int(epoch), scaled=self._cluster.trial)

    def size(self) -> int:
        """Records of the changelogs that there are: for each key some."""
        return sum(self._ends.values())

    def stores(self, machine: str) -> Sequence[Store]:
        """The rows of each partition."""
        return [self._stores[(machine, number)] for number in range(self.partitions)]

    def rows(self, machine: str, number: int) -> Iterator[Row]:
        """The rows and waits of a partition, without those of the runtime."""
        for row in self._stores[(machine, number)].walk():
            if row[0] != SHARED or ((row[1], row[2]) not in OWN and row[1] != RETRIED):
                yield row

    async def records(self, topic: str) -> AsyncIterator[Logged]:
        """The records of a topic in the order of `at`."""
        between = topic == SALES_EVENTS
        async for record in merged(
            [logged(self._cluster, topic, number) for number in range(self.partitions)]
        ):
            if not between or record.key != SHARED or record.partition == 0:
                yield record

    async def raw(self) -> AsyncIterator[Logged]:
        """The entries that led to `sales.events`: raw topics are not kept for good."""
        for entry in await history_of(self._cluster):
            yield Logged(RAW, 0, -1, *line_of(entry))

    async def unsent(self) -> AsyncIterator[Logged]:
        """Notifications that have no receipt."""
        settled: set[str] = set()
        for number in range(self.partitions):
            settled |= {key_of(record.key) async for record in read(self._cluster, RECEIPTS, number)}
        async for record in self.records(NOTIFICATIONS):
            if record.value["id"] not in settled:
                yield record

    async def receipts(self) -> AsyncIterator[list[Mapping[str, Any]]]:
        """What became of messages, as far as it is kept, in pages; of one message the newest last."""
        for number in range(self.partitions):
            page: list[Mapping[str, Any]] = []
            async for record in read(self._cluster, RECEIPTS, number):
                page.append(value_of(record.value))
                if len(page) == PAGE:
                    yield page
                    page = []
            yield page

    async def letters(self) -> Sequence[DeadLetter]:
        """Dead letters that were not brought back."""
        found = [one for one in await letters_of(self._cluster) if not one.replayed]
        return distinct(from_cluster(one.value) for one in found)

    async def verify(self) -> None:
        """Nobody has committed anything since."""
        await self._refuse_workers()
        for tp, end in self._ends.items():
            now = await high_watermark(self._cluster, tp)
            if now != end:
                raise self._busy(f"{tp.topic}/{tp.partition} has grown from {end} to {now}")

    async def retire(self, to: str) -> None:
        """Leave the mark where it is."""
        self._retired = True

    # -- coming to rest ------------------------------------------------------------------------------------

    async def _mark(self) -> None:
        cluster, there = self._cluster, set(await self._admin.list_topics())
        missing = {cluster.name(changelog_of(spec.name)) for spec in cluster.machines} - there
        if missing:
            raise StreamError(
                "SW-STREAM-075",
                place=self.name,
                expected="the topics of a cluster",
                found=f"no {', '.join(sorted(missing))}",
                next_step="check the prefix and the brokers in [cluster]",
            )
        self.moved = cluster.name(MOVED) in there
        refuse_marked(cluster, there & {cluster.name(FILLING)})
        if not self.moved:
            await put_mark(self._admin, cluster, MOVED)

    async def _unmark(self) -> None:
        if not (self.moved or self._retired):
            await take_mark(self._admin, self._cluster, MOVED)

    async def _refuse_workers(self) -> None:
        for name in (self._cluster.name(group) for group in (MACHINES, STAGES)):
            members = await members_of(self._admin, name)
            if members:
                raise self._busy(f"{members} members in the group {name}")

    def _busy(self, found: str) -> StreamError:
        return StreamError(
            "SW-STREAM-073",
            place=self.name,
            expected="no worker at work",
            found=found,
            next_step="stop all workers; one that was killed is gone after the session's end",
        )

    async def _read_rows(self, folder: Path) -> None:
        door = asyncio.Semaphore(AT_ONCE)

        async def read(machine: str, number: int) -> None:
            async with door:
                await self._restored(folder / f"{machine}-{number}", machine, number)

        await asyncio.gather(*(read(spec.name, number) for spec, number in self._places))

    async def _restored(self, folder: Path, machine: str, number: int) -> None:
        """Fence the last owner, then read the rows back as the next one would."""
        cluster = self._cluster
        tp = TopicPartition(cluster.name(changelog_of(machine)), number)
        claim = Transactions(cluster, f"{machine}-{number}")
        try:
            await claim.open()
        finally:
            await claim.close()
        end = self._ends[tp] = await high_watermark(cluster, tp)
        file = LocalFile(folder, f"{tp.topic}/{number}", cluster.pace.cache_rows)
        store, first = file.open(end)
        await restore(cluster, tp, store, (first, end), lambda offset: None)
        file.save(end)
        self._stores[(machine, number)] = store

    async def _refuse_backlog(self) -> None:
        left = await self._unread() + await self._untaken()
        if left:
            raise StreamError(
                "SW-STREAM-073",
                place=self.name,
                expected="topics that are worked off to their end",
                found=", ".join(f"{count} records of {topic}" for topic, count in sorted(left.items())),
                next_step="let the workers run without new events until `stagewatch status` shows no lag,"
                " and stop them again",
            )

    async def _unread(self) -> Counter[str]:
        """Records behind the positions of machines, by topic."""
        left: Counter[str] = Counter()
        for spec, number in self._places:
            positions: Mapping[str, int] = self._own((spec.name, number), INPUTS) or {}
            for topic in spec.inputs:
                async for record in read(self._cluster, topic, number, positions.get(topic, 0)):
                    place = place_of(record.headers)
                    left[topic] += place is None or place.kind not in CHATTER
        return +left

    async def _untaken(self) -> Counter[str]:
        """Events of anybody that no intake has taken over."""
        name = self._cluster.name(EVENTS)
        tps = [TopicPartition(name, number) for number in range(self.partitions)]
        group = self._cluster.name(STAGES)
        taken = await coordinated(lambda: self._admin.list_consumer_group_offsets(group))
        left: Counter[str] = Counter()
        for tp in tps:
            offset = taken[tp].offset if tp in taken else -1
            async for _ in read(self._cluster, EVENTS, tp.partition, max(0, offset)):
                left[EVENTS] += 1
        return left

    # -- inside --------------------------------------------------------------------------------------------

    def _own(self, place: tuple[str, int], name: str) -> Any:
        return self._stores[place].get(SHARED, META, name)


async def take_back(cluster: Cluster) -> None:
    """The cluster is in use again: take its mark away.

    Raises:
        StreamError: SW-STREAM-075, it was not moved.
    """
    admin = AIOKafkaAdminClient(**cluster.options)
    await admin.start()
    try:
        if cluster.name(MOVED) not in await admin.list_topics():
            raise StreamError("SW-STREAM-075", "It was not moved", place=cluster.prefix)
        await take_mark(admin, cluster, MOVED)
    finally:
        await admin.close()
