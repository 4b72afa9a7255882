"""What becomes of the rows of a machine's partitions when there are more or fewer of them. Pure.

    rows and waits of a key    go with the key to its partition; held records, too
    shared rows                are the same everywhere, unless the machine's `Sharing` says otherwise
    clocks and counters        no clock is past what is still due; all count on from the greatest
    sweeps                     must have ended

It must not read a log, nor know what a machine means by its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.canonical import partition_of
from schemas.errors import StreamError
from streams.kernel.contract import SHARED, WAITS, Step, Store
from streams.kernel.driver import META
from streams.kernel.held import HELD_KEYS
from streams.kernel.sweeps import SWEEPS, SWEPT

Row = tuple[str, str, str, Any]
"""(key, bucket, name, value), as `Store.walk` gives them."""

Placed = tuple[int, Row]
"""A row with the number of its new partition."""

Join = Callable[[Sequence[Any]], Any]
"""Makes one row of those that the old partitions have under one name."""

DRIVER = (META, "driver")


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which shared rows of a machine differ between partitions; all others are the same everywhere.

    by_key: buckets whose rows are named by a key, and go where it goes. joined: (bucket, name; "" for all) ->
    what becomes of rows of one name. added: buckets of counts, of which the sum matters: the first partition
    keeps it. counted: (bucket, name) of a row -> bucket of keys whose rows it counts.
    """

    by_key: frozenset[str] = frozenset()
    joined: Mapping[tuple[str, str], Join] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    counted: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where logical time stands in all partitions of all machines, in us.

    at: the greatest that was given. clock: nothing that is due then or before still waits.
    """

    at: int
    clock: int


def marks_of(stores: Iterable[Store], at: int) -> Marks:
    """Where time stands. at: the greatest logical time (us) that the source knows of beside its rows."""
    dues: list[int] = []
    for store in stores:
        meta: Mapping[str, Any] = store.get(SHARED, *DRIVER) or {}
        at = max([at, meta.get("at", -1), *meta.get("clocks", {}).values()])
        first = store.next_due()
        if first is not None:
            dues.append(first[0])
    return Marks(at, min([at, *(due - 1 for due in dues)]))


def unfinished(store: Store) -> int:
    """Number of sweeps that have not visited all keys yet."""
    return sum(1 for _ in store.scan(SHARED, SWEEPS))


def put_rows(store: Store, rows: Iterable[Row]) -> None:
    """Put rows and waits into a store as they were in another."""
    step = Step()
    for key, bucket, name, value in rows:
        if bucket == WAITS:
            store.apply(Step(waits={(key, name): value[0]}), value[1])
        else:
            step.rows[(key, bucket, name)] = value
    store.apply(step, 0)


class Repartition:
    """The rows of one machine on their way: `take` each old partition, then `shared` once.

    sharing: of the machine. partitions: how many there will be. fed: whether another machine feeds its clock.
    """

    def __init__(self, sharing: Sharing, partitions: int, marks: Marks, *, fed: bool) -> None:
        self._sharing, self._partitions, self._marks, self._fed = sharing, partitions, marks, fed
        self._found: dict[tuple[str, str], list[Any]] = {}
        self._taken = 0
        self._counts: dict[str, Counter[int]] = {bucket: Counter() for bucket in sharing.counted.values()}

    def take(self, rows: Iterable[Row]) -> Iterator[Placed]:
        """The rows of keys of one old partition with their new places; shared ones are kept for later."""
        self._taken += 1
        last, number = SHARED, 0
        for row in rows:
            key, bucket, name, value = row
            if key == SHARED:
                self._found.setdefault((bucket, name), []).append(value)
                continue
            if key != last:
                last, number = key, partition_of(key, self._partitions)
            if bucket in self._counts:
                self._counts[bucket][number] += 1
            if bucket != SWEPT:
                yield number, row

    def shared(self) -> Iterator[Placed]:
        """The shared rows of all new partitions, clocks and counters among them.

        Raises:
            StreamError: SW-STREAM-074, partitions that should agree do not.
        """
        for (bucket, name), values in sorted(self._found.items(), key=lambda item: item[0]):
            if (bucket, name) != DRIVER:
                yield from self._placed(bucket, name, values)
        for place, bucket in self._sharing.counted.items():
            for number, count in sorted(self._counts[bucket].items()):
                yield number, (SHARED, *place, count)
        for number in range(self._partitions):
            yield number, (SHARED, *DRIVER, self._meta(number))

    def _placed(self, bucket: str, name: str, values: list[Any]) -> Iterator[Placed]:
        sharing = self._sharing
        if bucket in sharing.by_key or (bucket == HELD_KEYS and name != SHARED):
            yield partition_of(name, self._partitions), (SHARED, bucket, name, values[0])
        elif bucket in sharing.added:
            yield 0, (SHARED, bucket, name, sum(values))
        elif (bucket, name) not in sharing.counted:
            value = self._joined(bucket, name, values)
            for number in range(self._partitions):
                yield number, (SHARED, bucket, name, value)

    def _joined(self, bucket: str, name: str, values: list[Any]) -> Any:
        join = self._sharing.joined.get((bucket, name)) or self._sharing.joined.get((bucket, ""))
        if join is not None:
            return join(values)
        if len(values) != self._taken or any(value != values[0] for value in values):
            raise StreamError(
                "SW-STREAM-074",
                place=f"{bucket} {name}".strip(),
                expected=f"the same row in all {self._taken} partitions",
                found=f"{len(values)} rows, not all the same",
                next_step="let the source run until it has no backlog, stop it, try again; else report this",
            )
        return values[0]

    def _meta(self, number: int) -> dict[str, Any]:
        """Clocks and counters as the driver reads them."""
        old = self._found.get(DRIVER, [])
        at, clock = self._marks.at, self._marks.clock
        feeds = {str(feed): clock for feed in range(self._partitions)} if self._fed else {str(number): at}
        greatest = {name: max((meta[name] for meta in old), default=0) for name in ("n", "sweeps")}
        return {"clocks": feeds, "at": at, **greatest}
