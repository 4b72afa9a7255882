"""The one contract between machines and drivers: records in, a `Step` of changed rows, waits and records out.

Everything here is plain data. A machine (identity, account, inbox) is a pure function of one record, one
due wait or one sweep and of the rows its `Context` shows; a driver (memory, embedded, cluster) decides
when to call it and makes the Step durable in one transaction with the position. This file must not do
I/O, read a clock or know any machine or driver.

    Record ──> on_event ─┐
    due    ──> on_wait  ─┼─> Step(rows, waits, emits) ──> committed together with the position
    sweep  ──> on_sweep ─┘

Row addresses are `(key, bucket, name)`: `key` is the partition key (an account, a native id, a receiver),
`bucket` a group that can be scanned (all events of one entity), `name` the row. The key `SHARED` ("")
holds the rows that every key of the partition may read: rules, directory, calendars, rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

SHARED = ""
"""The key of a partition's shared rows."""

WAITS = ""
"""The bucket in which a wait stands where rows and waits are told together: name -> [due, floor]."""

EVENT = "event"
SHARED_CHANGE = "shared"
COMMAND = "command"
WATERMARK = "watermark"
SWEEP = "sweep"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a topic, as a machine sees it.

    kind: `event`, `shared` (a change of shared rows, sent to every partition), `command`, or a machine's
    own protocol kinds (`move.begin`, `resolve`, ...). `at` is the logical time in us; `feed` the
    partition that stamped it and `n` its running number there: (at, feed, n) is unique and orders equal
    times. late: it is of an imported history or of a backlog, so it is not to overtake what is older.
    """

    topic: str
    key: str
    kind: str
    value: Any
    at: int
    feed: int = 0
    n: int = 0
    late: bool = False


class Wait(msgspec.Struct, frozen=True, gc=False):
    """A due wait: `name` was armed under `key` for `due` (us); `at` is the logical time of its firing."""

    key: str
    name: str
    due: int
    at: int


class Sweep(msgspec.Struct, frozen=True, gc=False):
    """One visit of a sweep to `key`; `what` says what changed (rules enrolled, owner moved); `at` its
    logical time. When all keys of the partition have been visited, SHARED is the last.
    """

    key: str
    what: Any
    at: int


class Emit(msgspec.Struct, frozen=True, gc=False):
    """A record to append to `topic` under `key`; `at` None means the logical time of the step."""

    topic: str
    key: str
    kind: str
    value: Any
    at: int | None = None
    everywhere: bool = False  # one copy for every partition of the topic (shared changes, routes)


class Step(msgspec.Struct):
    """All effects of one call: nothing of it counts unless all of it is committed."""

    rows: dict[tuple[str, str, str], Any] = {}  # None deletes
    waits: dict[tuple[str, str], int | None] = {}  # (key, name) -> due us; None disarms
    emits: list[Emit] = []
    sweeps: list[Any] = []  # `what` of sweeps to start over all keys of the partition


class StorageError(Exception):
    """The store failed (disk, lock, damage): no machine's fault. The batch is void; drivers must let it
    pass.
    """


class Rows(Protocol):
    """Reading side of a partition's rows. Values are shared, not copied: readers must not mutate them."""

    def get(self, key: str, bucket: str, name: str) -> Any | None: ...

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        """All rows of one bucket in name order."""
        ...

    def scan_key(self, key: str, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        """Up to `limit` rows (bucket, name, value) of `key` in (bucket, name) order, beginning after
        `after`.
        """
        ...

    def waits_of(self, key: str) -> list[tuple[str, int]]:
        """(name, due) of all armed waits of `key`, in (due, name) order."""
        ...


class Store(Rows, Protocol):
    """A partition's rows and due index. One Step is applied at once; durability is the driver's affair."""

    def apply(self, step: Step, floor: int) -> None:
        """Write rows and waits of `step`; `floor` (us) is the logical time the waits were armed at."""
        ...

    def next_key(self, after: str | None) -> str | None:
        """The smallest key greater than `after` (SHARED excluded), or None; drives sweeps."""
        ...

    def next_due(self) -> tuple[int, str, str] | None:
        """(due, key, name) of the earliest armed wait, or None. Ties in key, then name order."""
        ...

    def key_due(self, key: str) -> int | None:
        """Earliest due of the waits of `key`, or None. Must be quick: asked once per record."""
        ...

    def key_first(self, key: str) -> tuple[int, str] | None:
        """(due, name) of the earliest wait of `key`, ties in name order, or None."""
        ...

    def pop_wait(self, due: int, key: str, name: str) -> int:
        """Disarm that wait and return its floor (us)."""
        ...

    def walk(self) -> Iterator[tuple[str, str, str, Any]]:
        """All rows and waits as (key, bucket, name, value): what the keys share first, then key by key in
        order, the waits of a key in bucket WAITS. Nothing may be unwritten, or be written meanwhile.
        """
        ...


class Machine(Protocol):
    """What a machine is. Handlers write to `ctx` and return its Step; they raise only `StagewatchError`."""

    name: str

    def on_event(self, ctx: Context, record: Record) -> Step: ...

    def on_wait(self, ctx: Context, wait: Wait) -> Step: ...

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step: ...


class Context:
    """The rows of one key, the shared rows and the logical time; collects one Step and reads its own writes.

    at: logical time (us) of the record, wait or sweep. partition: number of this partition, for ids that
    need it. memo: what the machine wants to find again during this step; never kept.
    """

    __slots__ = ("_rows", "_written", "at", "key", "memo", "partition", "step")

    def __init__(self, rows: Rows, key: str, at: int, partition: int = 0) -> None:
        self._rows = rows
        self.key = key
        self.at = at
        self.partition = partition
        self.step = Step()
        self.memo: dict[str, Any] = {}
        self._written = self.step.rows

    def get(self, bucket: str, name: str) -> Any | None:
        """The row of this key, or None."""
        written = self._written
        if written:
            address = (self.key, bucket, name)
            if address in written:
                return written[address]
        return self._rows.get(self.key, bucket, name)

    def put(self, bucket: str, name: str, value: Any) -> None:
        """Write a row of this key; None deletes it. `value` must not be mutated afterwards."""
        self._written[(self.key, bucket, name)] = value

    def scan(self, bucket: str) -> Iterator[tuple[str, Any]]:
        """All rows of one bucket of this key in name order, own writes included."""
        key = self.key
        mine = {name: v for (k, b, name), v in self._written.items() if b == bucket and k == key}
        if not mine:
            return self._rows.scan(key, bucket)
        merged = dict(self._rows.scan(key, bucket))
        merged.update(mine)
        return iter([(name, merged[name]) for name in sorted(merged) if merged[name] is not None])

    def scan_key(self, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, Any]]:
        """Up to `limit` committed rows of this key (own writes of this step are not included)."""
        return self._rows.scan_key(self.key, after, limit)

    def waits(self) -> list[tuple[str, int]]:
        """(name, due) of this key's armed waits before this step."""
        return self._rows.waits_of(self.key)

    def shared(self, bucket: str, name: str) -> Any | None:
        """A shared row of the partition."""
        written = self._written
        if written:
            address = (SHARED, bucket, name)
            if address in written:
                return written[address]
        return self._rows.get(SHARED, bucket, name)

    def scan_shared(self, bucket: str) -> Iterator[tuple[str, Any]]:
        """All shared rows of one bucket in name order."""
        return self._rows.scan(SHARED, bucket)

    def put_shared(self, bucket: str, name: str, value: Any) -> None:
        """Write a shared row; only handlers of `shared` records and counters do."""
        self._written[(SHARED, bucket, name)] = value

    def wait(self, name: str, due: int | None) -> None:
        """Arm (or move) the wait `name` of this key to `due` us; None disarms it."""
        self.step.waits[(self.key, name)] = due

    def emit(
        self, topic: str, key: str, kind: str, value: Any, *, everywhere: bool = False, at: int | None = None
    ) -> None:
        """Append a record to `topic`. at: see `Emit`."""
        self.step.emits.append(Emit(topic, key, kind, value, at, everywhere))

    def sweep(self, what: Any) -> None:
        """Start a sweep over all keys of this partition."""
        self.step.sweeps.append(what)
