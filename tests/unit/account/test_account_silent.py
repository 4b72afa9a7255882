"""`silent`: due exactly at last + D, stays due, ends on a match, on closing, or when `where` turns false."""

from __future__ import annotations

import pytest

from tests.unit.account.desk import Desk

STALE = """
rule: stale
title: 没有跟进
watch: opportunity
when: {silent: {of: [{type: activity.logged, where: {field: kind, op: eq, value: call}}], for: 7d}}
where: {field: amount, op: gte, value: 100}
then: [{notify: {to: [owner]}}]
"""
QUIET_CUSTOMER = """
rule: quiet-customer
title: 没有联系
watch: account
when: {silent: {of: [activity.logged], for: 7d}}
"""
SHARED_CALLS = """
rule: shared-calls
title: 没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 7d, include: account}}
"""


def deal(desk: Desk, at: str = "0d", opportunity: str = "O1", **more: object) -> str:
    data = {"opportunity": opportunity, "account": "A1", "owner": "li", "amount": "100", **more}
    return desk.event(at, "opportunity.created", **data)


def call(desk: Desk, at: str, kind: str = "call", **more: object) -> str:
    data = {"activity": f"call {at}", "opportunity": "O1", "account": "A1", "kind": kind, **more}
    return desk.event(at, "activity.logged", **data)


def test_due_exactly_at_the_end_and_not_a_microsecond_before() -> None:
    desk = Desk(STALE)
    deal(desk)
    desk.until("7d - 1us")
    assert desk.story() == []
    desk.until("7d")
    assert desk.story() == [("7d", "firing", "silence")]


def test_a_match_a_microsecond_before_re_arms_and_one_at_that_instant_comes_too_late() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "7d - 1us")
    call(desk, "14d - 1us")
    almost = "13d 23h 59m 59s 999999us"
    assert desk.story() == [(almost, "firing", "silence"), (almost, "resolved", "followed_up")]
    desk.until("30d")
    assert desk.times() == [(almost, "O1"), ("20d 23h 59m 59s 999999us", "O1")]


def test_an_event_that_fails_the_filter_neither_re_arms_nor_ends() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "6d", kind="email")
    call(desk, "8d", kind="email")
    desk.until("30d")
    assert desk.story() == [("7d", "firing", "silence")]


def test_once_due_it_stays_due_and_fires_as_soon_as_where_holds() -> None:
    desk = Desk(STALE)
    deal(desk, amount="50")
    desk.until("9d")
    assert desk.story() == []
    desk.event("10d", "opportunity.updated", opportunity="O1", amount="100")
    desk.event("11d", "opportunity.updated", opportunity="O1", amount="99")
    desk.event("12d", "opportunity.updated", opportunity="O1", amount="200")
    assert desk.story() == [
        ("10d", "firing", "silence"),
        ("11d", "resolved", "condition_ended"),
        ("12d", "firing", "silence"),
    ]
    assert len({a["alert"] for a in desk.rows("alerts")}) == 2


def test_closing_resolves_and_nothing_is_due_while_closed() -> None:
    desk = Desk(STALE)
    deal(desk)
    desk.event("8d", "opportunity.lost", opportunity="O1")
    desk.until("60d")
    assert desk.story() == [("7d", "firing", "silence"), ("8d", "resolved", "entity_closed")]


def test_reopening_counts_anew() -> None:
    desk = Desk(STALE)
    deal(desk)
    desk.event("6d", "opportunity.won", opportunity="O1")
    desk.event("20d", "opportunity.reopened", opportunity="O1")
    desk.until("27d - 1us")
    assert desk.story() == []
    desk.until("27d")
    assert desk.story() == [("27d", "firing", "silence")]


def test_a_match_while_closed_does_not_count_after_an_earlier_reopening() -> None:
    desk = Desk(STALE)
    deal(desk)
    desk.event("2d", "opportunity.lost", opportunity="O1")
    call(desk, "3d")
    desk.event("4d", "opportunity.reopened", opportunity="O1")
    desk.until("60d")
    assert desk.story() == [("11d", "firing", "silence")]


def test_entities_without_stages_are_open_until_deleted() -> None:
    desk = Desk(QUIET_CUSTOMER)
    desk.event("0d", "account.updated", account="A1")
    desk.event("8d", "account.deleted", account="A1")
    desk.until("60d")
    assert [(when, state) for when, state, _ in desk.story()] == [("7d", "firing"), ("8d", "resolved")]


def test_a_customer_hears_of_what_belongs_to_it() -> None:
    desk = Desk(QUIET_CUSTOMER)
    desk.event("0d", "account.updated", account="A1")
    deal(desk, "1d")
    desk.event("5d", "activity.logged", activity="x", opportunity="O1", kind="demo")
    desk.until("30d")
    assert desk.story() == [("12d", "firing", "silence")]


def test_an_account_named_for_the_first_time_is_known_from_that_instant() -> None:
    desk = Desk(QUIET_CUSTOMER)
    deal(desk, "1d")
    desk.until("30d")
    assert desk.story() == [("8d", "firing", "silence")]


