"""What happens around alerts: enrolment, edits, switching off, grace, tasks, snooze, receivers."""

from __future__ import annotations

import pytest

from tests.unit.account.desk import Desk, instant

STALE = """
rule: stale
title: 没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 7d}}
then: [{notify: {to: [owner]}}]
"""
BIG = """
rule: big
title: 大单
watch: opportunity
when: {holds: {}}
where: {field: amount, op: gte, value: 100}
then: [{notify: {to: [owner]}}]
"""
DEMO = """
rule: demo
title: 演示后须报价
watch: opportunity
when:
  missing_after:
    after: {type: activity.logged, where: {field: kind, op: eq, value: demo}}
    expect: quote.created
    within: 2d
"""
CALLED = """
rule: called
title: 有来电
watch: opportunity
when: {event: activity.logged}
then: [{notify: {to: [owner]}}]
"""
TODO = """
rule: todo
title: 大单
watch: opportunity
when: {holds: {}}
where: {field: amount, op: gte, value: 100}
then: [{task: {to: owner, title: "核对 {opportunity.name}", due: 2d}}]
"""


def deal(desk: Desk, at: str = "0d", amount: int = 100, **more: object) -> str:
    data = {"opportunity": "O1", "account": "A1", "owner": "li", "name": "一号", "amount": amount, **more}
    return desk.event(at, "opportunity.created", **data)


def amount(desk: Desk, at: str, value: int, **more: object) -> str:
    return desk.event(at, "opportunity.updated", opportunity="O1", amount=value, **more)


def call(desk: Desk, at: str, kind: str = "call", **more: object) -> str:
    data = {"activity": f"{kind} {at}", "opportunity": "O1", "account": "A1", "kind": kind, **more}
    return desk.event(at, "activity.logged", **data)


# -- enrolment -----------------------------------------------------------------------------------------------


def test_a_new_rule_raises_what_still_stands_and_no_instants_before_it() -> None:
    desk = Desk()
    deal(desk)
    call(desk, "1d", "demo")
    desk.until("10d")
    for text in (STALE, BIG, DEMO, CALLED):
        desk.rule(text, "10d")
    assert sorted((a["rule"], a["due"]) for a in desk.rows("alerts")) == [
        ("big", instant("0d")), ("demo", instant("3d")), ("stale", instant("8d")),
    ]  # fmt: skip


def test_a_new_rule_raises_nothing_that_is_over() -> None:
    desk = Desk()
    deal(desk)
    amount(desk, "2d", 1)
    desk.until("9d")
    call(desk, "9d")
    for text in (STALE, BIG):
        desk.rule(text, "10d")
    assert desk.story() == []
    desk.until("16d")
    assert desk.times() == [("16d", "O1")]


def test_enrol_new_leaves_what_is_there_alone() -> None:
    desk = Desk()
    deal(desk)
    desk.rule(BIG + "enrol: new\n", "1d")
    desk.event("2d", "opportunity.created", opportunity="O2", account="A1", owner="li", amount=100)
    amount(desk, "3d", 1)
    amount(desk, "4d", 100)
    desk.until("9d")
    assert desk.times() == [("2d", "O2")]


# -- edits ---------------------------------------------------------------------------------------------------


def raised(text: str) -> str:
    return text.replace("value: 100", "value: 200")


def test_keep_lets_an_open_alert_finish_under_its_version() -> None:
    desk = Desk(BIG)
    deal(desk)
    desk.rule(raised(BIG), "1d")
    assert desk.story() == [("0d", "firing", "condition_met")]
    amount(desk, "2d", 150)
    amount(desk, "3d", 99)
    amount(desk, "4d", 150)
    amount(desk, "5d", 250)
    assert [(a["version"], a["state"]) for a in desk.rows("alerts")] == [
        (1, "firing"),
        (1, "resolved"),
        (2, "firing"),
    ]
    assert desk.times() == [("0d", "O1"), ("5d", "O1")]


def test_keep_lets_open_runs_finish_and_later_events_follow_the_new_version() -> None:
    desk = Desk(DEMO)
    deal(desk)
    call(desk, "0d", "demo")
    desk.rule(DEMO.replace("2d", "5d"), "1d")
    call(desk, "1d", "demo")
    desk.until("20d")
    assert [(a["version"], a["due"]) for a in desk.rows("alerts")] == [(1, instant("2d")), (2, instant("6d"))]


def test_reset_withdraws_and_counts_later_events_only() -> None:
    desk = Desk(BIG, DEMO)
    deal(desk)
    call(desk, "0d", "demo")
    for text in (BIG, DEMO):
        desk.rule(raised(text).replace("2d", "3d") + "state_on_edit: reset\n", "1d")
    assert desk.story() == [("0d", "firing", "condition_met"), ("1d", "withdrawn", "rule_edited")]
    desk.until("10d")
    assert len(desk.story()) == 2
    call(desk, "10d", "demo")
    desk.until("20d")
    assert desk.times()[1:] == [("13d", "O1")]


