"""`missing_after` and `missing_before`: B at exactly A + D is too late; A cancels nothing it does not
match.
"""

from __future__ import annotations

from tests.unit.account.desk import Desk

REPORT = """
rule: report
title: 拜访报告
watch: visit
when: {missing_after: {after: visit.checked_in, expect: visit.reported, within: 24h}}
then: [{notify: {to: [owner]}}]
"""
SENT = """
rule: sent
title: 报价须先审批
watch: opportunity
when:
  missing_before:
    event: quote.sent
    requires: {type: quote.approved, where: {field: amount, op: gte, value: 10}}
    within: 2d
    match: [quote]
"""


def chain(each: str = "every", more: str = "") -> str:
    """After a demo, a proposal for the same deal within two days."""
    return f"""
rule: chain
title: 演示后须报价
watch: opportunity
when:
  missing_after:
    after: {{type: activity.logged, where: {{field: kind, op: eq, value: demo}}}}
    expect: {{type: activity.logged, where: {{field: kind, op: eq, value: proposal}}}}
    within: 2d
    each: {each}
{more}"""


def visit(desk: Desk, at: str, what: str = "checked_in", visit: str = "V1", **more: object) -> str:
    return desk.event(at, f"visit.{what}", visit=visit, account="A1", by="li", **more)


def step(desk: Desk, at: str, kind: str, deal: str = "O1", **more: object) -> str:
    data = {"activity": f"{kind} {at} {deal} {len(more)}", "opportunity": deal, "account": "A1", "kind": kind}
    return desk.event(at, "activity.logged", **data, **more)


def begun(*rules: str) -> Desk:
    desk = Desk(*rules)
    for deal in ("O1", "O2"):
        desk.event("0d", "opportunity.created", opportunity=deal, account="A1", owner="li")
    return desk


# -- missing_after -------------------------------------------------------------------------------------------


def test_absence_falls_due_exactly_at_a_plus_n() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    desk.until("1d - 1us")
    assert desk.story() == []
    desk.until("1d")
    assert desk.story() == [("1d", "firing", "deadline_passed")]


def test_b_a_microsecond_before_saves_and_at_that_instant_does_not() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d", visit="V1")
    visit(desk, "0d", visit="V2")
    visit(desk, "1d - 1us", "reported", "V1")
    visit(desk, "1d", "reported", "V2")
    assert desk.story("V1") == []
    assert desk.story("V2") == [("1d", "firing", "deadline_passed"), ("1d", "resolved", "expected_arrived")]


def test_a_late_b_resolves_the_alert() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    visit(desk, "3d", "reported")
    assert desk.story() == [("1d", "firing", "deadline_passed"), ("3d", "resolved", "expected_arrived")]
    assert [kind for _, kind, _ in desk.notices()] == ["fired", "resolved"]


def test_a_b_in_time_however_late_it_is_entered_withdraws() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    visit(desk, "1d - 1us", "reported", arrives_="9d")
    assert desk.story() == [("1d", "firing", "deadline_passed"), ("9d", "withdrawn", "late_event")]
    assert [kind for _, kind, _ in desk.notices()] == ["fired", "withdrawn"]


def test_a_b_at_the_deadline_entered_late_resolves() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    visit(desk, "1d", "reported", arrives_="9d")
    assert desk.story() == [("1d", "firing", "deadline_passed"), ("9d", "resolved", "expected_arrived")]


def test_a_b_in_time_withdraws_even_an_alert_that_a_later_b_had_resolved() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    visit(desk, "2d", "reported")
    visit(desk, "12h", "reported", arrives_="4d")
    assert [state for _, state, _ in desk.story()] == ["firing", "resolved", "withdrawn"]


def test_taking_the_b_back_brings_the_deadline_back() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    report = visit(desk, "12h", "reported")
    desk.event("18h", "visit.deleted", visit="V1", event=report)
    desk.until("1d - 1us")
    assert desk.story() == []
    desk.until("1d")
    assert desk.story() == [("1d", "firing", "deadline_passed")]


def test_taking_the_b_back_after_the_deadline_fires_at_once() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d")
    report = visit(desk, "12h", "reported")
    desk.event("5d", "visit.deleted", visit="V1", event=report)
    assert (desk.story(), desk.dues()) == ([("5d", "firing", "deadline_passed")], ["1d"])


def test_taking_the_a_back_withdraws() -> None:
    desk = Desk(REPORT)
    start = visit(desk, "0d")
    desk.event("5d", "visit.deleted", visit="V1", event=start)
    desk.until("9d")
    assert desk.story() == [("1d", "firing", "deadline_passed"), ("5d", "withdrawn", "event_deleted")]


def test_moving_the_a_moves_the_deadline() -> None:
    desk = Desk(REPORT)
    start = visit(desk, "0d")
    desk.event("12h", "visit.corrected", visit="V1", event=start, time="2026-03-01T09:00:00+08:00")
    assert (desk.story(), desk.dues()) == ([("12h", "firing", "deadline_passed")], ["0d"])


