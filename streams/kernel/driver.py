"""Drives one partition of one machine: clock, waits, held records, sweeps, dead letters. Pure; used by
every runtime.

The order it guarantees, per key: a wait due at or before a record's `at` goes first; records of a key
that must wait for such a wait queue behind it as rows, by their `at`, so the output does not depend on how
often watermarks come, nor on which feed is ahead of the others. It must not do I/O or know what a machine
means; the runtime makes its effects durable together with the position.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from msgspec.structs import replace

from schemas.errors import StagewatchError
from streams.kernel.contract import SHARED, Context, Machine, Record, Step, StorageError, Store, Sweep, Wait
from streams.kernel.outcome import NEVER, Counter, Dead, Out, fault_of

__all__ = ["NEVER", "Counter", "Dead", "Out", "Partition"]

HELD, HELD_KEYS, SWEEPS, SWEPT, META = "h", "held", "sweep", "k", "meta"

EARLIEST = 1 << 62
"""Added to an `at` (us), so that digits order as numbers do, those before 1970 included."""


class Partition:
    """One partition of one machine.

    feeds: numbers of the partitions whose `at` make up the clock. stamps: True for the machine that
    stamps `at` (identity): its logical time never falls within the partition, whatever arrives.
    """

    def __init__(
        self,
        machine: Machine,
        store: Store,
        number: int,
        feeds: Iterable[int],
        *,
        stamps: bool = False,
        counter: Counter | None = None,
    ) -> None:
        self.machine = machine
        self.store = store
        self.number = number
        self._stamps = stamps
        meta: dict[str, Any] = store.get(SHARED, META, "driver") or {}
        self._saved = meta
        saved: dict[str, int] = meta.get("clocks", {})
        self.clocks: dict[int, int] = {f: saved.get(str(f), -1) for f in feeds}
        self.clock = min(self.clocks.values(), default=-1)
        self.last_at: int = meta.get("at", -1)
        self._counter = counter or Counter()
        self._counter.n = max(self._counter.n, meta.get("n", 0))
        self._held: set[str] = {name for name, _ in store.scan(SHARED, HELD_KEYS)}
        self.sweeps: dict[str, dict[str, Any]] = dict(store.scan(SHARED, SWEEPS))
        """Running sweeps by their number; to be read only. The same dict as long as the partition lives."""
        self._sweep_seq: int = meta.get("sweeps", 0)
        self.outs: list[Out] = []
        self.dead: list[Dead] = []
        self.lateness: list[int] = []
        """Per fired wait, how far (us) the clock was past its due: for metrics; cleared by the runtime."""
        self.due = NEVER
        """Earliest due (us) of all armed waits."""
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
            self._hold(record)
        else:
            self._process(record)
            if record.key in self._held:  # it may have ended what the others wait for
                self._release(record.key)
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
            self.receive(replace(what, at=at))
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
                self._end_sweep(seq)
                return bool(self.sweeps)
            sweep["cursor"] = key
            self.sweeps[seq] = sweep
            self._visit(key, seq, sweep)
        self._write({(SHARED, SWEEPS, seq): dict(sweep)})
        return True

    def checkpoint(self) -> None:
        """Write clocks and counters as rows, if they have changed; call before committing."""
        meta: dict[str, Any] = {
            "clocks": {str(f): at for f, at in self.clocks.items()},
            "at": self.last_at,
            "n": self._counter.n,
            "sweeps": self._sweep_seq,
        }
        if meta != self._saved:
            self._saved = meta
            self._write({(SHARED, META, "driver"): meta})

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
        first = self.store.next_due()
        self.due = NEVER if first is None else first[0]

    def _set_clock(self, feed: int, at: int) -> None:
        clocks = self.clocks
        least = clocks[feed] == self.clock
        clocks[feed] = at
        if least:
            self.clock = min(clocks.values())

    # -- records ------------------------------------------------------------------------------------------

    def _blocked(self, record: Record) -> bool:
        key, at = record.key, record.at
        if key in self._held and self._first_held(key) <= at:
            return True
        return _is_by(self.store.key_due(key), at)

    def _first_held(self, key: str) -> int:
        """`at` (us) of the first of the key's held records; NEVER when it has none."""
        return min((row[3] for _, row in islice(self.store.scan(key, HELD), 1)), default=NEVER)

    def _process(self, record: Record) -> None:
        if self.sweeps and record.key != SHARED:
            self._sweep_at_touch(record.key)
        at = record.at
        if self._stamps and at < self.last_at:
            at = self.last_at
        self._call(record, record.key, at)
        if self.due <= self.clock:
            self._fire_key(record.key)

    def _hold(self, record: Record) -> None:
        count: int = self.store.get(SHARED, HELD_KEYS, record.key) or 0
        row = [record.topic, record.kind, record.value, record.at, record.feed, record.n]
        name = f"{record.at + EARLIEST:019d}|{count:012d}"
        self._write({(record.key, HELD, name): row, (SHARED, HELD_KEYS, record.key): count + 1})
        self._held.add(record.key)

    def _release(self, key: str) -> None:
        """Process held records of `key` until one must wait again."""
        for name, (topic, kind, value, at, feed, n) in list(self.store.scan(key, HELD)):
            self._fire_key(key)
            if _is_by(self.store.key_due(key), at):
                return
            self._write({(key, HELD, name): None})
            self._process(Record(topic, key, kind, value, at, feed, n))
        self._held.discard(key)
        self._write({(SHARED, HELD_KEYS, key): None})

    # -- waits --------------------------------------------------------------------------------------------

    def _fire_due(self, budget: int) -> bool:
        store, clock = self.store, self.clock
        while (first := store.next_due()) is not None and first[0] <= clock:
            if budget <= 0:
                return False
            budget -= 1
            self._fire(*first)
            if first[1] in self._held:
                self._release(first[1])
        return True

    def _fire_key(self, key: str) -> None:
        """Fire the waits of `key` that the clock has passed already, up to its next held record."""
        store, until = self.store, self.clock
        if key in self._held:
            until = min(until, self._first_held(key))
        while (first := store.key_first(key)) is not None and first[0] <= until:
            self._fire(first[0], key, first[1])

    def _fire(self, due: int, key: str, name: str) -> None:
        floor = self.store.pop_wait(due, key, name)
        self.look()
        if self.sweeps:
            self._sweep_at_touch(key)
        self.lateness.append(max(0, self.clock - due))
        at = max(due, floor)
        self._call(Wait(key, name, due, at), key, at)

    # -- sweeps -------------------------------------------------------------------------------------------

    def _start_sweep(self, what: Any, at: int) -> None:
        self._sweep_seq += 1
        seq = f"{self._sweep_seq:010d}"
        self.sweeps[seq] = {"what": what, "at": at, "cursor": None}
        self._write({(SHARED, SWEEPS, seq): self.sweeps[seq]})

    def _visit(self, key: str, seq: str, sweep: dict[str, Any]) -> None:
        swept: str | None = self.store.get(key, SWEPT, "swept")
        if swept is None or swept < seq:
            self._call(Sweep(key, sweep["what"], sweep["at"]), key, sweep["at"])
            self._fire_key(key)
            if key in self._held:
                self._release(key)
        elif swept == seq:
            self._write({(key, SWEPT, "swept"): None})

    def _sweep_at_touch(self, key: str) -> None:
        """A key touched before the cursor comes is swept now, so every rule is judged from its first
        moment.
        """
        swept: str | None = self.store.get(key, SWEPT, "swept")
        for seq, sweep in sorted(self.sweeps.items()):
            cursor = sweep["cursor"]
            if (cursor is not None and cursor >= key) or (swept is not None and swept >= seq):
                continue
            self._write({(key, SWEPT, "swept"): seq})
            self._call(Sweep(key, sweep["what"], sweep["at"]), key, sweep["at"])

    def _end_sweep(self, seq: str) -> None:
        """All keys were visited: the last visit is to what they share."""
        sweep = self.sweeps.pop(seq)
        self._write({(SHARED, SWEEPS, seq): None})
        self._call(Sweep(SHARED, sweep["what"], sweep["at"]), SHARED, sweep["at"])

    # -- calling the machine ------------------------------------------------------------------------------

    def _call(self, what: Record | Wait | Sweep, key: str, at: int) -> None:
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
            self.outs.append(Out(emit, at if emit.at is None else emit.at, self.number, self._counter.n))
        for swept in step.sweeps:
            self._start_sweep(swept, at)

    def _write(self, rows: dict[tuple[str, str, str], Any]) -> None:
        self.store.apply(Step(rows=rows), 0)


def _is_by(due: int | None, at: int) -> bool:
    return due is not None and due <= at