def test_recompute_takes_the_whole_history_under_the_new_version() -> None:
    desk = Desk(BIG)
    deal(desk)
    amount(desk, "2d", 250)
    desk.rule(raised(BIG) + "state_on_edit: recompute\n", "3d")
    live = {a["alert"]: a for a in desk.rows("alerts")}
    assert [(a["state"], a["due"]) for a in live.values() if a["state"] != "withdrawn"] == [
        ("firing", instant("2d"))
    ]


def test_recompute_withdraws_what_the_new_version_does_not_bear_out() -> None:
    desk = Desk(BIG)
    deal(desk)
    desk.rule(raised(BIG) + "state_on_edit: recompute\n", "3d")
    assert desk.story() == [("0d", "firing", "condition_met"), ("3d", "withdrawn", "rule_edited")]


def test_switching_off_withdraws_and_switching_on_raises_what_stands() -> None:
    desk = Desk(BIG, STALE)
    deal(desk)
    desk.rule(BIG, "1d", on=False)
    desk.rule(STALE, "1d", on=False)
    desk.until("9d")
    assert desk.story() == [("0d", "firing", "condition_met"), ("1d", "withdrawn", "rule_off")]
    desk.rule(BIG, "10d")
    assert desk.standing() == [("big", "O1")]


def test_an_edit_that_changes_nothing_changes_nothing() -> None:
    desk = Desk(BIG)
    deal(desk)
    desk.rule(BIG, "1d")
    assert desk.story() == [("0d", "firing", "condition_met")]


# -- grace ---------------------------------------------------------------------------------------------------


def test_judgement_waits_for_grace_and_keeps_the_true_due() -> None:
    desk = Desk(DEMO + "grace: 1d\n")
    deal(desk)
    call(desk, "0d", "demo")
    desk.until("3d - 1us")
    assert desk.story() == []
    desk.until("3d")
    assert (desk.story(), desk.dues()) == ([("3d", "firing", "deadline_passed")], ["2d"])


def test_grace_is_that_of_the_slowest_source_of_the_named_events() -> None:
    hour = 3_600_000_000
    sources = {
        "erp": {"arrives_within": 10 * hour, "types": ["order.placed"]},
        "crm": {"arrives_within": 6 * hour, "types": ["quote.created"]},
    }
    desk = Desk(DEMO, settings={"sources": sources})
    deal(desk)
    call(desk, "0d", "demo")
    desk.until("2d + 6h - 1us")
    assert desk.story() == []
    desk.until("2d + 6h")
    assert desk.times() == [("2d 6h", "O1")]


def test_what_arrives_within_grace_never_was_a_breach() -> None:
    desk = Desk(DEMO + "grace: 1d\n")
    deal(desk)
    call(desk, "0d", "demo")
    desk.event("2d - 1us", "quote.created", quote="Q1", opportunity="O1", arrives_="3d - 1us")
    desk.until("20d")
    assert desk.story() == []


def test_a_breach_cured_before_judgement_is_recorded_and_tells_nobody() -> None:
    desk = Desk(DEMO + "grace: 1d\nthen: [{notify: {to: [owner]}}, {task: {to: owner, title: t, due: 1d}}]\n")
    deal(desk)
    call(desk, "0d", "demo")
    desk.event("2d + 1h", "quote.created", quote="Q1", opportunity="O1")
    desk.until("20d")
    assert [state for _, state, _ in desk.story()] == ["firing", "resolved"]
    assert (desk.dues(), desk.notices()) == (["2d"], [])


# -- repeats, refusals ---------------------------------------------------------------------------------------


def test_a_repeat_changes_nothing_and_other_content_is_refused() -> None:
    desk = Desk(CALLED)
    deal(desk)
    call(desk, "1d", activity="x", id_="same")
    call(desk, "1d", activity="x", id_="same", arrives_="2d")
    assert (len(desk.story()), desk.dead()) == (1, [])
    call(desk, "1d", "demo", activity="x", id_="same", arrives_="3d")
    assert (len(desk.story()), desk.dead()) == (1, ["SW-STREAM-011"])


# -- people --------------------------------------------------------------------------------------------------


def test_nobody_found_is_an_alert_to_the_administrators() -> None:
    desk = Desk(BIG)
    desk.person("root", roles=["admin"])
    deal(desk, owner="nobody")
    found = [a for a in desk.rows("alerts") if a["rule"] != "big"]
    assert [(a["reason"], a["severity"], a["receivers"]) for a in found] == [
        ("no_receiver", "critical", ["root"])
    ]
    assert desk.notices() == [("0d", "fired", "root")]


