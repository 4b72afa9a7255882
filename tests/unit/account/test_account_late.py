"""Late, corrected and taken-back events: what is left is as if all had been known from the start.

One small scenario for each way in which that could go wrong; random histories are among the property tests.
"""

from __future__ import annotations

from tests.unit.account.desk import Desk

REPORT = """
rule: report
title: 拜访报告
watch: visit
when: {missing_after: {after: visit.checked_in, expect: visit.reported, within: 24h}}
"""
PROPOSE = """
rule: propose
title: 演示后须报价
watch: opportunity
when:
  missing_after:
    after: {type: activity.logged, where: {field: kind, op: eq, value: demo}}
    expect: {type: activity.logged, where: {field: kind, op: eq, value: proposal}}
    within: 2d
"""
BUSY = """
rule: busy
title: 频繁联系
watch: opportunity
when: {holds: {}}
where: {field: calls, op: gte, value: 2}
"""
STALE = """
rule: stale
title: 没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 3d}}
where: {field: account.tier, op: eq, value: A}
"""
NEAR = """
rule: near
title: 快到期
watch: opportunity
when: {holds: {}}
where: {field: close_date, op: between, value: [today, today+2d]}
"""
QUOTED = """
rule: quoted
title: 进入报价
watch: opportunity
when: {enters: quote}
"""


def deal(desk: Desk, at: str = "0d", **more: object) -> str:
    return desk.event(at, "opportunity.created", opportunity="O1", account="A1", **more)


def log(desk: Desk, at: str, name: str, kind: str = "call", **more: object) -> str:
    data = {"activity": name, "opportunity": "O1", "account": "A1", "kind": kind, **more}
    return desk.event(at, "activity.logged", **data)


def kept(desk: Desk) -> list[tuple[str, str]]:
    """(due, state) of every alert that was not withdrawn."""
    last = {a["alert"]: a for a in desk.rows("alerts")}
    due = dict(
        zip([a["alert"] for a in desk.rows("alerts") if a["state"] == "firing"], desk.dues(), strict=True)
    )
    return [(due[name], a["state"]) for name, a in last.items() if a["state"] != "withdrawn"]


def test_the_answer_is_known_before_the_question() -> None:
    desk = Desk(REPORT)
    desk.event("1h", "visit.reported", visit="V1", account="A1", by="li")
    desk.event("0d", "visit.checked_in", visit="V1", account="A1", by="li", arrives_="2h")
    desk.until("9d")
    assert kept(desk) == []


def test_the_older_of_two_children_comes_last() -> None:
    desk = Desk(BUSY)
    deal(desk)
    log(desk, "2d", "x")
    log(desk, "1d", "y", arrives_="3d")
    assert kept(desk) == [("2d", "firing")]


def test_a_late_change_of_the_customer_that_a_newer_one_has_overwritten() -> None:
    desk = Desk(STALE)
    desk.event("0d", "account.updated", account="A1", tier="A")
    deal(desk)
    desk.event("5d", "account.updated", account="A1", tier="A")
    desk.event("4d", "account.updated", account="A1", tier="B", arrives_="6d")
    assert kept(desk) == [("3d", "resolved"), ("5d", "firing")]


def test_a_correction_comes_before_what_it_corrects() -> None:
    desk = Desk(PROPOSE, QUOTED)
    deal(desk)
    for at, kind, native in (("1d", "activity", "x"), ("1d", "opportunity", "O1")):
        more = {"kind": "demo"} if kind == "activity" else {}
        about = {"opportunity": "O1", "account": "A1"} if kind == "activity" else {}
        desk.event(
            at, f"{kind}.corrected", event=f"late {kind}", time="2026-03-03T01:00:00Z",
            **{**about, kind: native, **more},
        )  # fmt: skip
    log(desk, "2d", "x", "proposal", id_="late activity")
    desk.event("2d", "opportunity.stage_changed", id_="late opportunity", opportunity="O1", stage="quote")
    desk.until("9d")
    assert sorted(kept(desk)) == [("1d", "firing"), ("3d", "firing")]


def test_a_correction_before_its_event_that_names_no_parent_finds_its_account() -> None:
    desk = Desk(PROPOSE)
    deal(desk)
    desk.event("1d", "activity.corrected", activity="x", event="late", kind="demo")
    log(desk, "2d", "x", "call", id_="late")
    desk.until("9d")
    assert [name for key, name, _ in desk.stored("e") if key == "account:A1"] == [
        "account|A1", "activity|x", "opportunity|O1",
    ]  # fmt: skip
    assert kept(desk) == [("4d", "firing")]


def test_the_time_of_a_correction_is_not_a_field() -> None:
    desk = Desk()
    event = deal(desk)
    desk.event("1d", "opportunity.corrected", opportunity="O1", event=event, time="2026-03-01T01:00:00Z")
    assert "time" not in desk.entity("opportunity", "O1")["d"]


def test_a_correction_changes_a_leads_own_source_by_another_name() -> None:
    desk = Desk()
    event = desk.event("0d", "lead.created", lead="L1", source="fair", phone="1")
    desk.event("1d", "lead.corrected", lead="L1", event=event, source="crm", lead_source="web")
    assert desk.entity("lead", "L1")["d"] == {"lead": "L1", "source": "web", "phone": "1"}


def test_sums_of_children_outlive_a_correction_of_the_parent() -> None:
    desk = Desk(BUSY)
    event = deal(desk)
    log(desk, "1d", "x")
    log(desk, "1d", "y")
    desk.event("1d", "opportunity.corrected", opportunity="O1", event=event, name="二号")
    desk.event("2d", "opportunity.updated", opportunity="O1", amount=5)
    assert kept(desk) == [("1d", "firing")]


