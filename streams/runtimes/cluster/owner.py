"""Shares the partitions of all machines among workers, and runs the tasks of those that are ours.

A consumer group over the empty topics of slots decides who owns what; that it is safe, the fencing decides.
So partitions work on while the group decides, but none is opened. Decides nothing about records.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import slots_of
from streams.kernel.contract import StorageError
from streams.runtimes.cluster.assigning import Assignor, Holding
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.task import PartitionTask, name_of
from streams.runtimes.cluster.telling import Care, Done, PoisonedError, Stand
from streams.runtimes.cluster.ticker import Ticker
from streams.runtimes.cluster.transactions import ClaimLostError

GROUP = "machines"

Slot = tuple[str, int]
"""(machine, partition)."""

Trouble = Callable[[Slot, BaseException], None]
"""Told when a task ended by itself; it is opened again."""

PAUSE_SECONDS = 0.2
LONGEST_PAUSE = 5.0
END_SECONDS = 3.0
"""A task that does not end in that time is cut off; what it had not committed is void."""

ROOM_BYTES = 4 << 20
"""A disk that was full must have that much room before partitions are taken again."""

FENCED_SECONDS = 1.5
"""Pause after another worker took a partition over: the group tells meanwhile whose it is."""


class Slots(ConsumerRebalanceListener):
    """The partitions of a worker. `start`, `stop`; `tell` and `trouble` are called as things happen."""

    def __init__(
        self, cluster: Cluster, cluster_id: str, tell: Callable[[Done], None], trouble: Trouble
    ) -> None:
        self._cluster, self._cluster_id = cluster, cluster_id
        self._tell, self._trouble = tell, trouble
        self._names = {cluster.name(slots_of(spec.name)): spec.name for spec in cluster.machines}
        self._holders: dict[Slot, Holder] = {}
        self._ending: dict[Slot, asyncio.Task[None]] = {}
        self.decided = asyncio.Event()
        """Set but while the group shares the partitions out."""
        self._stack = contextlib.AsyncExitStack()
        self.rebalances = 0
        self.broken: StorageError | None = None
        """Why local files cannot be written. Whoever sees it stops us until they can be, and sets it back."""

    async def start(self) -> None:
        """Join the group."""
        cluster, pace = self._cluster, self._cluster.pace
        producer = AIOKafkaProducer(enable_idempotence=True, **cluster.options)
        await producer.start()
        self._stack.push_async_callback(producer.stop)
        self._ticker = Ticker(cluster, producer)
        self._consumer = AIOKafkaConsumer(
            group_id=cluster.name(GROUP),
            enable_auto_commit=False,
            session_timeout_ms=pace.session_ms,
            heartbeat_interval_ms=max(100, pace.session_ms // 10),
            rebalance_timeout_ms=pace.session_ms,
            retry_backoff_ms=50,
            partition_assignment_strategy=[Assignor(self._holding)],  # one: aiokafka joins anew for each
            **cluster.options,
        )
        self._consumer.subscribe(list(self._names), listener=self)
        await self._consumer.start()
        self._stack.push_async_callback(self._leave)
        polling = asyncio.create_task(self._poll())
        self._stack.push_async_callback(_cancelled, polling)

    async def stop(self) -> None:
        """Finish the batches in hand, save the rows, leave the group: others take over at once."""
        await self._stack.aclose()

    def writable(self) -> bool:
        """Whether the disk of the local files takes some again."""
        probe = self._cluster.data / "room"
        try:
            probe.write_bytes(bytes(ROOM_BYTES))
            return True
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)

    async def look(self) -> list[Stand]:
        """How our partitions stand."""
        tasks = [holder.task for holder in self._holders.values() if holder.task is not None]
        return list(await asyncio.gather(*(task.look() for task in tasks)))

    @property
    def owned(self) -> Collection[Slot]:
        """Our partitions."""
        return self._holders.keys()

    @property
    def tasks(self) -> Mapping[Slot, PartitionTask]:
        """The tasks that are open just now."""
        return {slot: holder.task for slot, holder in self._holders.items() if holder.task is not None}

    # -- the group -----------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """The group decides anew: who was away too long may have lost all, and must not take it back."""
        self.decided.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Let go of what is others' now, take what is ours. At once: no sign of life is given meanwhile."""
        self.rebalances += 1
        wanted = {(self._names[tp.topic], tp.partition) for tp in assigned}
        for slot in set(self._holders) - wanted:
            self._ending[slot] = asyncio.create_task(self._holders.pop(slot).end())
        for slot in sorted(wanted - set(self._holders)):
            self._holders[slot] = Holder(self, slot, self._ending.pop(slot, None))
        self.decided.set()

    def _holding(self) -> Holding:
        """What we have, told to whoever shares out."""
        count, folder = self._cluster.partitions, self._cluster.folder(self._cluster_id)
        parts = {
            (machine, number): (topic, number)
            for topic, machine in self._names.items()
            for number in range(count)
        }
        now = frozenset(parts[slot] for slot in self.tasks)
        return Holding(now, frozenset(parts[slot] for slot in parts if (folder / name_of(*slot)).exists()))

    async def _poll(self) -> None:
        """The topics are empty; reading them is the sign of life that the group asks for."""
        while True:
            try:
                await self._consumer.getmany(timeout_ms=1000)
            except KafkaError as error:
                self._trouble(("", 0), error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _leave(self) -> None:
        self.decided.set()
        await asyncio.gather(*self._ending.values(), *(holder.end() for holder in self._holders.values()))
        self._holders.clear()
        self._ending.clear()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._consumer.stop()

    def task_of(self, slot: Slot, care: Care) -> PartitionTask:
        """A new task for a partition."""
        spec = self._cluster.spec(slot[0])
        return PartitionTask(self._cluster, self._cluster_id, spec, slot[1], self._ticker, self._tell, care)

    def troubled(self, slot: Slot, error: BaseException) -> None:
        """A task ended by itself."""
        if isinstance(error, StorageError):
            self.broken = error
        self._trouble(slot, error)


class Holder:
    """Keeps a partition's task open for as long as the partition is ours. after: the end of the last one."""

    def __init__(self, slots: Slots, slot: Slot, after: asyncio.Task[None] | None) -> None:
        self.task: PartitionTask | None = None
        self._slots, self._slot, self._after = slots, slot, after
        self._current: PartitionTask | None = None
        self._ended = asyncio.Event()
        self._running = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Finish the batch or the step of opening in hand, and let go."""
        self._ended.set()
        if self._current is not None:
            self._current.stop()
        await asyncio.wait([self._running], timeout=END_SECONDS)
        await _cancelled(self._running)

    async def _run(self) -> None:
        care, pause = Care(), PAUSE_SECONDS
        if self._after is not None:
            await asyncio.wait([self._after])
        while not self._ended.is_set():
            self._current = task = self._slots.task_of(self._slot, care)
            try:
                await task.open()
                self.task, pause = task, PAUSE_SECONDS
                await task.run()
                task.save()
                return
            except PoisonedError as error:
                care = error.care
                self._slots.troubled(self._slot, error)
            except Exception as error:
                fenced = isinstance(error, ClaimLostError) and error.fenced
                pause = FENCED_SECONDS if fenced else min(LONGEST_PAUSE, 2 * pause)
                if not self._ended.is_set():
                    self._slots.troubled(self._slot, error)
            finally:
                self.task = None
                await task.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ended.wait()
            await self._slots.decided.wait()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
