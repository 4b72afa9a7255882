"""A watermark waits for echoes: of everybody, behind what was spoken before, again while somebody speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.kernel.contract import Record
from streams.runtimes.cluster.codec import place_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.echoes import ASK, BACK, ROUNDS, Echoes
from streams.runtimes.cluster.writing import Batch

TOPIC = "identity.resolve"
PARTITIONS = 3


class Partitions:
    """Some partitions that only echo, joined at once."""

    def __init__(self) -> None:
        self.cluster = Cluster({}, Path("none"), partitions=PARTITIONS)
        self.each = [Echoes(TOPIC, n, PARTITIONS, -1, n * 100) for n in range(PARTITIONS)]
        self.rounds = 0

    def lines(self, number: int) -> list[tuple[int, Record]]:
        """What a partition sends now: (receiver, record)."""
        batch = Batch(self.cluster, "identity", number)
        self.each[number].send(batch)
        found = []
        for (topic, receiver), records in batch.lines.items():
            for _, value, headers in records:
                place = place_of(headers)
                assert place is not None
                made = Record(topic, "", place.kind, value_of(value), place.at, place.feed, place.n)
                found.append((receiver, made))
        return found

    def round(self, *, lost: int | None = None) -> int | None:
        """Bring the questions of partition 0 to all and the echoes back; `lost` does not answer."""
        self.rounds += 1
        for receiver, record in self.lines(0):
            assert record.kind == ASK
            if receiver != lost:
                self.each[receiver].asked(record)
        found = None
        for number in range(PARTITIONS):
            for receiver, record in self.lines(number):
                if record.kind == BACK and receiver == 0:
                    found = self.each[0].came(record) or found
        return found


def test_a_quiet_cluster_takes_two_rounds_once_and_then_one() -> None:
    some = Partitions()
    some.each[0].begin(1000)
    assert some.round() is None
    assert some.round() == 1000
    some.each[0].begin(2000)
    assert some.round() == 2000
    assert (some.each[0].floor, some.each[0].under_way, some.each[0].pending) == (2000, False, False)


def test_while_somebody_speaks_there_are_more_rounds_but_not_for_ever() -> None:
    some = Partitions()
    some.each[0].begin(1000)
    for _ in range(ROUNDS - 1):
        assert some.round() is None
        some.each[2].spoken += 1
    assert some.round() == 1000
    assert some.rounds == ROUNDS


@pytest.mark.parametrize("lost", range(PARTITIONS))
def test_without_one_echo_nothing_is_promised(lost: int) -> None:
    some = Partitions()
    some.each[0].begin(1000)
    assert some.round(lost=lost) is None
    assert some.each[0].under_way
    assert some.each[0].floor == -1


def test_an_echo_of_another_round_or_mark_counts_for_nothing() -> None:
    some = Partitions()
    some.each[0].begin(1000)
    some.lines(0)
    for mark, number in ((999, 1), (1000, 2), (1000, 0)):
        value = {"mark": mark, "round": number, "spoken": 0}
        for sender in range(PARTITIONS):
            assert some.each[0].came(Record(TOPIC, "", BACK, value, 1000, sender)) is None
    assert some.round() is None
    assert some.each[0].under_way