def test_sums_of_children_are_there_when_a_taken_back_entity_comes_again() -> None:
    desk = Desk(BUSY)
    event = deal(desk)
    desk.event("1d", "opportunity.deleted", opportunity="O1", event=event)
    log(desk, "2d", "x")
    log(desk, "2d", "y")
    desk.event("3d", "opportunity.created", opportunity="O1", account="A1")
    assert desk.entity("opportunity", "O1")["k"]["calls"] == 2
    assert kept(desk) == [("3d", "firing")]


def test_a_child_that_a_correction_moved_later_counts_from_then() -> None:
    desk = Desk(BUSY)
    deal(desk)
    desk.event("1d", "activity.corrected", activity="x", account="A1", opportunity="O1", event="late",
               time="2026-03-20T01:00:00Z")  # fmt: skip
    log(desk, "2d", "y")
    log(desk, "1d", "x", id_="late", arrives_="5d")
    assert kept(desk) == [("5d", "firing")]


def test_a_late_event_at_the_instant_that_ended_an_episode_prolongs_it() -> None:
    desk = Desk(NEAR)
    deal(desk)
    desk.event("1d", "opportunity.updated", opportunity="O1", close_date="2026-03-04")
    desk.event(
        "2d", "opportunity.updated", opportunity="O1", close_date="2026-03-05", arrives_="2026-03-05 00:00"
    )
    assert len({a["alert"] for a in desk.rows("alerts")}) == 1
    assert kept(desk) == [("1d", "firing")]
    desk.until("9d")
    assert desk.times("resolved")[-1] == ("3d 15h", "O1")


def test_what_happened_before_the_entity_was_known_counts_when_it_is() -> None:
    desk = Desk(PROPOSE)
    log(desk, "1d", "x", "demo")
    deal(desk, "2d")
    desk.until("9d")
    assert kept(desk) == [("3d", "firing")]


def test_reopening_arms_a_silence_that_a_late_event_had_moved() -> None:
    desk = Desk(STALE)
    desk.event("0d", "account.updated", account="A1", tier="A")
    deal(desk)
    log(desk, "6h", "x", arrives_="3d")
    desk.event("4d", "opportunity.lost", opportunity="O1")
    desk.event("5d", "opportunity.reopened", opportunity="O1")
    desk.until("8d")
    assert kept(desk) == [("3d 6h", "resolved"), ("8d", "firing")]


def test_the_triggering_event_of_a_tie_stays_the_same_when_history_is_looked_at_again() -> None:
    desk = Desk(STALE)
    desk.event("0d", "account.updated", account="A1", tier="A")
    deal(desk)
    called = log(desk, "0d", "x")
    desk.until("4d")
    desk.event("2d", "opportunity.updated", opportunity="O1", amount=5, arrives_="5d")
    assert [(a["state"], a["event"]) for a in desk.rows("alerts")] == [("firing", f"crm|{called}")]


NEAR_DATE = """
rule: near-date
title: 快到期
watch: opportunity
when: {date: {field: close_date, before: 2d}}
"""
AMONG_KEY_ACCOUNTS = "where: {field: account.tier, op: eq, value: A}"


def test_a_late_event_of_the_customer_counts_for_a_deadline_that_has_passed() -> None:
    desk = Desk(PROPOSE + AMONG_KEY_ACCOUNTS)
    desk.event("0d", "account.updated", account="A1", tier="B")
    deal(desk)
    log(desk, "1d", "x", "demo")
    desk.until("4d")
    assert desk.alerts() == []
    desk.event("2d", "account.updated", account="A1", tier="A", arrives_="5d")
    assert kept(desk) == [("3d", "firing")]


def test_a_late_event_of_the_customer_counts_though_the_deal_has_heard_of_newer_ones() -> None:
    desk = Desk(NEAR_DATE + AMONG_KEY_ACCOUNTS, PROPOSE)
    desk.event("0d", "account.updated", account="A1", tier="B")
    deal(desk)
    desk.event("1d", "opportunity.updated", opportunity="O1", close_date="2026-03-07")
    log(desk, "5d", "x", "demo")
    desk.event("4d 12h", "account.updated", account="A1", tier="A", arrives_="5d 1h")
    assert [(a["rule"], a["state"]) for a in desk.rows("alerts")] == [("near-date", "firing")]


def test_a_late_change_of_the_deal_counts_for_a_deadline_that_has_passed() -> None:
    desk = Desk(PROPOSE + "where: {field: amount, op: gte, value: 100}\n")
    deal(desk, amount="100")
    log(desk, "1d", "x", "demo")
    desk.until("4d")
    desk.event("2d", "opportunity.updated", opportunity="O1", amount="50", arrives_="5d")
    assert desk.alerts() == [("O1", "firing", "deadline_passed"), ("O1", "withdrawn", "late_event")]
    other = Desk(PROPOSE + "where: {field: amount, op: gte, value: 100}\n")
    deal(other, amount="50")
    log(other, "1d", "x", "demo")
    other.event("2d", "opportunity.updated", opportunity="O1", amount="100", arrives_="5d")
    assert kept(other) == [("3d", "firing")]


def test_an_event_before_the_end_of_an_episode_that_came_late_as_a_whole_begins_no_other() -> None:
    desk = Desk(
        NEAR, BUSY.replace("busy", "staged").replace("calls, op: gte, value: 2", "stage, op: eq, value: x")
    )
    deal(desk, "1d 1h")
    desk.event("1d", "opportunity.updated", opportunity="O1", close_date="2026-03-04", arrives_="5d")
    desk.event("2d", "opportunity.stage_changed", opportunity="O1", stage="quote", arrives_="6d")
    assert desk.alerts() == [("O1", "firing", "condition_met"), ("O1", "resolved", "condition_ended")]
