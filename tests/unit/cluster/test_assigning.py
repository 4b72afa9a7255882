"""Partitions are shared out evenly, each once, and only those move that must."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.runtimes.cluster.assigning import Holding, Part, shares

TOPICS = ("account", "identity", "inbox")
COUNTS = st.fixed_dictionaries({topic: st.integers(1, 7) for topic in TOPICS})
PARTS = st.frozensets(st.tuples(st.sampled_from(TOPICS), st.integers(0, 6)), max_size=12)
HOLDINGS = st.dictionaries(st.sampled_from("abcd"), st.builds(Holding, PARTS, PARTS), min_size=1)


def held(found: dict[str, set[Part]], names: str, files: dict[str, set[Part]]) -> dict[str, Holding]:
    """What these workers tell when they join after `found`."""
    return {n: Holding(frozenset(found.get(n, ())), frozenset(files.get(n, ()))) for n in names}


@given(COUNTS, HOLDINGS)
def test_everything_is_somebodys_and_all_have_as_much(
    counts: dict[str, int], holdings: dict[str, Holding]
) -> None:
    found = shares(counts, holdings)
    every = [(topic, number) for topic, count in counts.items() for number in range(count)]
    assert sorted(part for parts in found.values() for part in parts) == sorted(every)
    for topic in TOPICS:
        mine = [sum(its == topic for its, _ in parts) for parts in found.values()]
        assert max(mine) - min(mine) <= 1
    assert max(map(len, found.values())) - min(map(len, found.values())) <= 1


@given(COUNTS, HOLDINGS)
def test_who_shares_out_again_moves_nothing(counts: dict[str, int], holdings: dict[str, Holding]) -> None:
    found = shares(counts, holdings)
    assert shares(counts, held(found, "".join(holdings), {})) == found


def test_a_worker_that_dies_and_comes_back_gets_its_own_again() -> None:
    counts = dict.fromkeys(TOPICS, 6)
    first = shares(counts, held({}, "abc", {}))
    without = shares(counts, held(first, "ac", first))
    assert all(first[name] <= without[name] for name in "ac")
    files = {name: first[name] | without.get(name, set()) for name in "abc"}
    assert shares(counts, held(without, "abc", files)) == first


def test_a_new_worker_takes_its_share_and_no_more() -> None:
    counts = dict.fromkeys(TOPICS, 6)
    before = shares(counts, held({}, "ab", {}))
    after = shares(counts, held(before, "abc", {}))
    moved = Counter(name for name in "ab" for _ in before[name] - after[name])
    assert moved == {"a": 3, "b": 3}
    assert all(after[name] < before[name] for name in "ab")
