"""Property: the SQLite store says what the memory store says, however small its memory is."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streams.kernel.contract import SHARED, Step
from streams.stores.memory import MemoryStore
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database

KEYS = st.sampled_from([SHARED, "a", "b", "c"])
BUCKETS = st.sampled_from(["e", "f", "g"])
NAMES = st.sampled_from([f"n{n}" for n in range(8)])
DUES = st.integers(0, 12)


class StoresAgree(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.directory.name))
        self.memory = MemoryStore()
        self.committed = MemoryStore()
        self.open()

    def open(self) -> None:
        self.pool = Pool(
            capacity=8, bucket=3, patience=2, huge=12, large=4, spill=6, layers=3, window=2, unmerged=150
        )
        self.sqlite = SqliteStore(self.database, 1, self.pool)
        self.neighbour = SqliteStore(self.database, 2, self.pool)

    def apply(self, step: Step, floor: int = 0) -> None:
        self.memory.apply(step, floor)
        self.sqlite.apply(step, floor)

    @rule(key=KEYS, bucket=BUCKETS, name=NAMES, value=st.integers(0, 9) | st.none())
    def put(self, key: str, bucket: str, name: str, value: int | None) -> None:
        self.apply(Step(rows={(key, bucket, name): value}))

    @rule(key=KEYS, bucket=BUCKETS, value=st.integers(0, 9))
    def put_many(self, key: str, bucket: str, value: int) -> None:
        self.apply(Step(rows={(key, bucket, f"n{n}"): value for n in range(7, -1, -1)}))

    @rule(key=KEYS, name=NAMES, due=DUES | st.none(), floor=DUES)
    def arm(self, key: str, name: str, due: int | None, floor: int) -> None:
        self.apply(Step(waits={(key, name): due}), floor)

    @rule(key=KEYS, dues=st.lists(DUES, min_size=8, max_size=8))
    def arm_many(self, key: str, dues: list[int]) -> None:
        self.apply(Step(waits={(key, f"n{n}"): due for n, due in enumerate(dues)}), 1)

    @rule()
    def pop(self) -> None:
        first = self.memory.next_due()
        if first is not None:
            assert self.memory.pop_wait(*first) == self.sqlite.pop_wait(*first)

    @rule(key=KEYS)
    def pop_of_key(self, key: str) -> None:
        due = self.memory.key_due(key)
        assert self.sqlite.key_due(key) == due
        first = self.sqlite.key_first(key)
        assert self.memory.key_first(key) == first
        if due is not None and first is not None:
            name = self.memory.waits_of(key)[0][0]
            assert first == (due, name)
            assert self.memory.pop_wait(due, key, name) == self.sqlite.pop_wait(due, key, name)

    @rule(key=KEYS, bucket=BUCKETS, name=NAMES)
    def get(self, key: str, bucket: str, name: str) -> None:
        assert self.sqlite.get(key, bucket, name) == self.memory.get(key, bucket, name)

    @rule(key=KEYS, bucket=BUCKETS)
    def scan(self, key: str, bucket: str) -> None:
        assert list(self.sqlite.scan(key, bucket)) == list(self.memory.scan(key, bucket))

    @rule(key=KEYS, bucket=BUCKETS, name=NAMES, limit=st.integers(1, 9))
    def scan_key(self, key: str, bucket: str, name: str, limit: int) -> None:
        assert self.sqlite.scan_key(key, None, limit) == self.memory.scan_key(key, None, limit)
        after = (bucket, name)
        assert self.sqlite.scan_key(key, after, limit) == self.memory.scan_key(key, after, limit)

    @rule(key=KEYS)
    def waits(self, key: str) -> None:
        assert self.sqlite.waits_of(key) == self.memory.waits_of(key)
        assert self.sqlite.next_key(key) == self.memory.next_key(key)

    @rule(key=KEYS, name=NAMES, value=st.integers(0, 9) | st.none())
    def put_beside(self, key: str, name: str, value: int | None) -> None:
        """Another partition's changes go into the same blobs; they must not show here."""
        self.neighbour.apply(Step(rows={(key, "e", name): value}, waits={(key, name): value}), 0)

    @rule()
    def commit(self) -> None:
        self.sqlite.flush()
        self.database.commit()
        self.pool.trim()
        self.committed = copy.deepcopy(self.memory)

    @rule(flush=st.booleans())
    def crash(self, flush: bool) -> None:
        """What was not committed is gone, whether it was written or not."""
        if flush:
            self.sqlite.flush()
        self.database.reopen()
        self.memory = copy.deepcopy(self.committed)
        self.open()

    @rule()
    def reopen(self) -> None:
        self.commit()
        self.open()

    @rule()
    def walk(self) -> None:
        self.commit()
        assert list(self.sqlite.walk()) == list(self.memory.walk())

    @invariant()
    def the_next_wait_is_the_same(self) -> None:
        assert self.sqlite.next_due() == self.memory.next_due()

    def teardown(self) -> None:
        self.database.close()
        self.directory.cleanup()


StoresAgree.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestStoresAgree = StoresAgree.TestCase
