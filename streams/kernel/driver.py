"""Drives one partition of one machine: clock, waits, held records, sweeps, dead letters. Pure; used by
every runtime.

The order it guarantees, per key: a wait due at or before a record's `at` goes first; records of a key
that must wait for such a wait queue behind it as rows, by their `at`, so the output does not depend on how
often watermarks come, nor on which feed is ahead of the others. Late records of several feeds go in the order
of their `at`: each is held until the clock has come to it. It must not do I/O or know what a machine means;
the runtime makes its effects durable together with the position.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from schemas.errors import StagewatchError
from streams.kernel.contract import SHARED, Context, Machine, Record, Step, StorageError, Store, Sweep, Wait
from streams.kernel.held import Held
from streams.kernel.outcome import NEVER, Counter, Dead, Out, fault_of
from streams.kernel.sweeps import Running, Sweeps

__all__ = ["NEVER", "Counter", "Dead", "Out", "Partition"]

META = "meta"


class Partition:
    """One partition of one machine.

    feeds: numbers of the partitions whose `at` make up the clock. stamps: True for the machine that
    stamps `at` (identity): its logical time never falls within the partition, whatever arrives. What a late
    record leads to has a greater number than it, so at one instant no effect goes before its cause. behind:
    what a wait leads to is late, too, when the clock is so far (us) past its due.
    """

    def __init__(
        self,
        machine: Machine,
        store: Store,
        number: int,
        feeds: Iterable[int],
        *,
        stamps: bool = False,
        behind: int = NEVER,
        counter: Counter | None = None,
    ) -> None:
        self.machine = machine
        self.store = store
        self.number = number
        self._stamps, self._behind = stamps, behind
        meta: dict[str, Any] = store.get(SHARED, META, "driver") or {}
        self._saved = meta
        saved: dict[str, int] = meta.get("clocks", {})
        self.clocks: dict[int, int] = {f: saved.get(str(f), -1) for f in feeds}
        self.clock = min(self.clocks.values(), default=-1)
        self.last_at: int = meta.get("at", -1)
        self._counter = counter or Counter()
        self._counter.n = max(self._counter.n, meta.get("n", 0))
        self._held = Held(store, meta.get("passed", -1))
        self._sweeps = Sweeps(store, meta.get("sweeps", 0))
        self.sweeps = self._sweeps.running
        """Running sweeps by their number; to be read only. The same dict as long as the partition lives."""
        self.outs: list[Out] = []
        self.dead: list[Dead] = []
        self.lateness: list[int] = []
        """Per fired wait, how far (us) the clock was past its due: for metrics; cleared by the runtime."""
        self.due = NEVER
        """Earliest clock (us) at which a wait fires or a late record goes; -1: at once."""
        self.look()

    # -- what the runtime calls ---------------------------------------------------------------------------

    def receive(self, record: Record, budget: int = 1_000_000, *, fed: bool = True) -> bool:
        """Take one record. False: the budget of due waits is used up; commit, then hand in the same record
        again. fed False: it is of a partition of this machine, whose `at` says nothing about what feeds us.
        """
        feed, at = record.feed, record.at
        if fed and at > self.clocks.get(feed, at):
            self._set_clock(feed, at)
        if self.due <= self.clock and not self._fire_due(budget):
            return False
        if self._blocked(record):
            self._held.put(record)
            self.look()
        else:
            self._process(record)
            if record.key in self._held:  # it may have ended what the others wait for
                self._release(record.key, budget)
        return True

    def watermark(self, feed: int, at: int, budget: int = 1_000_000) -> bool:
        """`feed` will send nothing older than `at` (us). Fires what falls due; False if the budget did not
        suffice.
        """
        if at > self.clocks.get(feed, at):
            self._set_clock(feed, at)
        return self.due > self.clock or self._fire_due(budget)

    def advance(self, at: int, budget: int = 1_000_000) -> bool:
        """No feed will send anything older than `at` (us): as `watermark` of each feed in turn."""
        for feed, before in self.clocks.items():
            if at > before:
                self._set_clock(feed, at)
            if self.due <= self.clock and not self._fire_due(budget):
                return False
        return True

    def retry(self, what: Record | Wait | Sweep) -> None:
        """Try a dead letter again at the present clock; a wait only if its name was not armed again since."""
        at = max(what.at, self.clock)
        if isinstance(what, Record):
            self.receive(replace(what, at=at, late=False))
        elif isinstance(what, Sweep) or all(name != what.name for name, _ in self.store.waits_of(what.key)):
            self._call(replace(what, at=at), what.key, at)
        self._fire_key(what.key)

    def sweep_some(self, keys: int) -> bool:
        """Visit up to `keys` keys of the oldest running sweep; True while a sweep is running."""
        if not self.sweeps:
            return False
        seq = min(self.sweeps)
        sweep = dict(self.sweeps[seq])
        for _ in range(keys):
            key = self.store.next_key(sweep["cursor"])
            if key is None:
                self._sweep(self._sweeps.end(seq), SHARED)  # the last visit is to what all keys share
                return bool(self.sweeps)
            sweep["cursor"] = key
            self.sweeps[seq] = sweep
            if self._sweeps.visit(key, seq):
                self._sweep(sweep, key)
                self._fire_key(key)
                if key in self._held:
                    self._release(key)
        self._sweeps.save(seq, sweep)
        return True

    def checkpoint(self) -> None:
        """Write clocks and counters as rows, if they have changed; call before committing."""
        meta: dict[str, Any] = {
            "clocks": {str(f): at for f, at in self.clocks.items()},
            "at": self.last_at,
            "n": self._counter.n,
            "sweeps": self._sweeps.begun,
            "passed": self._held.passed,
        }
        if meta != self._saved:
            self._saved = meta
            self.store.apply(Step(rows={(SHARED, META, "driver"): meta}), 0)

    @property
    def sweeping(self) -> int:
        """Number of sweeps that have not visited all keys yet."""
        return len(self.sweeps)

    @property
    def held(self) -> int:
        """Number of keys with held records."""
        return len(self._held)

    def look(self) -> None:
        """Note the earliest due; to be called by whoever changes waits of the store by himself."""
        first, late = self.store.next_due(), self._held.next_late()
        self.due = late if first is None else min(first[0], late)

    def _set_clock(self, feed: int, at: int) -> None:
        clocks = self.clocks
        least = clocks[feed] == self.clock
        clocks[feed] = at
        if least:
            self.clock = min(clocks.values())

    # -- records ------------------------------------------------------------------------------------------

    def _blocked(self, record: Record) -> bool:
        key, at = record.key, record.at
        if record.late and self._too_early(at) and len(self.clocks) > 1:
            return True
        if key in self._held and self._held.first(key) <= at:
            return True
        return _is_by(self.store.key_due(key), at)

    def _too_early(self, at: int) -> bool:
        """Whether a feed may still send what goes before a late record."""
        return at > self.clock and at > self._held.passed

    def _process(self, record: Record) -> None:
        if self.sweeps and record.key != SHARED:
            self._touch(record.key)
        at = record.at
        if self._stamps and at < self.last_at:
            at = self.last_at
        if record.late and record.n > self._counter.n:
            self._counter.n = record.n
        self._call(record, record.key, at, late=record.late)
        if self.due <= self.clock:
            self._fire_key(record.key)

    def _release(self, key: str, budget: int = 1_000_000) -> int:
        """Process held records of `key` until one must wait again, or the budget is used up; how many."""
        held, count = self._held, 0
        while key in held:
            self._fire_key(key)
            record = held.look(key)
            if _is_by(self.store.key_due(key), record.at) or (record.late and self._too_early(record.at)):
                break
            if record.late and count >= budget:
                held.look_again(key)
                break
            held.take(key)
            self._process(record)
            count += 1
        self.look()
        return count

    # -- waits --------------------------------------------------------------------------------------------

    def _fire_due(self, budget: int) -> bool:
        """Fire what is due and let late records go whose turn it is, in the order of time."""
        while self.due <= self.clock:
            if budget <= 0:
                return False
            first = self.store.next_due()
            if first is not None and first[0] <= self._held.next_late():
                key = first[1]
                self._fire(*first)
                budget -= 1
            else:
                key = self._held.pop_late()
                self.look()
            if key in self._held:
                budget -= self._release(key, budget)
        return True

    def _fire_key(self, key: str) -> None:
        """Fire the waits of `key` that the clock has passed already, up to its next held record."""
        store, until = self.store, self.clock
        if key in self._held:
            until = min(until, self._held.first(key))
        while (first := store.key_first(key)) is not None and first[0] <= until:
            self._fire(first[0], key, first[1])

    def _fire(self, due: int, key: str, name: str) -> None:
        floor = self.store.pop_wait(due, key, name)
        self.look()
        if self.sweeps:
            self._touch(key)
        self.lateness.append(max(0, self.clock - due))
        at = max(due, floor)
        self._call(Wait(key, name, due, at), key, at, late=self.clock - due > self._behind)

    # -- sweeps -------------------------------------------------------------------------------------------

    def _touch(self, key: str) -> None:
        for sweep in self._sweeps.touch(key):
            self._sweep(sweep, key)

    def _sweep(self, sweep: Running, key: str) -> None:
        at: int = sweep["at"]
        self._call(Sweep(key, sweep["what"], at), key, at)

    # -- calling the machine ------------------------------------------------------------------------------

    def _call(self, what: Record | Wait | Sweep, key: str, at: int, *, late: bool = False) -> None:
        ctx = Context(self.store, key, at, self.number)
        try:
            if isinstance(what, Record):
                step = self.machine.on_event(ctx, what)
            elif isinstance(what, Wait):
                step = self.machine.on_wait(ctx, what)
            else:
                step = self.machine.on_sweep(ctx, what)
            self.store.apply(step, at)
            if step.waits:
                self.look()
        except StorageError:
            raise
        except StagewatchError as error:
            self.dead.append(Dead(what, error))
            return
        except Exception as error:
            self.dead.append(Dead(what, fault_of(error)))
            return
        self.last_at = max(self.last_at, at)
        for emit in step.emits:
            self._counter.n += 1
            stamp = at if emit.at is None else emit.at
            self.outs.append(Out(emit, stamp, self.number, self._counter.n, late))
        for swept in step.sweeps:
            self._sweeps.start(swept, at)


def _is_by(due: int | None, at: int) -> bool:
    return due is not None and due <= at
