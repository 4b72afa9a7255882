"""Of events at one instant the last one is what a silence counts from, whatever came late in between."""

from __future__ import annotations

import pytest

from tests.unit.account.desk import Desk

STALE = """
rule: stale
title: 商机停滞
watch: opportunity
when: {silent: {of: [activity.logged, visit.completed], for: 3d}}
"""
WIDE = """
rule: wide
title: 商机停滞
watch: opportunity
when: {silent: {of: [activity.logged, visit.completed], for: 3d, include: account}}
"""


def named(desk: Desk) -> list[str]:
    """Events that the standing alerts were fired for."""
    return [str(a["event"]).rpartition("|")[2] for a in desk.rows("alerts") if a["state"] == "firing"]


def log(desk: Desk, name: str, at: str, arrives: str | None = None, *, visit: bool = False) -> None:
    kind = "visit.completed" if visit else "activity.logged"
    more = {} if visit else {"kind": "call"}
    data = {kind.partition(".")[0]: name, "opportunity": "O1", "account": "A1", **more}
    desk.event(at, kind, id_=name, arrives_=arrives or "1d", **data)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("last", ["visit", "call"])
@pytest.mark.parametrize("at", ["1d", "2026-03-03"])
def test_the_last_of_several_types_at_one_instant_is_named(last: str, late: bool, at: str) -> None:
    desk = Desk(STALE)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li")
    for name in ("call", "visit") if last == "visit" else ("visit", "call"):
        log(desk, name, at, visit=name == "visit")
    if late:
        log(desk, "late", "12h", "2d")
    desk.until("6d")
    assert named(desk) == [last]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("names", [("b", "a"), ("a", "b")])
def test_the_last_of_several_at_one_instant_is_named(names: tuple[str, str], late: bool) -> None:
    desk = Desk(STALE)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li")
    for name in names:
        log(desk, name, "1d")
    if late:
        log(desk, "late", "12h", "2d")
    desk.until("5d")
    assert named(desk) == [names[1]]


@pytest.mark.parametrize("names", [("b", "a"), ("a", "b")])
def test_of_the_customer_s_events_at_one_instant_the_last_one_is_named(names: tuple[str, str]) -> None:
    desk = Desk(WIDE)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li")
    for name in names:
        desk.event("1d", "activity.logged", id_=name, activity=name, account="A1", kind="call")
    desk.until("5d")
    assert named(desk) == [names[1]]


def test_a_match_before_the_opening_of_its_instant_is_not_what_the_silence_counts_from() -> None:
    desk = Desk(STALE)
    log(desk, "call", "0d", "0d")
    desk.event("0d", "opportunity.created", id_="new", opportunity="O1", account="A1", owner="li")
    desk.until("4d")
    assert named(desk) == ["new"]


@pytest.mark.parametrize("late", [False, True])
def test_a_day_that_the_opening_is_in_moves_the_silence_but_is_not_what_it_counts_from(late: bool) -> None:
    desk = Desk(STALE + "where: {field: account.tier, op: eq, value: A}\n")
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li")
    log(desk, "day", "2026-03-02", "1h")
    told = [
        ("2h", "3d", "opportunity.lost", {"opportunity": "O1"}),
        ("3h", "4d", "opportunity.reopened", {"opportunity": "O1"}),
        ("2d", "2d", "account.updated", {"account": "A1", "tier": "A"}),
    ]
    for at, arrives, type_, data in [told[2], *told[:2]] if late else told:
        desk.event(at, type_, id_=type_, arrives_=arrives if late else at, **data)
    desk.until("9d")
    assert (desk.dues(), named(desk)) == (["3d 15h"], ["opportunity.reopened"])