def test_a_person_on_leave_is_replaced_by_the_deputy() -> None:
    desk = Desk(BIG)
    desk.event(
        "0d", "person.away", person="li", **{"from": "2026-03-01", "to": "2026-03-20", "deputy": "wang"}
    )
    deal(desk)
    assert desk.notices() == [("0d", "fired", "wang")]


def test_a_task_is_overdue_at_its_due_and_can_still_be_done() -> None:
    desk = Desk(TODO)
    deal(desk)
    desk.until("2d - 1us")
    assert [t["state"] for t in desk.rows("tasks")] == ["open"]
    desk.until("2d")
    task = desk.rows("tasks")[-1]
    assert (task["state"], task["title"], task["receivers"]) == ("overdue", "核对 一号", ["li"])
    assert desk.command("3d", "task.done", task, item=task["item"], seen=task["n"], by="li")["ok"]
    assert [t["state"] for t in desk.rows("tasks")] == ["open", "overdue", "done"]
    assert desk.story()[-1] == ("3d", "resolved", "items_done")
    assert not desk.command("4d", "task.done", task, item=task["item"], by="li")["ok"]


def test_an_open_task_ends_with_its_alert() -> None:
    desk = Desk(TODO)
    deal(desk)
    amount(desk, "1d", 1)
    desk.until("9d")
    assert [t["state"] for t in desk.rows("tasks")] == ["open", "cancelled"]


def test_a_done_task_stays_done_when_its_alert_is_withdrawn() -> None:
    desk = Desk(TODO)
    event = deal(desk)
    task = desk.rows("tasks")[-1]
    desk.command("1d", "task.done", task, item=task["item"], by="li")
    desk.event("2d", "opportunity.corrected", opportunity="O1", event=event, amount=1)
    assert [t["state"] for t in desk.rows("tasks")] == ["open", "done"]
    assert desk.story()[-1] == ("2d", "withdrawn", "corrected")


def test_a_snooze_ends_on_time_and_tells_again() -> None:
    desk = Desk(BIG)
    deal(desk)
    alert = desk.rows("alerts")[-1]
    assert desk.command("1d", "snooze", alert, by="li", until=instant("3d"))["ok"]
    desk.until("3d - 1us")
    assert desk.story()[1:] == [("1d", "snoozed", "snoozed")]
    desk.until("3d")
    assert desk.story()[2:] == [("3d", "firing", "snooze_ended")]
    assert desk.notices("fired") == [("0d", "fired", "li"), ("3d", "fired", "li")]


@pytest.mark.parametrize(("command", "state"), [("ack", "acknowledged"), ("resolve", "resolved")])
def test_people_act_and_their_name_stays(command: str, state: str) -> None:
    desk = Desk(BIG)
    deal(desk)
    alert = desk.rows("alerts")[-1]
    assert desk.command("1d", command, alert, seen=1, by="li", text="看过了")["ok"]
    last = desk.rows("alerts")[-1]
    assert (last["state"], last["actor"], last["n"], last["text"]) == (state, "li", 2, "看过了")


def test_stale_unknown_and_late_commands_are_refused_with_a_code() -> None:
    desk = Desk(BIG)
    deal(desk)
    alert = desk.rows("alerts")[-1]
    desk.command("1d", "ack", alert, seen=1, by="li")
    refusals = [
        desk.command("2d", "resolve", alert, seen=1, by="li"),
        desk.command("2d", "dance", alert, by="li"),
        desk.command("2d", "ack", {**alert, "alert": "no such"}, by="li"),
    ]
    amount(desk, "3d", 1)
    refusals.append(desk.command("4d", "ack", alert, by="li"))
    assert [r["ok"] for r in refusals] == [False] * 4
    assert [r["error"]["code"] for r in refusals] == ["SW-CMD-004", "SW-CMD-002", "SW-CMD-003", "SW-CMD-005"]


def test_an_acknowledged_or_snoozed_alert_resolves_and_is_withdrawn_like_any_other() -> None:
    for command in ("ack", "snooze"):
        desk = Desk(BIG)
        event = deal(desk)
        desk.command("1d", command, desk.rows("alerts")[-1], by="li", until=instant("30d"))
        amount(desk, "2d", 1)
        desk.event("3d", "opportunity.corrected", opportunity="O1", event=event, amount=2)
        assert [state for _, state, _ in desk.story()][2:] == ["resolved", "withdrawn"]
        desk.until("40d")
        assert len(desk.story()) == 4


def test_a_resolved_notice_is_sent_once() -> None:
    desk = Desk(BIG + "remind: 1d\n")
    deal(desk)
    amount(desk, "2d + 12h", 1)
    amount(desk, "3d", 2)
    desk.until("20d")
    assert [kind for _, kind, _ in desk.notices()] == ["fired", "reminder", "reminder", "resolved"]
