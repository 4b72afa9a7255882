"""Runs the whole topology over stores: intake in, sink records out, in one deterministic order. Does no I/O
itself.

The memory and the embedded runtime both are this pipeline; the embedded one adds a log and a transaction
around `take`. One intake entry is worked off through all machines before the next, so that every effect
of it is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec

from schemas.canonical import partition_of
from streams.kernel.contract import SHARED, Record, Store, Sweep, Wait
from streams.kernel.driver import NEVER, Counter, Dead, Out, Partition
from streams.topology import MACHINES, MachineSpec

StoreFactory = Callable[[str, int], Store]
"""(machine name, partition number) -> its store."""

KEYS_KEPT = 1 << 14
"""Keys whose partition is remembered."""

WAITS_PER_TURN = 500
"""Due waits fired before the runtime is given a chance to commit."""


class Entry(msgspec.Struct, frozen=True, gc=False):
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
        self._readers: dict[str, int] = {}
        counter = Counter()
        for place, spec in enumerate(machines):
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
                self._readers[topic] = place * partitions
        self._all = [part for parts in self.machines.values() for part in parts]
        self._dues = [part.due for part in self._all]
        self._due = min(self._dues)
        self._sweeps = [part.sweeps for part in self._all]
        self._queue: deque[tuple[int, Record]] = deque()
        self.number = lru_cache(KEYS_KEPT)(partial(_hashed, partitions))
        """The partition of a key."""
        self.at = max((p.clock for p in self.machines[machines[0].name]), default=-1)
        self.outs: list[Out] = []
        self.dead: list[tuple[str, Dead]] = []
        self.flow: Callable[[str, int, Record], None] | None = None
        """Called with (topic, partition, record) for every record between machines: the embedded log."""

    def take(self, entry: Entry) -> bool:
        """Work off one intake entry. False: due waits remain; commit and hand in the same entry again."""
        at = max(entry.at, self.at)
        if self._due <= at and not self._due_by(at):
            return False
        self.at = at
        number = self.number(entry.key)
        self._deliver(number, Record(entry.topic, entry.key, entry.kind, entry.value, at, number))
        self._drain()
        if self._due <= at:
            self._due_by(at)
        return True

    def _due_by(self, at: int) -> bool:
        """Fire what is due at or before `at`; logical time need not be told where nobody waits for it."""
        while self._due <= at:
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
        self._dues = [part.due for part in self._all]
        self._due = min(self._dues)

    @property
    def sweeping(self) -> bool:
        """True while a sweep has not visited all keys yet."""
        return any(self._sweeps)

    def retry(self, machine: str, what: Record | Wait | Sweep) -> None:
        """Hand a dead letter to the machine that refused it, once more, at the present logical time."""
        parts = self.machines[machine]
        for part in parts if what.key == SHARED else (parts[self.number(what.key)],):
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
        due = min(part.due for part in self._all)
        return None if due == NEVER else due

    def checkpoint(self) -> None:
        """Write all clocks and counters as rows; call before committing."""
        for parts in self.machines.values():
            for part in parts:
                part.checkpoint()

    # -- inside -------------------------------------------------------------------------------------------

    def _watermarks(self, parts: list[Partition]) -> bool:
        for part in parts:
            done = part.advance(self.at, WAITS_PER_TURN)
            if part.outs or part.dead:
                self._collect(part)
            if not done:
                self._drain()
                return False
        self._drain()
        return True

    def _deliver(self, index: int, record: Record) -> None:
        part = self._all[index]
        part.receive(record)
        if part.due != self._dues[index]:
            self._dues[index] = part.due
            self._due = min(self._dues)
        if part.outs or part.dead:
            self._collect(part)

    def _collect(self, part: Partition) -> None:
        for out in part.outs:
            emit = out.emit
            first = self._readers.get(emit.topic)
            if first is None:
                self.outs.append(out)
                continue
            for number in range(self.partitions) if emit.everywhere else (self.number(emit.key),):
                record = Record(emit.topic, emit.key, emit.kind, emit.value, out.at, out.feed, out.n)
                self._queue.append((first + number, record))
                if self.flow is not None:
                    self.flow(emit.topic, number, record)
        part.outs.clear()
        if part.dead:
            self.dead.extend((part.machine.name, dead) for dead in part.dead)
            part.dead.clear()

    def _drain(self) -> None:
        queue = self._queue
        while queue:
            index, record = queue.popleft()
            self._deliver(index, record)


def _hashed(partitions: int, key: str) -> int:
    return 0 if key == SHARED else partition_of(key, partitions)
