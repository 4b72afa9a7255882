"""`event`, `enters`, `leaves` and `date`."""

from __future__ import annotations

from tests.unit.account.desk import Desk

BIG_CALL = """
rule: big-call
title: 大单有联系
watch: opportunity
when: {event: {type: activity.logged, where: {field: kind, op: eq, value: call}}}
where: {field: amount, op: gte, value: 100}
"""
ENTERS = """
rule: enters
title: 进入报价
watch: opportunity
when: {enters: [quote, contract]}
"""
LEAVES = """
rule: leaves
title: 离开报价
watch: opportunity
when: {leaves: quote}
"""
DECISIVE = """
rule: decisive
title: 进入决策阶段
watch: opportunity
when: {enters: decisive}
"""
ENDS = """
rule: ends
title: 合同到期
watch: contract
when: {date: {field: ends_on, before: 30d, at: "09:00"}}
where: {field: status, op: eq, value: signed}
"""
PAY = """
rule: pay
title: 收款
watch: contract
when: {date: {field: instalments.due_on, before: 7d, at: "09:00"}}
"""


def deal(desk: Desk, at: str = "0d", **more: object) -> str:
    return desk.event(at, "opportunity.created", opportunity="O1", account="A1", amount=100, **more)


def stage(desk: Desk, at: str, name: str, **more: object) -> str:
    return desk.event(at, "opportunity.stage_changed", opportunity="O1", stage=name, **more)


def test_an_event_fires_each_time_where_holds_behind_it() -> None:
    desk = Desk(BIG_CALL)
    deal(desk)
    for at, kind in (("1d", "call"), ("2d", "email"), ("3d", "call")):
        desk.event(at, "activity.logged", activity=at, opportunity="O1", kind=kind)
    desk.event("4d", "opportunity.updated", opportunity="O1", amount=99)
    desk.event("5d", "activity.logged", activity="5d", opportunity="O1", kind="call")
    assert desk.story() == [("1d", "firing", "event_matched"), ("3d", "firing", "event_matched")]


def test_a_late_event_fires_at_once_with_its_own_time_as_due() -> None:
    desk = Desk(BIG_CALL)
    deal(desk)
    desk.event("2d", "opportunity.updated", opportunity="O1", amount=1)
    desk.event("1d", "activity.logged", activity="x", opportunity="O1", kind="call", arrives_="5d")
    assert (desk.story(), desk.dues()) == ([("5d", "firing", "event_matched")], ["1d"])


def test_an_event_taken_back_or_corrected_withdraws() -> None:
    desk = Desk(BIG_CALL)
    deal(desk)
    first = desk.event("1d", "activity.logged", activity="x", opportunity="O1", kind="call")
    second = desk.event("2d", "activity.logged", activity="y", opportunity="O1", kind="call")
    desk.event("3d", "activity.deleted", activity="x", event=first)
    desk.event("4d", "activity.corrected", activity="y", event=second, kind="email")
    assert desk.story()[2:] == [("3d", "withdrawn", "event_deleted"), ("4d", "withdrawn", "corrected")]


def test_a_late_change_of_what_where_reads_re_judges_an_instant() -> None:
    desk = Desk(BIG_CALL)
    deal(desk)
    desk.event("2d", "activity.logged", activity="x", opportunity="O1", kind="call")
    desk.event("1d", "opportunity.updated", opportunity="O1", amount=99, arrives_="5d")
    assert desk.story() == [("2d", "firing", "event_matched"), ("5d", "withdrawn", "late_event")]


def test_a_correction_of_what_where_reads_raises_an_instant() -> None:
    desk = Desk(BIG_CALL)
    low = desk.event("0d", "opportunity.created", opportunity="O1", account="A1", amount=9)
    desk.event("2d", "activity.logged", activity="x", opportunity="O1", kind="call")
    desk.event("3d", "opportunity.corrected", opportunity="O1", event=low, amount=900)
    assert (desk.story(), desk.dues()) == ([("3d", "firing", "event_matched")], ["2d"])


def test_entering_and_leaving_a_stage() -> None:
    desk = Desk(ENTERS, LEAVES)
    deal(desk)
    for at, name in (("1d", "quote"), ("2d", "quote"), ("3d", "contract"), ("4d", "quote")):
        stage(desk, at, name)
    desk.event("5d", "opportunity.won", opportunity="O1")
    assert desk.story() == [
        ("1d", "firing", "stage_entered"),
        ("3d", "firing", "stage_entered"),
        ("3d", "firing", "stage_left"),
        ("4d", "firing", "stage_entered"),
        ("5d", "firing", "stage_left"),
    ]


def test_created_in_the_stage_enters_it() -> None:
    desk = Desk(ENTERS)
    deal(desk, stage="quote")
    assert desk.times() == [("0d", "O1")]


def test_a_stage_change_found_late_moves_who_entered() -> None:
    desk = Desk(ENTERS)
    deal(desk)
    later = stage(desk, "3d", "quote")
    stage(desk, "2d", "quote", arrives_="5d")
    assert desk.story() == [
        ("3d", "firing", "stage_entered"),
        ("5d", "withdrawn", "late_event"),
        ("5d", "firing", "stage_entered"),
    ]
    assert desk.rows("alerts")[0]["event"] == f"crm|{later}"
    assert desk.rows("alerts")[2]["due"] < desk.rows("alerts")[0]["due"]


