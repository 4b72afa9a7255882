"""`via` of a rule reaches the messages: of alerts, tasks and approvals, their reminders and their ends."""

from __future__ import annotations

import pytest

from tests.unit.account.desk import Desk

RULE = """
rule: big
title: 大合同
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500}
then:
  - notify: {to: [owner], via: [wecom]}
  - notify: {to: [owner, owner.manager], via: [email], subject: "other words"}
  - task: {to: "role:cfo", title: 核对, due: 1d, via: [wecom]}
  - approval: {of: amount, chain: [{any: [owner.director]}], via: [email, wecom], timeout: 2d}
remind: 1d
"""


@pytest.fixture(autouse=True)
def _wecom(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if that channel were built: the language refuses what is not."""
    monkeypatch.setattr("rules.document.CHANNELS", ("email", "wecom"))


def told(desk: Desk, since: int = 0) -> list[tuple[str, str, str]]:
    return [(n["reason"], n["receiver"], n["channel"]) for n in desk.rows("notifications")[since:]]


def office() -> Desk:
    desk = Desk(RULE)
    for person, manager, roles in (
        ("li", "wang", ["sales_rep"]), ("wang", "chen", ["sales_manager"]),
        ("chen", None, ["sales_director"]), ("qian", None, ["cfo"]),
    ):  # fmt: skip
        desk.person(person, "-1h", manager=manager, roles=roles, im={"wecom": f"w-{person}"})
    desk.event("0d", "contract.drafted", contract="C1", account="A1", owner="li", amount=600, currency="CNY")
    return desk


def test_each_action_tells_by_its_own_channels_and_nobody_is_told_twice_by_one() -> None:
    desk = office()
    assert told(desk) == [
        ("fired", "li", "wecom"),
        ("fired", "li", "email"),
        ("fired", "wang", "email"),
        ("task", "qian", "wecom"),
        ("approval", "chen", "email"),
        ("approval", "chen", "wecom"),
    ]
    assert {n["address"] for n in desk.rows("notifications") if n["channel"] == "wecom"} == {
        "w-li",
        "w-qian",
        "w-chen",
    }
    assert {n["subject"] for n in desk.rows("notifications") if n["receiver"] == "li"} == {"大合同"}


def test_reminders_and_ends_come_by_the_same_channels() -> None:
    desk = office()
    first = len(desk.rows("notifications"))
    desk.until("2d")
    assert sorted(told(desk, first)) == sorted([
        *[("reminder", "li", "wecom"), ("reminder", "li", "email"), ("reminder", "wang", "email")] * 2,
        *[("reminder", "qian", "wecom")] * 2,
        ("reminder", "chen", "email"), ("reminder", "chen", "wecom"),
    ])  # fmt: skip
    second = len(desk.rows("notifications"))
    desk.event("2d", "contract.amended", contract="C1", account="A1", owner="li", amount=5, currency="CNY")
    assert told(desk, second) == [
        ("resolved", "li", "wecom"),
        ("resolved", "li", "email"),
        ("resolved", "wang", "email"),
    ]


def test_a_delegated_approval_asks_by_the_channels_of_the_approval() -> None:
    desk = office()
    first = len(desk.rows("notifications"))
    item = desk.rows("approvals")[-1]
    desk.command("1h", "delegate", item, item=item["item"], by="chen", seen=item["n"], to="wang")
    assert told(desk, first) == [("approval", "wang", "email"), ("approval", "wang", "wecom")]
