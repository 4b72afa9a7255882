"""A partition task: one partition of one machine, from fencing to hand-over. One transaction per batch.

    fence -> high watermark -> restore -> seek to the position that belongs to the state -> batches

A batch is records worked off, their outputs, changed rows and the position, committed at once. After any
failure the task is over; whoever holds the partition opens a new one. It does not know what a machine means.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from aiokafka import TopicPartition

from schemas.errors import StreamError
from schemas.topics import changelog_of, ticks_of
from streams.kernel.contract import StorageError
from streams.kernel.driver import Partition
from streams.runtimes.cluster.bounds import within
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.inputs import Inputs
from streams.runtimes.cluster.local import LocalFile
from streams.runtimes.cluster.restore import high_watermark, restore
from streams.runtimes.cluster.telling import Care, Done, PoisonedError, Stand
from streams.runtimes.cluster.ticker import Ticker
from streams.runtimes.cluster.transactions import STOP_SECONDS, ClaimLostError, Transactions
from streams.runtimes.cluster.work import Work
from streams.topology import MachineSpec


def name_of(machine: str, number: int) -> str:
    """A partition's name in transactions, folders and errors."""
    return f"{machine}-{number}"


class PartitionTask:
    """`open`, `run` until `stop`, `close`. tell: called with each committed batch.

    cluster_id: of the brokers, so that a local file is never taken for another cluster's.
    """

    def __init__(
        self,
        cluster: Cluster,
        cluster_id: str,
        spec: MachineSpec,
        number: int,
        ticker: Ticker,
        tell: Callable[[Done], None],
        care: Care,
    ) -> None:
        self.machine, self.number = spec.name, number
        self.name = name_of(spec.name, number)
        self._cluster, self._spec, self._ticker = cluster, spec, ticker
        self._tell, self._care = tell, care
        self._stamps = spec.fed_by is None
        topics = (*spec.inputs, ticks_of(spec.name)) if self._stamps else spec.inputs
        self._inputs = Inputs(cluster, topics, number, cluster.own_topic(spec.name) if self._stamps else None)
        self._transactions = Transactions(cluster, self.name)
        changelog = cluster.name(changelog_of(spec.name))
        self._changelog = TopicPartition(changelog, number)
        folder = cluster.folder(cluster_id) / self.name
        self._file = LocalFile(folder, f"{cluster_id}/{changelog}/{number}", cluster.pace.cache_rows)
        self._patience = cluster.pace.commit_ms / 1000
        self._turn = asyncio.Lock()
        self._stopping = False
        self._work: Work | None = None
        self._offset = 0
        self.restored_from = 0
        """Offset of the changelog up to which the local file saved the reading."""
        self._saved = self._committed = 0.0
        self._state, self._restored, self._end, self._lag = "opening", 0, 0, 0

    # -- life ----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the partition over and bring its rows up to date.

        Raises:
            ClaimLostError, StreamError, StorageError: not now; close it and try again.
        """
        await self._transactions.open()
        self._go_on()
        self._end = await within(self._patience, high_watermark(self._cluster, self._changelog))
        self._go_on()
        store, first = self._file.open(self._end)
        self._state, self._restored, self.restored_from = "restoring", first, first
        await restore(self._cluster, self._changelog, store, (first, self._end), self._progress)
        self._offset, self._saved = self._end, time.monotonic()
        count = self._cluster.partitions
        feeds = [self.number] if self._stamps else range(count)
        machine = self._spec.make(count)
        partition = Partition(machine, store, self.number, feeds, behind=self._cluster.behind)
        self._work = Work(self._cluster, self._spec, partition, store, self._inputs, self._care)
        await within(self._patience, self._inputs.open(self._work.positions))
        if self._stamps:
            self._inputs.newest = await self._ticker.ask(self.number)
        self._state = "running"

    async def run(self) -> None:
        """Work until `stop`.

        Raises:
            ClaimLostError, StorageError, PoisonedError: the task is over.
        """
        while not self._stopping:
            async with self._turn:
                await self._step()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping = True

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Wait for the batch in flight; none begins inside."""
        async with self._turn:
            yield

    async def close(self) -> None:
        """Let go. What was committed and not saved is read again from the changelog."""
        self._state = "closed"
        await self._transactions.close()
        with contextlib.suppress(Exception):
            await within(STOP_SECONDS, self._inputs.close())
        self._file.close()

    def save(self) -> None:
        """Write what was committed to the local file."""
        self._file.save(self._offset)
        self._saved = time.monotonic()

    # -- batches -------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        work = self._working
        if self._stamps:
            await self._ticker.beat(self.number, work.ticked)
            work.ticked = False
        await self._inputs.fill(0 if work.busy else self._cluster.pace.poll_ms)
        await self._gather()
        begun = time.perf_counter()
        try:
            work.run()
            idle = time.monotonic() - self._committed > self._cluster.pace.idle_ms / 1000
            if work.must_commit or (idle and work.records):
                await self._commit(begun)
        except (ClaimLostError, StorageError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise self._poisoned(error) from error

    async def _gather(self) -> None:
        """Let a few records come together when the last batch was just now: what a commit costs is shared."""
        pace = self._cluster.pace
        soon = self._committed + pace.gather_ms / 1000 - time.monotonic()
        if soon > 0 and 0 < self._inputs.buffered < pace.batch_records and not self._working.busy:
            await asyncio.sleep(soon)
            await self._inputs.fill(0)

    async def _commit(self, begun: float) -> None:
        work = self._working
        lines = work.finish()
        offsets = await self._transactions.commit(lines)
        self._offset = offsets.get(work.batch.changelog, self._offset)
        self._committed = time.monotonic()
        if self._committed - self._saved > self._cluster.pace.save_ms / 1000:
            self.save()
        self._tell(work.done(time.perf_counter() - begun))

    def _poisoned(self, error: Exception) -> PoisonedError:
        work = self._working
        care = Care(records=max(1, work.records))
        if self._care.records and work.first is not None and work.records <= 1:
            care = Care(bury=(work.first.topic, work.first.offset))
        return PoisonedError(care, f"{self.name}: {type(error).__name__}: {error}")

    # -- telling -------------------------------------------------------------------------------------------

    async def look(self) -> Stand:
        """How it stands now."""
        if self._state == "running":
            self._lag = await self._inputs.lag() + self._inputs.buffered
        part = None if self._work is None else self._work.partition
        armed = 0 if self._file.store is None else self._file.store.armed
        return Stand(
            self.machine,
            self.number,
            self._state,
            -1 if part is None else part.clock,
            self._restored,
            self._end,
            self._lag,
            0 if part is None else part.held,
            0 if part is None else part.sweeping,
            armed,
        )

    @property
    def partition(self) -> Partition:
        """Rows, clocks and sweeps, to be looked at only."""
        return self._working.partition

    @property
    def settled(self) -> bool:
        """Whether all that was read is worked off, and all that it led to is committed."""
        work = self._work
        return work is not None and not (work.busy or work.must_commit or self._inputs.buffered)

    @property
    def _working(self) -> Work:
        if self._work is None:
            raise StreamError("SW-STREAM-027", place=self.name)
        return self._work

    def _progress(self, offset: int) -> None:
        self._restored = offset
        self._go_on()

    def _go_on(self) -> None:
        """An opening that is not wanted any more ends between two of its steps."""
        if self._stopping:
            raise ClaimLostError(f"{self.name}: not wanted any more")