def test_events_of_the_customer_alone_count_only_when_included() -> None:
    desk = Desk(SHARED_CALLS, STALE)
    deal(desk)
    deal(desk, "1d", "O2")
    desk.event("5d", "activity.logged", activity="x", account="A1", kind="call")
    desk.event("6d", "activity.logged", activity="y", opportunity="O2", account="A1", kind="call")
    desk.until("12d")
    assert [(a["rule"], a["key"]) for a in desk.rows("alerts")] == [("stale", "O1"), ("shared-calls", "O1")]
    assert desk.times() == [("7d", "O1"), ("12d", "O1")]
    desk.event("12d", "activity.logged", activity="z", account="A1", kind="call")
    assert desk.standing() == [("stale", "O1")]
    desk.until("19d - 1us")
    assert desk.times()[2:] == [("13d", "O2")]
    desk.until("19d")
    assert sorted(desk.times()[3:]) == [("19d", "O1"), ("19d", "O2")]


def test_a_day_counts_from_its_end() -> None:
    desk = Desk(STALE)
    deal(desk)
    desk.event("2026-03-04", "activity.logged", activity="x", opportunity="O1", account="A1", kind="call",
               arrives_="2026-03-04 17:00")  # fmt: skip
    desk.until("2026-03-12 00:00 - 1us")
    assert desk.story() == []
    desk.until("2026-03-12 00:00")
    assert desk.times() == [("9d 15h", "O1")]


def test_ties_of_events_go_by_log_position() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "1d", activity="first")
    desk.event("1d", "opportunity.lost", opportunity="O1")
    reopening = desk.event("1d", "opportunity.reopened", opportunity="O1")
    desk.until("30d")
    assert desk.story() == [("8d", "firing", "silence")]
    assert desk.rows("alerts")[0]["event"] == f"crm|{reopening}"


def test_a_late_report_of_a_call_in_time_withdraws_and_re_plans() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "7d - 1us", arrives_="9d")
    assert desk.story() == [("7d", "firing", "silence"), ("9d", "withdrawn", "late_event")]
    assert [kind for _, kind, _ in desk.notices()] == ["fired", "withdrawn"]
    desk.until("20d")
    assert desk.times()[1:] == [("13d 23h 59m 59s 999999us", "O1")]


@pytest.mark.parametrize("when", ["7d", "8d"])
def test_a_late_report_of_a_call_after_the_deadline_resolves(when: str) -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, when, arrives_="9d")
    desk.until("10d")
    assert desk.story() == [("7d", "firing", "silence"), ("9d", "resolved", "followed_up")]


def test_a_back_dated_deal_whose_deadline_is_past_fires_at_once_with_its_true_due() -> None:
    desk = Desk(STALE)
    desk.until("10d")
    deal(desk, "1d", arrives_="10d")
    assert (desk.story(), desk.dues()) == ([("10d", "firing", "silence")], ["8d"])


def test_taking_a_call_back_fires_at_once() -> None:
    desk = Desk(STALE)
    deal(desk)
    event = call(desk, "3d")
    desk.event("9d", "activity.deleted", activity="call 3d", event=event)
    assert (desk.story(), desk.dues()) == ([("9d", "firing", "silence")], ["7d"])


def test_a_call_corrected_to_another_day_re_plans() -> None:
    desk = Desk(STALE)
    deal(desk)
    event = call(desk, "3d")
    desk.event("4d", "activity.corrected", activity="call 3d", event=event, time="2026-03-03T09:00:00+08:00")
    desk.until("20d")
    assert desk.times() == [("8d", "O1")]


def test_taking_back_the_call_that_ended_an_episode_fires_that_alert_again() -> None:
    desk = Desk(STALE)
    deal(desk)
    event = call(desk, "8d")
    desk.event("9d", "activity.deleted", activity="call 8d", event=event)
    assert desk.story() == [
        ("7d", "firing", "silence"),
        ("8d", "resolved", "followed_up"),
        ("9d", "firing", "cure_taken_back"),
    ]
    assert len({a["alert"] for a in desk.rows("alerts")}) == 1


def test_a_call_dated_in_the_future_counts_from_its_arrival() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "200d", arrives_="2d")
    desk.until("300d")
    assert desk.times() == [("9d", "O1")]


def test_the_next_episode_has_an_id_of_its_own() -> None:
    desk = Desk(STALE)
    deal(desk)
    call(desk, "8d")
    desk.until("15d")
    fired = [a["alert"] for a in desk.rows("alerts") if a["state"] == "firing"]
    assert len(set(fired)) == 2
    assert desk.times() == [("7d", "O1"), ("15d", "O1")]


def test_months_are_calendar_periods() -> None:
    desk = Desk(STALE.replace("7d", "1mo"))
    deal(desk, "2026-03-31 10:00")
    desk.until("2026-04-30 10:00 - 1us")
    assert desk.story() == []
    desk.until("2026-04-30 10:00")
    assert len(desk.story()) == 1
