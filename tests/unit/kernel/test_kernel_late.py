"""Late records of several feeds go in the order of their time, however far one feed is ahead of another."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kernel.contract import SHARED, Record
from streams.kernel.driver import Partition
from streams.kernel.held import HELD, HELD_KEYS, Held
from streams.kernel.outcome import NEVER
from streams.stores.memory import MemoryStore
from tests.unit.kernel.test_kernel_held import Bell, said

FEEDS = 3
END = 1000

Told = tuple[int, int, str, str]
"""(at, feed, key, kind)"""

told = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, FEEDS - 1),
        st.sampled_from("ab"),
        st.sampled_from(["start", "stop"]),
    ),
    max_size=30,
    unique_by=lambda one: (one[0], one[2]),
).map(sorted)


def record(one: Told, n: int = 0, *, late: bool = True) -> Record:
    at, feed, key, kind = one
    return Record("notices", key, kind, None, at, feed, n, late)


def by_key(partition: Partition) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for out in partition.outs:
        found.setdefault(out.emit.key, []).append((out.emit.kind, out.emit.value))
    return found


def in_order(history: list[Told]) -> dict[str, list[tuple[str, int]]]:
    """What comes of it when time passes for all feeds together."""
    partition = Partition(Bell(), MemoryStore(), 0, range(FEEDS))
    for one in history:
        partition.advance(one[0])
        partition.receive(record(one, late=False))
    partition.advance(END)
    return by_key(partition)


class Feeds:
    """Feeds that are read at speeds of their own, by a partition that may be opened anew at any moment."""

    def __init__(self, history: list[Told], budget: int) -> None:
        self._logs = [[one for one in history if one[1] == feed] for feed in range(FEEDS)]
        self._store, self._budget = MemoryStore(), budget
        self.partition = Partition(Bell(), self._store, 0, range(FEEDS))

    def step(self, feed: int, *, mark: bool, anew: bool) -> None:
        """The next record of a feed, or its promise that nothing older than that comes."""
        if anew:
            self._open()
        log, part = self._logs[feed], self.partition
        at = log[0][0] if log else END
        if mark:
            while not part.watermark(feed, at, self._budget):
                pass
        elif log:
            while not part.receive(record(log[0], at), self._budget, fed=False):
                pass
            log.pop(0)

    def finish(self) -> None:
        """All that is left, and time to its end."""
        for feed, log in enumerate(self._logs):
            while log:
                self.step(feed, mark=False, anew=False)
        for feed in range(FEEDS):
            self.step(feed, mark=True, anew=False)

    def _open(self) -> None:
        self.partition.checkpoint()
        outs, self.partition = self.partition.outs, Partition(Bell(), self._store, 0, range(FEEDS))
        self.partition.outs = outs


@settings(max_examples=150)
@given(told, st.integers(1, 3), st.lists(st.tuples(st.integers(0, FEEDS - 1), st.booleans(), st.booleans())))
def test_speeds_of_feeds_change_nothing(
    history: list[Told], budget: int, steps: list[tuple[int, bool, bool]]
) -> None:
    feeds = Feeds(history, budget)
    for feed, mark, anew in steps:
        feeds.step(feed, mark=mark, anew=anew)
    feeds.finish()
    assert by_key(feeds.partition) == in_order(history)
    assert feeds.partition.held == 0


def test_what_is_live_is_taken_at_once_and_what_is_late_when_all_feeds_have_come_to_it() -> None:
    partition = Partition(Bell(), MemoryStore(), 0, range(2))
    partition.receive(record((50, 0, "a", "live")), fed=False)
    partition.receive(record((50, 0, "b", "live"), late=False), fed=False)
    assert said(partition) == [("live", 50)]
    partition.watermark(0, 60)
    partition.watermark(1, 49)
    assert partition.held == 1
    partition.watermark(1, 50)
    assert [out.late for out in partition.outs] == [False, True]


def test_nothing_is_held_where_one_feed_alone_sends() -> None:
    partition = Partition(Bell(), MemoryStore(), 0, [0])
    partition.receive(record((50, 0, "a", "stop")), fed=False)
    assert said(partition) == [("stop", 50)]


def test_at_one_instant_no_effect_goes_before_its_cause() -> None:
    sender, heir = (Partition(Bell(), MemoryStore(), n, range(2)) for n in range(2))
    sender.receive(record((5, 0, "a", "stop"), 700), fed=False)
    sender.advance(5)
    (effect,) = sender.outs
    assert (effect.at, effect.n) == (5, 701)
    heir.receive(record((5, 0, "a", "cause"), 699), fed=False)
    heir.receive(record((5, 1, "a", "effect"), effect.n), fed=False)
    heir.advance(5)
    assert [kind for kind, _ in said(heir)] == ["cause", "effect"]


@pytest.mark.parametrize("first", [0, 1])
def test_at_one_instant_the_number_decides_and_not_who_was_faster(first: int) -> None:
    partition = Partition(Bell(), MemoryStore(), 0, range(2))
    for feed in (first, 1 - first):
        partition.receive(record((5, feed, "a", f"of {feed}"), 9 - feed), fed=False)
    partition.advance(5)
    assert said(partition) == [("of 1", 5), ("of 0", 5)]


def test_many_of_one_key_go_in_several_steps() -> None:
    partition = Partition(Bell(), MemoryStore(), 0, range(2))
    for at in range(10):
        partition.receive(record((at, 0, "a", "stop"), at), fed=False)
    partition.watermark(0, 20)
    counts = [0]
    while not partition.watermark(1, 20, 4):
        counts.append(len(partition.outs))
    assert max(later - sooner for sooner, later in pairwise([*counts, len(partition.outs)])) <= 4
    assert said(partition) == [("stop", at) for at in range(10)]


def test_of_too_many_the_oldest_goes_and_the_rows_end_with_it() -> None:
    store = MemoryStore()
    held = Held(store, -1, kept=3)
    for at in (7, 3, 9, 5):
        held.put(record((at, 0, str(at), "stop")))
    assert (held.passed, held.next_late(), held.pop_late()) == (3, -1, "3")
    assert (held.look("3").at, held.next_late()) == (3, 5)
    held.take("3")
    assert "3" not in held
    assert (list(store.scan("3", HELD)), [key for key, _ in store.scan(SHARED, HELD_KEYS)]) == (
        [],
        ["5", "7", "9"],
    )
    again = Held(store, held.passed, kept=3)
    assert ([again.pop_late() for _ in range(3)], again.next_late()) == (["5", "7", "9"], NEVER)