def test_a_back_dated_a_whose_deadline_is_past_fires_at_once() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d", arrives_="4d")
    assert (desk.story(), desk.dues()) == ([("4d", "firing", "deadline_passed")], ["1d"])


def test_an_a_from_the_future_counts_from_its_arrival() -> None:
    desk = Desk(REPORT)
    visit(desk, "100d", arrives_="2d")
    desk.until("200d")
    assert desk.times() == [("3d", "V1")]


def test_every_a_opens_its_own_run_and_one_b_ends_all_open_runs() -> None:
    desk = begun(chain())
    step(desk, "0d", "demo")
    step(desk, "1d", "demo")
    desk.until("4d")
    assert desk.times() == [("2d", "O1"), ("3d", "O1")]
    step(desk, "5d", "demo")
    step(desk, "6d", "proposal")
    desk.until("20d")
    assert desk.times() == [("2d", "O1"), ("3d", "O1")]
    assert desk.times("resolved") == [("6d", "O1"), ("6d", "O1")]


def test_restart_counts_from_the_newest_a() -> None:
    desk = begun(chain("restart"))
    for at in ("0d", "1d", "2d"):
        step(desk, at, "demo")
    desk.until("20d")
    assert desk.times() == [("4d", "O1")]


def test_a_new_a_at_the_deadline_comes_too_late_to_restart() -> None:
    desk = begun(chain("restart"))
    step(desk, "0d", "demo")
    step(desk, "2d", "demo")
    desk.until("20d")
    assert desk.times() == [("2d", "O1"), ("4d", "O1")]


def test_first_ignores_an_a_while_a_run_is_open() -> None:
    desk = begun(chain("first"))
    for at in ("0d", "1d", "2d"):
        step(desk, at, "demo")
    desk.until("20d")
    assert desk.times() == [("2d", "O1"), ("4d", "O1")]


def test_once_looks_at_the_first_a_ever() -> None:
    desk = begun(chain("once"))
    step(desk, "0d", "demo")
    step(desk, "1d", "proposal")
    step(desk, "2d", "demo")
    desk.until("20d")
    assert desk.story() == []
    step(desk, "20d", "demo", "O2")
    desk.until("40d")
    assert desk.times() == [("22d", "O2")]


def test_where_is_judged_at_the_deadline() -> None:
    desk = begun(chain(more="where: {field: amount, op: gte, value: 100}\n"))
    step(desk, "0d", "demo", "O1")
    step(desk, "0d", "demo", "O2")
    desk.event("1d", "opportunity.updated", opportunity="O1", amount=100)
    desk.event("2d", "opportunity.updated", opportunity="O2", amount=100)
    desk.until("20d")
    assert desk.times() == [("2d", "O1")]


def test_a_filtered_or_foreign_event_cancels_nothing() -> None:
    desk = begun(chain())
    step(desk, "0d", "demo")
    step(desk, "1d", "call")
    step(desk, "1d", "proposal", "O2")
    desk.until("20d")
    assert desk.times() == [("2d", "O1")]


def test_an_event_that_is_both_first_cancels_and_then_opens() -> None:
    desk = begun("""
rule: each-call
title: 再次联系
watch: opportunity
when: {missing_after: {after: activity.logged, expect: activity.logged, within: 2d}}
""")
    step(desk, "0d", "call")
    step(desk, "1d", "call")
    desk.until("3d - 1us")
    assert desk.story() == []
    desk.until("3d")
    step(desk, "5d", "call")
    desk.until("20d")
    assert desk.times() == [("3d", "O1"), ("7d", "O1")]
    assert desk.times("resolved") == [("5d", "O1")]


def test_match_fields_must_be_equal() -> None:
    desk = begun("""
rule: answer
title: 报价答复
watch: opportunity
when:
  missing_after: {after: quote.sent, expect: [quote.accepted, quote.rejected], within: 2d, match: [quote]}
""")
    sent = []
    for name in ("Q1", "Q2"):
        desk.event("0d", "quote.created", quote=name, opportunity="O1", account="A1")
        sent.append(desk.event("1d", "quote.sent", quote=name, opportunity="O1"))
    desk.event("2d", "quote.rejected", quote="Q2", opportunity="O1")
    desk.until("20d")
    assert desk.times() == [("3d", "O1")]
    assert [a["event"] for a in desk.rows("alerts")] == [f"crm|{sent[0]}"]


def test_match_may_name_another_field_of_the_earlier_event() -> None:
    desk = begun("""
rule: same-person
title: 同一人跟进
watch: opportunity
when:
  missing_after:
    after: {type: activity.logged, where: {field: kind, op: eq, value: demo}}
    expect: {type: quote.sent}
    within: 2d
    match: [{owner: by}]
""")
    step(desk, "0d", "demo", by="li")
    step(desk, "0d", "demo", "O2", by="li")
    desk.event("1d", "quote.sent", quote="Q1", opportunity="O1", owner="wang")
    desk.event("1d", "quote.sent", quote="Q2", opportunity="O2", owner="li")
    desk.until("20d")
    assert desk.times() == [("2d", "O1")]


