"""Corrections and deletions decide whose an entity is as if their events had been known so from the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.machines.identity.names import PARK
from streams.stores.memory import MemoryStore
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, event, fill

DEALS = [
    ("opportunity:O1", event("opportunity.created", "d1", opportunity="O1", account="A1")),
    ("opportunity:O2", event("opportunity.created", "d2", opportunity="O2", account="A2")),
]


def call(name: str, time: int = MARCH, **data: Any) -> tuple[str, dict[str, Any]]:
    return "activity:X", event("activity.logged", name, time, activity="X", **data)


def corrected(name: str, target: str, time: int = MARCH, **data: Any) -> tuple[str, dict[str, Any]]:
    return "activity:X", event("activity.corrected", name, time, activity="X", event=target, **data)


def taken_back(name: str, target: str) -> tuple[str, dict[str, Any]]:
    return "activity:X", event("activity.deleted", name, MARCH, activity="X", event=target)


def home(*records: tuple[str, dict[str, Any]]) -> tuple[str, list[str]]:
    """Where the activity is in the end, and the ids of its events there."""
    cluster = fill(Cluster(3), [*DEALS, *records])
    ((key, ids),) = cluster.places()["activity||X"].items()
    assert cluster.waiting() == []
    return key, ids


def test_a_correction_that_comes_first_waits_for_its_event_and_names_nothing() -> None:
    cluster = fill(Cluster(3), [*DEALS, corrected("c", "e")])
    assert [(w.key, w.waits_for) for w in cluster.waiting()] == [("activity:X", "activity:X")]
    fill(cluster, [call("e", MARCH - SECOND, account="A1")])
    assert cluster.places()["activity||X"] == {"account:A1": ["c", "e"]}
    assert cluster.waiting() == []
    assert "move.begin" not in {out.emit.kind for out in cluster.sent}


@pytest.mark.parametrize("first", ["event", "correction"])
def test_a_correction_that_names_another_deal_counts_whenever_it_comes(first: str) -> None:
    records = [call("e", opportunity="O1"), corrected("c", "e", MARCH - SECOND, opportunity="O2")]
    key, ids = home(*(records if first == "event" else records[::-1]))
    assert (key, sorted(ids)) == ("account:A2", ["c", "e"])


def test_a_correction_of_an_older_event_does_not_outdo_a_newer_one() -> None:
    older = call("e", MARCH - 9 * SECOND, opportunity="O1")
    newer = call("f", MARCH - 5 * SECOND, account="A3")
    assert home(older, newer, corrected("c", "e", opportunity="O2"))[0] == "account:A3"


def test_a_correction_may_move_an_event_in_time_behind_another() -> None:
    older = call("e", MARCH - 9 * SECOND, opportunity="O2")
    newer = call("f", MARCH - 5 * SECOND, account="A3")
    key, change = corrected("c", "e")
    moved = (key, {**change, "data": {**change["data"], "time": "2026-03-01T23:59:58Z"}})
    assert home(older, newer, moved)[0] == "account:A2"


def test_what_named_the_customer_is_taken_back() -> None:
    older = call("e", MARCH - 9 * SECOND, opportunity="O1")
    assert home(older, call("f", account="A3"), taken_back("c", "f"))[0] == "account:A1"


def test_an_event_that_is_taken_back_before_it_comes_names_nobody() -> None:
    older = call("e", MARCH - 9 * SECOND, opportunity="O1")
    assert home(older, taken_back("c", "f"), call("f", account="A3"))[0] == "account:A1"


def test_a_correction_that_is_taken_back_never_was() -> None:
    changed = corrected("c", "e", opportunity="O2")
    assert home(call("e", opportunity="O1"), changed, taken_back("t", "c"))[0] == "account:A1"


def test_a_correction_of_what_waits_for_an_unknown_deal_lets_it_go_on() -> None:
    key, ids = home(call("e", opportunity="O9"), corrected("c", "e", opportunity="O2"))
    assert (key, ids) == ("account:A2", ["e", "c"])


def test_a_correction_may_bring_the_customer() -> None:
    assert home(call("e"), corrected("c", "e", account="A3"))[0] == "account:A3"


def test_a_newer_name_counts_although_the_older_comes_later() -> None:
    again = call("g", MARCH - 3 * SECOND, account="A1")
    late = call("late", MARCH - 5 * SECOND, account="A3")
    assert home(call("e", MARCH - 9 * SECOND, account="A1"), again, late)[0] == "account:A1"


def test_a_repeat_keeps_its_place() -> None:
    first = call("e", MARCH + 100 * SECOND, account="A1")
    assert home(first, call("f", MARCH + 100 * SECOND, account="A2"), first)[0] == "account:A2"


def test_a_correction_that_cannot_be_read_is_refused_and_changes_nothing() -> None:
    key, bad = corrected("c", "e", opportunity="O2")
    cluster = fill(Cluster(3), [*DEALS, call("e", opportunity="O1")])
    fill(cluster, [(key, {**bad, "data": {**bad["data"], "time": "soon"}})])
    assert cluster.places()["activity||X"] == {"account:A1": ["e"]}
    assert len(cluster.codes()) == 1


class Counting(MemoryStore):
    """Counts how often all that waits is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        self.read += bucket == PARK
        return super().scan(key, bucket)


def test_what_waits_is_not_read_again_for_every_event_that_follows() -> None:
    cluster, store = Cluster(1), Counting()
    cluster.identity[0].store = store
    fill(cluster, [call(f"e{n}", opportunity="O9") for n in range(20)])
    assert store.read == 0
    fill(cluster, [call("f", opportunity="O8"), *DEALS])
    assert store.read == 1
    fill(cluster, [("opportunity:O8", event("opportunity.created", "d8", opportunity="O8", account="A3"))])
    assert len(cluster.places()["activity||X"]["account:A3"]) == 21