def test_a_stage_change_in_between_splits_one_stay() -> None:
    desk = Desk(ENTERS)
    deal(desk)
    stage(desk, "1d", "quote")
    stage(desk, "3d", "quote")
    stage(desk, "2d", "lead", arrives_="5d")
    assert (desk.story(), desk.dues()) == (
        [("1d", "firing", "stage_entered"), ("5d", "firing", "stage_entered")], ["1d", "3d"]
    )  # fmt: skip
    assert [s for s, _ in desk.entity("opportunity", "O1")["sh"]] == ["opportunity", "quote", "lead", "quote"]


def test_decisive_stages_are_those_of_the_settings() -> None:
    stages = {"opportunity": {"poc": {"category": "open", "decisive": True}, "quote": {"category": "open"}}}
    desk = Desk(DECISIVE, settings={"stages": stages})
    deal(desk)
    stage(desk, "1d", "quote")
    stage(desk, "2d", "poc")
    assert desk.times() == [("2d", "O1")]


# -- date ----------------------------------------------------------------------------------------------------


def contract(desk: Desk, at: str, type_: str = "contract.signed", **data: object) -> str:
    return desk.event(at, type_, contract="C1", account="A1", **data)


def test_at_the_time_of_day_that_many_days_before() -> None:
    desk = Desk(ENDS)
    contract(desk, "0d", ends_on="2026-06-30")
    desk.until("2026-05-31 09:00 - 1us")
    assert desk.story() == []
    desk.until("2026-05-31 09:00")
    assert desk.story() == [("90d", "firing", "date_reached")]


def test_re_planned_when_it_changes_and_resolved_when_it_moves_away() -> None:
    desk = Desk(ENDS)
    contract(desk, "0d", ends_on="2026-06-30")
    contract(desk, "1d", "contract.amended", ends_on="2026-05-01")
    desk.until("2026-04-02 00:00")
    assert desk.times() == [("30d", "C1")]
    contract(desk, "40d", "contract.renewed", ends_on="2027-05-01")
    assert desk.times("resolved") == [("40d", "C1")]
    desk.until("2027-05-01")
    assert len(desk.times()) == 2


def test_a_date_that_is_near_when_it_is_set_fires_at_once() -> None:
    desk = Desk(ENDS)
    contract(desk, "0d", ends_on="2026-03-04")
    assert desk.times() == [("0d", "C1")]


def test_past_dates_wait_for_where() -> None:
    desk = Desk(ENDS)
    contract(desk, "0d", "contract.drafted", ends_on="2026-03-20")
    contract(desk, "10d")
    assert desk.times() == [("10d", "C1")]
    contract(desk, "11d", "contract.terminated")
    assert desk.times("resolved") == [("11d", "C1")]


def test_a_cleared_date_and_a_deleted_entity_end_it() -> None:
    desk = Desk(ENDS)
    contract(desk, "0d", ends_on="2026-03-04")
    contract(desk, "1d", "contract.updated", ends_on=None)
    contract(desk, "2d", "contract.updated", ends_on="2026-03-04")
    desk.event("3d", "contract.deleted", contract="C1")
    assert [(when, state) for when, state, _ in desk.story()] == [
        ("0d", "firing"), ("1d", "resolved"), ("2d", "firing"), ("3d", "resolved"),
    ]  # fmt: skip


def test_every_item_of_a_list_is_its_own_episode() -> None:
    desk = Desk(PAY)
    parts = [{"no": 1, "due_on": "2026-04-01", "amount": 1}, {"no": 2, "due_on": "2026-05-01", "amount": 1}]
    contract(desk, "0d", instalments=parts)
    desk.until("2026-03-25 09:00")
    assert [(a["state"], a.get("item")) for a in desk.rows("alerts")] == [("firing", "1")]
    contract(desk, "30d", "contract.amended", instalments=[parts[1]])
    assert [(a["state"], a.get("item")) for a in desk.rows("alerts")][1:] == [("resolved", "1")]
    desk.until("2026-04-24 09:00")
    assert [(a["state"], a.get("item")) for a in desk.rows("alerts")][2:] == [("firing", "2")]


def test_a_corrected_date_withdraws() -> None:
    desk = Desk(ENDS)
    event = contract(desk, "0d", ends_on="2026-03-20")
    desk.event("1d", "contract.corrected", contract="C1", event=event, ends_on="2027-03-20")
    assert desk.story() == [("0d", "firing", "date_reached"), ("1d", "withdrawn", "corrected")]


def test_months_before_are_calendar_months_and_after_counts_from_the_day() -> None:
    month = ENDS.replace("before: 30d", "before: 1mo")
    after = (
        ENDS.replace("rule: ends", "rule: past")
        .replace("before: 30d", "after: 1d")
        .replace(', at: "09:00"', "")
    )
    desk = Desk(month, after)
    contract(desk, "0d", ends_on="2026-03-31")
    assert desk.times() == [("0d", "C1")]
    desk.until("2026-04-01 00:00 - 1us")
    assert len(desk.times()) == 1
    desk.until("2026-04-01 00:00")
    assert [a["rule"] for a in desk.rows("alerts")] == ["ends", "past"]
