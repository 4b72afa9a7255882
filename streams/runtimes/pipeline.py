"""Runs the whole topology over stores: intake in, sink records out, in one deterministic order. Does no I/O
itself.

The memory and the embedded runtime both are this pipeline; the embedded one adds a log and a transaction
around `take`. One intake entry is worked off through all machines before the next, so that every effect
of it is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.canonical import partition_of
from streams.kernel.contract import SHARED, Record, Store, Sweep, Wait
from streams.kernel.driver import Counter, Dead, Out, Partition
from streams.topology import MACHINES, MachineSpec

StoreFactory = Callable[[str, int], Store]
"""(machine name, partition number) -> its store."""

NEVER = 1 << 62
"""Later than every instant."""

WAITS_PER_TURN = 500
"""Due waits fired before the runtime is given a chance to commit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One intake record: `at` is its append time in us (for history: its arrival)."""

    topic: str
    key: str
    kind: str
    value: Any
    at: int


class Pipeline:
    """All partitions of all machines over `partitions` partitions each.

    `outs` collects records for sinks (`alerts`, ...) and `dead` what a machine refused; the caller takes
    them.
    """

    def __init__(
        self, stores: StoreFactory, partitions: int, machines: Sequence[MachineSpec] = MACHINES
    ) -> None:
        self.partitions = partitions
        self.machines: dict[str, list[Partition]] = {}
        self._specs = machines
        self._readers: dict[str, list[Partition]] = {}
        counter = Counter()
        for spec in machines:
            parts = [
                Partition(
                    spec.make(partitions),
                    stores(spec.name, number),
                    number,
                    [number] if spec.fed_by is None else range(partitions),
                    stamps=spec.fed_by is None,
                    counter=counter if spec.fed_by is None else None,
                )
                for number in range(partitions)
            ]
            self.machines[spec.name] = parts
            for topic in spec.inputs:
                self._readers[topic] = parts
        self._first = self.machines[machines[0].name]
        self._queue: deque[tuple[Partition, Record]] = deque()
        self._all = [part for parts in self.machines.values() for part in parts]
        self._place = {id(part): index for index, part in enumerate(self._all)}
        self._dues = [NEVER] * len(self._all)
        self._look()
        self.at = max((p.clock for p in self._first), default=-1)
        self.outs: list[Out] = []
        self.dead: list[tuple[str, Dead]] = []
        self.flow: Callable[[str, int, Record], None] | None = None
        """Called with (topic, partition, record) for every record between machines: the embedded log."""

    def take(self, entry: Entry) -> bool:
        """Work off one intake entry. False: due waits remain; commit and hand in the same entry again."""
        at = max(entry.at, self.at)
        if not self._due_by(at):
            return False
        self.at = at
        number = 0 if entry.key == SHARED else partition_of(entry.key, self.partitions)
        record = Record(entry.topic, entry.key, entry.kind, entry.value, at, number)
        self._deliver(self._first[number], record)
        self._drain()
        self._due_by(at)
        return True

    def _due_by(self, at: int) -> bool:
        """Fire what is due at or before `at`; logical time need not be told where nobody waits for it."""
        while min(self._dues) <= at:
            if not self.tick(at):
                return False
        return True

    def tick(self, at: int) -> bool:
        """Advance logical time to `at` (us) everywhere. False: due waits remain; commit and call again."""
        self.at = max(self.at, at)
        for spec in self._specs:
            if not self._watermarks(self.machines[spec.name]):
                return False
        self._look()
        return True

    def _look(self) -> None:
        """Note the earliest due of every partition."""
        for index, part in enumerate(self._all):
            first = part.store.next_due()
            self._dues[index] = NEVER if first is None else first[0]

    @property
    def sweeping(self) -> bool:
        """True while a sweep has not visited all keys yet."""
        return any(part.sweeping for parts in self.machines.values() for part in parts)

    def retry(self, machine: str, what: Record | Wait | Sweep) -> None:
        """Hand a dead letter to the machine that refused it, once more, at the present logical time."""
        parts = self.machines[machine]
        for part in parts if what.key == SHARED else (parts[self._number(what.key)],):
            part.retry(what)
            self._collect(part)
        self._drain()
        self._look()

    def sweep_some(self, keys: int = 200) -> bool:
        """Let running sweeps visit some keys of each partition; True while any is running."""
        running = False
        for parts in self.machines.values():
            for part in parts:
                if part.sweeping:
                    running = part.sweep_some(keys) or running
                    self._collect(part)
        self._drain()
        self._look()
        return running

    def finish_sweeps(self) -> None:
        """Run all sweeps to their end (backtest, tests, the end of an import)."""
        while self.sweep_some():
            pass

    def next_due(self) -> int | None:
        """Earliest due (us) of all armed waits, or None."""
        dues = [first[0] for ps in self.machines.values() for p in ps if (first := p.store.next_due())]
        return min(dues, default=None)

    def checkpoint(self) -> None:
        """Write all clocks and counters as rows; call before committing."""
        for parts in self.machines.values():
            for part in parts:
                part.checkpoint()

    # -- inside -------------------------------------------------------------------------------------------

    def _watermarks(self, parts: list[Partition]) -> bool:
        for part in parts:
            for feed in part.clocks:
                done = part.watermark(feed, self.at, WAITS_PER_TURN)
                if part.outs or part.dead:
                    self._collect(part)
                if not done:
                    self._drain()
                    return False
        self._drain()
        return True

    def _deliver(self, part: Partition, record: Record) -> None:
        part.receive(record)
        first = part.store.next_due()
        self._dues[self._place[id(part)]] = NEVER if first is None else first[0]
        if part.outs or part.dead:
            self._collect(part)

    def _collect(self, part: Partition) -> None:
        for out in part.outs:
            readers = self._readers.get(out.emit.topic)
            if readers is None:
                self.outs.append(out)
                continue
            targets = range(self.partitions) if out.emit.everywhere else (self._number(out.emit.key),)
            for number in targets:
                record = Record(
                    out.emit.topic, out.emit.key, out.emit.kind, out.emit.value, out.at, out.feed, out.n
                )
                self._queue.append((readers[number], record))
                if self.flow is not None:
                    self.flow(out.emit.topic, number, record)
        part.outs.clear()
        if part.dead:
            self.dead.extend((part.machine.name, dead) for dead in part.dead)
            part.dead.clear()

    def _number(self, key: str) -> int:
        return 0 if key == SHARED else partition_of(key, self.partitions)

    def _drain(self) -> None:
        queue = self._queue
        while queue:
            part, record = queue.popleft()
            self._deliver(part, record)