def test_within_may_be_a_field_of_the_first_event() -> None:
    desk = Desk(
        """
rule: promised
title: 承诺时间
watch: opportunity
when: {missing_after: {after: opportunity.created, expect: activity.logged, within: promised}}
""",
        settings={"fields": {"opportunity.promised": "duration"}},
    )
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", promised="36h")
    desk.event("0d", "opportunity.created", opportunity="O2", account="A1")
    desk.until("20d")
    assert desk.times() == [("1d 12h", "O1")]


def test_b_may_be_compared_with_a() -> None:
    desk = begun("""
rule: dearer
title: 更高报价
watch: opportunity
when:
  missing_after:
    after: quote.created
    expect: {type: quote.created, where: {field: amount, op: gt, value: {field: after.amount}}}
    within: 2d
""")
    for at, quote, amount in (("0d", "Q1", 10), ("1d", "Q2", 9), ("1d", "Q3", 10)):
        desk.event(at, "quote.created", quote=quote, opportunity="O1", amount=amount, currency="CNY")
    desk.event("2d", "quote.created", quote="Q4", opportunity="O1", amount=11, currency="CNY")
    desk.until("20d")
    assert desk.times() == [("2d", "O1"), ("4d", "O1")]


def test_deleting_the_entity_ends_its_runs_and_alerts() -> None:
    desk = Desk(REPORT)
    visit(desk, "0d", visit="V1")
    visit(desk, "2d", visit="V2")
    desk.event("2d + 1h", "visit.deleted", visit="V1")
    desk.event("2d + 1h", "visit.deleted", visit="V2")
    desk.until("20d")
    assert [(key, state) for key, state, _ in desk.alerts()] == [("V1", "firing"), ("V1", "resolved")]


def test_a_day_gives_time_until_its_end() -> None:
    desk = Desk(REPORT)
    desk.event(
        "2026-03-04", "visit.checked_in", visit="V1", account="A1", by="li", arrives_="2026-03-04 10:00"
    )
    desk.until("2026-03-06 00:00 - 1us")
    assert desk.story() == []
    desk.until("2026-03-06 00:00")
    assert desk.times() == [("3d 15h", "V1")]


def test_on_one_day_known_only_by_date_all_is_well() -> None:
    desk = Desk(REPORT)
    desk.event("2026-03-04", "visit.reported", visit="V1", account="A1", by="li", arrives_="2026-03-04 10:00")
    desk.event(
        "2026-03-04", "visit.checked_in", visit="V1", account="A1", by="li", arrives_="2026-03-04 11:00"
    )
    desk.event("2026-03-05", "visit.reported", visit="V2", account="A1", by="li", arrives_="2026-03-05 10:00")
    visit(desk, "2026-03-05 18:00", visit="V2")
    desk.until("20d")
    assert desk.story() == []


# -- missing_before ------------------------------------------------------------------------------------------


def quote(desk: Desk, at: str, what: str, quote: str = "Q1", amount: int = 10, **more: object) -> str:
    data = {"quote": quote, "opportunity": "O1", "account": "A1", "amount": amount, "currency": "CNY"}
    return desk.event(at, f"quote.{what}", **data, **more)


def test_looks_back_over_the_half_open_window() -> None:
    desk = begun(SENT)
    quote(desk, "1d", "approved", "Q1")
    quote(desk, "3d", "sent", "Q1")
    quote(desk, "1d + 1us", "approved", "Q2", arrives_="3d")
    quote(desk, "3d", "sent", "Q2")
    quote(desk, "4d", "approved", "Q3")
    quote(desk, "4d", "sent", "Q3")
    assert desk.story() == [("3d", "firing", "precondition_missing")]


def test_filters_and_match_fields_count() -> None:
    desk = begun(SENT)
    quote(desk, "1d", "approved", "Q1", 9)
    quote(desk, "1d", "approved", "Q2", 10)
    quote(desk, "2d", "sent", "Q1")
    quote(desk, "2d", "sent", "Q3")
    assert [when for when, _, _ in desk.story()] == ["2d", "2d"]


def test_equal_instants_go_by_log_position() -> None:
    desk = begun(SENT)
    quote(desk, "2d", "sent", "Q1")
    quote(desk, "2d", "approved", "Q1")
    assert [state for _, state, _ in desk.story()] == ["firing"]


def test_an_approval_entered_late_withdraws() -> None:
    desk = begun(SENT)
    quote(desk, "2d", "sent")
    quote(desk, "2d - 1us", "approved", arrives_="5d")
    assert desk.story() == [("2d", "firing", "precondition_missing"), ("5d", "withdrawn", "late_event")]


def test_taking_the_approval_back_fires() -> None:
    desk = begun(SENT)
    approval = quote(desk, "1d", "approved")
    quote(desk, "2d", "sent")
    desk.event("5d", "quote.deleted", quote="Q1", event=approval)
    assert (desk.story(), desk.dues()) == ([("5d", "firing", "precondition_missing")], ["2d"])


def test_a_late_filter_miss_changes_nothing() -> None:
    desk = begun(SENT)
    quote(desk, "2d", "sent")
    quote(desk, "1d", "approved", amount=9, arrives_="5d")
    assert [state for _, state, _ in desk.story()] == ["firing"]
