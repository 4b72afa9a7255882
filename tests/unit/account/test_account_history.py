"""What an import brings of the past: it notifies nobody, however its entities became known."""

from __future__ import annotations

import pytest

from tests.unit.account.desk import Desk
from tests.unit.account.test_account_life import BIG, STALE, TODO, amount, call, deal

SILENT = """
rule: silent
title: 客户没有跟进
watch: account
when: {silent: {of: [activity.logged], for: 7d, include: account}}
then: [{notify: {to: ["role:sales_manager"]}}, {task: {to: "role:sales_manager", title: 联系客户, due: 3d}}]
remind: 7d
"""
UNRATED = """
rule: unrated
title: 客户没有等级
watch: account
when: {holds: {for: 1d}}
where: {field: tier, op: is_empty}
then: [{notify: {to: ["role:sales_manager"]}}]
"""


def test_history_never_notifies_about_the_past() -> None:
    desk = Desk(BIG + "remind: 1d\n", STALE, TODO)
    desk.until("100d")
    deal(desk, "0d", hist_="100d", arrives_="100d")
    amount(desk, "50d", 99, hist_="100d", arrives_="100d")
    desk.until("200d")
    assert desk.notices() == []
    assert desk.standing() == [("stale", "O1")]
    assert all(a["quiet"] for a in desk.rows("alerts"))
    call(desk, "201d")
    assert desk.notices() == []


def test_what_falls_due_after_the_import_notifies() -> None:
    desk = Desk(STALE)
    desk.until("100d")
    deal(desk, "94d", hist_="100d", arrives_="100d")
    desk.until("101d")
    assert desk.notices() == [("101d", "fired", "li")]


@pytest.mark.parametrize("rule", [SILENT, UNRATED])
@pytest.mark.parametrize("named_by", ["contact.updated", "activity.logged"])
def test_a_customer_that_history_names_before_it_tells_of_it_is_of_the_past(rule: str, named_by: str) -> None:
    desk = Desk(rule)
    named = {"contact": "C1"} if named_by == "contact.updated" else {"activity": "V1", "kind": "call"}
    desk.event("0d", named_by, account="A1", hist_="100d", **named)
    desk.event("0d", "account.updated", account="A1", name="一", hist_="100d")
    desk.until("100d")
    assert desk.notices() == []
    assert [(a["state"], a["quiet"]) for a in desk.rows("alerts")] == [("firing", True)]
    desk.until("150d")
    assert desk.notices() == []


@pytest.mark.parametrize("rule", [SILENT, UNRATED])
def test_a_customer_that_history_only_names_is_of_the_past_after_an_edit_too(rule: str) -> None:
    desk = Desk(rule)
    desk.event("0d", "contact.updated", contact="C1", account="A1", hist_="100d")
    desk.rule(rule + "state_on_edit: recompute\nonce_per: 1d\n", "0d + 1h")
    desk.until("150d")
    assert desk.notices() == []
    assert desk.standing() == [(rule.split()[1], "A1")]


def test_a_customer_of_history_that_another_one_is_merged_into_is_of_the_past() -> None:
    desk = Desk(SILENT)
    desk.event("0d", "contact.updated", contact="C1", account="A2", hist_="100d")
    desk.event("1d", "account.merged", account="A2", into="A1", hist_="100d")
    desk.until("150d")
    assert desk.notices() == []
    assert desk.standing() == [("silent", "A1")]


@pytest.mark.parametrize("rule", [SILENT, STALE.replace("for: 7d", "for: 7d, include: account")])
def test_what_a_second_import_puts_off_is_of_its_past(rule: str) -> None:
    desk = Desk(rule)
    deal(desk, "0d", hist_="1d")
    for day in ("5d", "10d"):
        desk.event(day, "activity.logged", activity=day, kind="call", account="A1", hist_="50d")
    desk.until("50d")
    assert [(a["due"] - a["at"], a["quiet"]) for a in desk.rows("alerts") if a["state"] == "firing"][:1]
    assert desk.notices() == []
    desk.event("51d", "activity.logged", activity="51d", kind="call", account="A1")
    desk.until("58d - 1us")
    assert desk.notices() == []
    desk.until("58d")
    assert [what for _, what, _ in desk.notices()] == ["fired"]
