"""Rows of partitions that are split and joined: where they go, and what clocks and counters become."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.canonical import partition_of
from schemas.errors import StreamError
from streams.kernel.contract import SHARED, Record, Step, Store
from streams.kernel.driver import Partition
from streams.kernel.repartition import Marks, Repartition, Row, Sharing, marks_of, put_rows, unfinished
from streams.machines.account.sharing import SHARING
from streams.runtimes.migration.copying import refuse_sweeping
from streams.stores.memory import MemoryStore
from tests.unit.kernel.test_kernel_held import Bell, said

NO_TIME = Marks(0, 0)


def store(*rows: tuple[str, str, str, Any]) -> MemoryStore:
    made = MemoryStore()
    put_rows(made, rows)
    return made


def into(count: int, sharing: Sharing, *old: Store, marks: Marks = NO_TIME) -> list[MemoryStore]:
    """The same rows over so many partitions, of a machine that is fed."""
    new = [MemoryStore() for _ in range(count)]
    way = Repartition(sharing, count, marks, fed=True)
    placed = [one for each in old for one in way.take(each.walk())]
    for number, row in [*placed, *way.shared()]:
        put_rows(new[number], [row])
    return new


def shared(new: list[MemoryStore], bucket: str, name: str) -> list[Any]:
    return [one.get(SHARED, bucket, name) for one in new]


@pytest.mark.parametrize("clock_of", [[100], [20, 100], []])
def test_a_held_record_takes_its_turn_after_a_split_and_a_join(clock_of: list[int]) -> None:
    old = Partition(Bell(), MemoryStore(), 0, [0])
    for at, kind in ((5, "start"), (32, "stop"), (41, "start"), (58, "stop")):
        old.receive(Record("notices", "k", kind, None, at, 0), fed=False)
    assert old.held == 1
    old.checkpoint()
    home = partition_of("k", 3)
    marks = marks_of([old.store], 58)
    assert marks == Marks(58, 14)
    split = into(3, Sharing(), old.store, marks=marks)
    joined = into(1, Sharing(), *split, marks=marks_of(split, 0))[0]
    for rows, number, feeds in ((split[home], home, 3), (joined, 0, 1)):
        new = Partition(Bell(), rows, number, range(feeds))
        assert (new.held, new.clock) == (1, 14)
        for mark in [*clock_of, 200]:
            for feed in range(feeds):
                new.watermark(feed, mark)
        assert [*said(old), *said(new)] == [
            ("start", 5), ("ring", 15), ("ring", 25), ("stop", 32), ("start", 41), ("ring", 51), ("stop", 58),
        ]  # fmt: skip
        assert new.outs[0].n == old.outs[-1].n + 1


def test_what_is_shared_is_in_every_new_partition() -> None:
    old = [store((SHARED, "person", "li", [1]), (key, "e", "x", key)) for key in ("a", "b")]
    new = into(3, Sharing(), *old)
    assert shared(new, "person", "li") == [[1], [1], [1]]
    assert [new[partition_of(key, 3)].get(key, "e", "x") for key in ("a", "b")] == ["a", "b"]
    assert sum(1 for one in new for row in one.walk() if row[0]) == 2


@pytest.mark.parametrize("other", [store((SHARED, "person", "li", [2])), store((SHARED, "team", "t", 1))])
def test_partitions_that_should_agree_and_do_not_are_refused(other: Store) -> None:
    with pytest.raises(StreamError) as refused:
        into(1, Sharing(), store((SHARED, "person", "li", [1])), other)
    assert (refused.value.code, refused.value.place) == ("SW-STREAM-074", "person li")


def test_what_is_of_a_partition_goes_its_own_way() -> None:
    sharing = Sharing(
        by_key=frozenset({"await"}), added=frozenset({"repeats"}), counted={("count", "parked"): "park"}
    )
    parked: list[Row] = [(key, "park", f"{n}", {}) for key in ("a", "b", "c") for n in range(2)]
    old = [
        store(
            (SHARED, "await", "a", 1),
            (SHARED, "repeats", "9", 3),
            (SHARED, "count", "parked", 4),
            *parked[:4],
        ),
        store((SHARED, "repeats", "9", 4), (SHARED, "count", "parked", 2), *parked[4:]),
    ]
    new = into(2, sharing, *old)
    homes = [partition_of(key, 2) for key in ("a", "b", "c")]
    assert [one.get(SHARED, "await", "a") for one in new] == [1 if n == homes[0] else None for n in range(2)]
    assert shared(new, "repeats", "9") == [7, None]
    assert [one or 0 for one in shared(new, "count", "parked")] == [2 * homes.count(n) for n in range(2)]


def test_a_former_version_is_idle_when_it_is_everywhere() -> None:
    old = [
        store(
            (SHARED, "rule", "r", {"v": 4, "idle": [1, 3]}),
            (SHARED, "seen", "r", [2]),
            (SHARED, "meta", "rules", 5),
        ),
        store((SHARED, "rule", "r", {"v": 4, "idle": [1, 2]}), (SHARED, "meta", "rules", 8)),
    ]
    new = into(1, SHARING, *old)
    assert shared(new, "rule", "r") == [{"v": 4, "idle": [1]}]
    assert shared(new, "seen", "r") == [[2]]
    assert shared(new, "meta", "rules") == [8]


def test_the_latest_gap_counts() -> None:
    old = [store((SHARED, "gap", "last", gap)) for gap in ([2, 9], [1, 9], [3, 8])]
    assert shared(into(2, SHARING, *old), "gap", "last") == [[1, 9], [1, 9]]


def test_a_sweep_under_way_is_refused() -> None:
    partition = Partition(Bell(), store(("k", "e", "x", 1)), 0, [0])
    partition.store.apply(Step(rows={(SHARED, "sweep", "1"): {"what": {}, "at": 0, "cursor": None}}), 0)
    assert unfinished(partition.store) == 1
    with pytest.raises(StreamError, match="not at rest"):
        refuse_sweeping([partition.store], "here")
