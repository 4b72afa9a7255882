"""A source that says it is complete shortens the time that verdicts wait for it, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.time import format_instant
from tests.unit.account.desk import Desk, instant

HOUR = 3_600_000_000
SOURCES = {
    "erp": {"arrives_within": 10 * HOUR, "types": ["order.placed", "activity.logged"]},
    "crm": {"arrives_within": 6 * HOUR, "types": ["activity.logged"]},
    "im": {"arrives_within": 90 * HOUR, "types": ["message.sent"]},
}
ORDER = """
rule: order
title: 赢单后无订单
watch: opportunity
when: {missing_after: {after: opportunity.won, expect: order.placed, within: 2d}}
"""
STALE = """
rule: stale
title: 商机停滞
watch: opportunity
when: {silent: {of: [activity.logged], for: 2d}}
"""
STALE_LARGE = STALE.replace("stale", "large") + "where: {field: amount, op: gte, value: 100}\n"
ASKED = """
rule: asked
title: 商机停滞
watch: opportunity
when: {silent: {of: [{type: activity.logged, where: {field: kind, op: eq, value: call}}], for: 2d}}
"""


def complete(desk: Desk, at: str, source: str, to: str) -> None:
    desk.event(at, "source.completed", source=source, to=format_instant(instant(to)))


def deal(*rules: str, partitions: int = 1, **more: Any) -> Desk:
    desk = Desk(*rules, settings={"sources": SOURCES}, partitions=partitions)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li", amount="100", **more)
    return desk


def test_a_verdict_is_given_as_soon_as_the_source_is_complete() -> None:
    desk = deal(ORDER)
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "2d + 1h", "erp", "2d - 1us")
    complete(desk, "2d + 2h", "im", "2d + 2h")
    assert desk.story() == []
    complete(desk, "2d + 3h", "erp", "2d")
    assert desk.times() == [("2d 3h", "O1")]
    assert desk.dues() == ["2d"]
    desk.until("9d")
    assert len(desk.alerts()) == 1


def test_without_it_the_verdict_waits_as_long_as_the_source_may_take() -> None:
    desk = deal(ORDER)
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "1d", "erp", "1d")
    desk.until("2d + 10h - 1us")
    assert desk.story() == []
    desk.until("2d + 10h")
    assert desk.times() == [("2d 10h", "O1")]


def test_a_source_is_not_complete_to_the_future() -> None:
    desk = deal(ORDER)
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "1d", "erp", "9d")
    desk.until("9d")
    assert desk.times() == [("2d 10h", "O1")]


@pytest.mark.parametrize("rule", [STALE, STALE_LARGE, ASKED])
def test_all_sources_must_be_complete_or_have_used_up_their_time(rule: str) -> None:
    desk = deal(rule)
    complete(desk, "2d + 1h", "erp", "2d + 1h")
    desk.until("2d + 6h - 1us")
    assert desk.story() == []
    desk.until("2d + 6h")
    assert desk.times() == [("2d 6h", "O1")]
    early = deal(rule)
    complete(early, "2d + 1h", "erp", "2d + 1h")
    complete(early, "2d + 2h", "crm", "2d")
    assert early.times() == [("2d 2h", "O1")]


def test_rules_that_share_a_run_hear_of_it() -> None:
    other = ORDER.replace("rule: order", "rule: other") + "where: {field: amount, op: gte, value: 100}\n"
    desk = deal(ORDER, other)
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "2d + 3h", "erp", "2d")
    assert desk.times() == [("2d 3h", "O1")] * 2


def test_a_rule_s_own_grace_is_not_shortened() -> None:
    desk = deal(ORDER + "grace: 1d\n")
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "2d + 3h", "erp", "2d + 3h")
    desk.until("9d")
    assert desk.times() == [("3d", "O1")]


def test_what_a_complete_source_sends_late_all_the_same_takes_the_alert_back() -> None:
    desk = deal(ORDER)
    desk.event("0d", "opportunity.won", opportunity="O1")
    complete(desk, "2d + 3h", "erp", "2d")
    desk.event("1d", "order.placed", order="B1", opportunity="O1", account="A1", arrives_="2d + 4h")
    assert desk.alerts() == [
        ("O1", "firing", "deadline_passed"),
        ("O1", "withdrawn", "late_event"),
    ]


def test_who_is_cured_in_time_is_left_alone() -> None:
    desk = deal(STALE)
    desk.until("2d + 1h")
    desk.event("1d", "activity.logged", activity="a", opportunity="O1", kind="call", arrives_="2d + 2h")
    complete(desk, "2d + 3h", "erp", "2d + 3h")
    complete(desk, "2d + 3h", "crm", "2d + 3h")
    assert desk.story() == []
    desk.until("9d")
    assert desk.dues() == ["3d"]


@pytest.mark.parametrize("parts", [2, 5])
def test_every_partition_hears_of_it(parts: int) -> None:
    desk = Desk(STALE, settings={"sources": SOURCES}, partitions=parts)
    for n in range(12):
        desk.event("0d", "opportunity.created", opportunity=f"O{n}", account=f"A{n}", owner="li")
    for source in ("erp", "crm"):
        complete(desk, "2d + 1h", source, "2d + 1h")
    assert sorted(desk.times()) == sorted(("2d 1h", f"O{n}") for n in range(12))


def test_what_happened_before_the_verdict_counts_from_its_own_time() -> None:
    desk = Desk(ASKED + "where: {field: amount, op: gte, value: 100}\n", settings={"sources": SOURCES})
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="li", amount="50")
    desk.event("2d + 1h", "opportunity.updated", opportunity="O1", amount="100")
    desk.until("5d")
    assert desk.dues() == ["2d 1h"]


def test_a_silence_that_ended_by_closing_before_the_verdict_is_recorded_and_tells_nobody() -> None:
    desk = deal(STALE + "then: [{notify: {to: [owner]}}]\n")
    desk.event("2d + 1h", "opportunity.won", opportunity="O1")
    desk.until("5d")
    assert [(state, reason) for _, state, reason in desk.story()] == [
        ("firing", "silence"),
        ("resolved", "entity_closed"),
    ]
    assert (desk.dues(), desk.notices()) == (["2d"], [])
