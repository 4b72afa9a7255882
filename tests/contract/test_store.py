"""One contract suite for every `Store`: the memory store, and the SQLite store opened anew in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kernel.contract import SHARED, WAITS, Step, Store
from streams.stores import sqlite_due
from streams.stores.memory import MemoryStore
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database


class Harness:
    """A store, and what makes its changes permanent."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def settle(self) -> Store:
        """Commit, and where the store can, open it anew."""
        return self.store

    def close(self) -> None: ...


class SqliteHarness(Harness):
    def __init__(self, directory: Path, capacity: int) -> None:
        self._database = Database(directory)
        self._capacity = capacity
        super().__init__(self._open())

    def _open(self) -> SqliteStore:
        return SqliteStore(self._database, 3, Pool(self._capacity))

    def settle(self) -> Store:
        assert isinstance(self.store, SqliteStore)
        self.store.flush()
        self._database.commit()
        self.store = self._open()
        return self.store

    def close(self) -> None:
        self._database.close()


@pytest.fixture(params=["memory", "sqlite"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made = Harness(MemoryStore()) if request.param == "memory" else SqliteHarness(tmp_path, 1000)
    yield made
    made.close()


def put(store: Store, *rows: tuple[str, str, str, object]) -> None:
    store.apply(Step(rows={(key, bucket, name): value for key, bucket, name, value in rows}), 0)


def arm(store: Store, key: str, name: str, due: int | None, floor: int = 0) -> None:
    store.apply(Step(waits={(key, name): due}), floor)


def test_a_row_is_read_as_written_before_and_after_settling(harness: Harness) -> None:
    value = {"名": "张三", "n": 2**62, "none": None, "list": [1, "x", {"y": True}], "f": 0.5}
    put(harness.store, ("k", "b", "n", value), (SHARED, "b", "n", 7))
    for store in (harness.store, harness.settle()):
        assert store.get("k", "b", "n") == value
        assert store.get(SHARED, "b", "n") == 7
        assert store.get("k", "b", "other") is None
        assert store.get("k", "other", "n") is None
        assert store.get("other", "b", "n") is None


def test_false_values_are_rows(harness: Harness) -> None:
    put(harness.store, ("k", "b", "zero", 0), ("k", "b", "no", False), ("k", "b", "empty", []))
    store = harness.settle()
    assert [store.get("k", "b", name) for name in ("zero", "no", "empty")] == [0, False, []]


def test_a_deleted_row_is_gone(harness: Harness) -> None:
    put(harness.store, ("k", "b", "n", 1), ("k", "b", "m", 2))
    store = harness.settle()
    put(store, ("k", "b", "n", None))
    for found in (store, harness.settle()):
        assert found.get("k", "b", "n") is None
        assert list(found.scan("k", "b")) == [("m", 2)]


def test_scan_is_in_name_order_by_code_point(harness: Harness) -> None:
    names = ["b", "a", "é", "中", "\U00010348", "Z", "a\x00", "￿"]
    put(harness.store, *(("k", "b", name, name) for name in names), ("k", "c", "x", 0), ("k2", "b", "x", 0))
    for store in (harness.store, harness.settle()):
        assert list(store.scan("k", "b")) == [(name, name) for name in sorted(names)]
        assert list(store.scan("k", "none")) == []


def test_a_scan_may_be_written_into(harness: Harness) -> None:
    put(harness.store, *(("k", "b", str(n), n) for n in range(5)))
    for name, _ in harness.store.scan("k", "b"):
        put(harness.store, ("k", "b", name, None), ("k", "b", "new" + name, 1))
    assert len(list(harness.settle().scan("k", "b"))) == 5


def test_scan_key_pages_through_all_buckets(harness: Harness) -> None:
    rows = [("k", bucket, f"{n:03d}", n) for bucket in ("a", "b", "c") for n in range(50)]
    put(harness.store, *rows, ("j", "a", "x", 0), ("l", "a", "x", 0))
    arm(harness.store, "k", "wait", 5)
    for store in (harness.store, harness.settle()):
        found: list[tuple[str, str, object]] = []
        after = None
        while page := store.scan_key("k", after, 40):
            found += page
            after = page[-1][:2]
        assert found == [row[1:] for row in rows]


def test_next_key_visits_all_keys_but_the_shared(harness: Harness) -> None:
    put(harness.store, *((key, "b", "n", 1) for key in ("m", "a", "中", SHARED)))
    arm(harness.store, "only-waits", "w", 1)
    for store in (harness.store, harness.settle()):
        put(store, ("b", "b", "n", 1))
        keys, key = [], store.next_key(None)
        while key is not None:
            keys.append(key)
            key = store.next_key(key)
        assert keys == ["a", "b", "m", "中"]


def test_waits_come_in_the_order_due_key_name(harness: Harness) -> None:
    waits = [(5, "k", "b"), (5, "k", "a"), (5, "j", "z"), (-3, "m", "x"), (2**55, "k", "far")]
    for due, key, name in waits:
        arm(harness.store, key, name, due, floor=due - 1)
    store = harness.settle()
    assert store.waits_of("k") == [("a", 5), ("b", 5), ("far", 2**55)]
    assert store.key_due("k") == 5
    assert store.key_first("k") == (5, "a")
    assert store.key_first("none") is None
    popped = []
    while (first := store.next_due()) is not None:
        popped.append(first)
        assert store.pop_wait(*first) == first[0] - 1
    assert popped == sorted(waits)
    assert harness.settle().next_due() is None
    assert store.key_due("k") is None


def test_a_walk_meets_all_rows_and_waits(harness: Harness) -> None:
    put(
        harness.store,
        ("m", "b", "2", {"x": 1}),
        ("m", "b", "1", 0),
        ("m", "a", "n", []),
        (SHARED, "s", "n", 7),
    )
    arm(harness.store, "m", "w", 5, floor=3)
    arm(harness.store, "only-waits", "v", 4, floor=4)
    arm(harness.store, "a", "gone", 9)
    arm(harness.store, "a", "gone", None)
    assert list(harness.settle().walk()) == [
        (SHARED, "s", "n", 7),
        ("m", WAITS, "w", [5, 3]),
        ("m", "a", "n", []),
        ("m", "b", "1", 0),
        ("m", "b", "2", {"x": 1}),
        ("only-waits", WAITS, "v", [4, 4]),
    ]


def test_a_wait_moves_and_is_disarmed(harness: Harness) -> None:
    arm(harness.store, "k", "w", 10, floor=1)
    arm(harness.store, "k", "v", 20, floor=2)
    store = harness.settle()
    arm(store, "k", "w", 30, floor=3)
    assert store.next_due() == (20, "k", "v")
    arm(store, "k", "v", None)
    arm(store, "k", "unknown", None)
    store = harness.settle()
    assert store.next_due() == (30, "k", "w")
    assert store.key_due("k") == 30
    arm(store, "k", "w", 5, floor=4)
    arm(store, "k", "w", 6, floor=5)
    store = harness.settle()
    assert store.next_due() == (6, "k", "w")
    assert store.pop_wait(6, "k", "w") == 5
    assert store.waits_of("k") == []


def test_more_waits_than_the_window_holds(harness: Harness) -> None:
    count = 3 * sqlite_due.WINDOW
    dues = [(n * 7919) % 1_000_003 for n in range(count)]
    harness.store.apply(Step(waits={(f"k{n % 97}", f"w{n}"): due for n, due in enumerate(dues)}), 0)
    store = harness.settle()
    arm(store, "early", "w", -1)
    popped = []
    while (first := store.next_due()) is not None:
        store.pop_wait(*first)
        popped.append(first[0])
        if len(popped) == 10:
            arm(store, "late", "w", 2_000_000)
            arm(store, "middle", "w", 500_000)
    assert popped == sorted([*dues, -1, 2_000_000, 500_000])


def test_a_key_with_many_rows_and_waits(harness: Harness) -> None:
    rows = [("big", f"b{n % 300}", f"n{n}", n) for n in range(3000)]
    put(harness.store, *rows, *(("big", "wide", f"{n:04d}", n) for n in range(500)))
    harness.store.apply(Step(waits={("big", f"w{n}"): 1000 - n for n in range(900)}), 7)
    store = harness.settle()
    assert store.key_due("big") == 101
    assert store.get("big", "b7", "n307") == 307
    assert store.get("big", "b7", "no") is None
    assert store.get("big", "wide", "0499") == 499
    put(store, ("big", "wide", "0498", None), ("big", "wide", "9999", -1), ("big", "wide", "0001", -2))
    assert store.get("big", "wide", "0498") is None
    for found in (store, harness.settle()):
        wide = dict(found.scan("big", "wide"))
        assert len(wide) == 500
        assert wide["9999"] == -1
        assert wide["0001"] == -2
        assert list(wide) == sorted(wide)
        assert [name for name, _ in found.scan("big", "b7")] == sorted(f"n{n}" for n in range(7, 3000, 300))


def test_a_row_that_came_and_went_between_two_merges_is_gone(tmp_path: Path) -> None:
    """Its bucket stands in the upper layer alone, and there as deleted."""
    database = Database(tmp_path)
    store = SqliteStore(database, 1, Pool(unmerged=1))
    put(store, ("k", "b", "kept", 1))
    for number in range(3):
        store.flush()
        put(store, ("other", "b", "n", number))
    put(store, ("k", "c", "gone", 1))
    put(store, ("k", "c", "gone", None))
    for number in range(3):
        store.flush()
        put(store, ("other", "b", "n", number))
    layers = database.rows("SELECT layer FROM packs WHERE key = 'k'")
    opened = SqliteStore(database, 1, Pool())
    assert len(layers) == 2
    assert list(opened.scan("k", "c")) == []
    assert opened.scan_key("k", None, 10) == [("b", "kept", 1)]
    database.close()
