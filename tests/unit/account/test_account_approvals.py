"""Approvals: chains of any and all, void on a changed amount, time-outs, the requester, decisions made
elsewhere.
"""

from __future__ import annotations

from typing import Any

from tests.unit.account.desk import Desk, elapsed

BIG = """
rule: big
title: 大合同
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500}
then:
  - approval:
      of: amount
      chain:
        - {any: [owner.manager, "role:cfo"]}
        - {all: ["role:cfo", "role:sales_director"]}
"""
ONE = """
rule: one
title: 大合同
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500}
then: [{approval: {of: amount, chain: [{any: [owner.manager]}], timeout: 2d}}]
"""


def contract(desk: Desk, at: str, amount: int, type_: str = "contract.drafted", owner: str = "li") -> str:
    return desk.event(at, type_, contract="C1", account="A1", owner=owner, amount=amount, currency="CNY")


def decide(desk: Desk, at: str, what: str, by: str, **more: Any) -> dict[str, Any]:
    item = desk.rows("approvals")[-1]
    return desk.command(at, what, item, item=item["item"], by=by, **{"seen": item["n"], **more})


def steps(desk: Desk) -> list[tuple[str, str, list[str]]]:
    return [(elapsed(a["at"]), a["state"], a["receivers"]) for a in desk.rows("approvals")]


def states(desk: Desk) -> list[str]:
    return [a["state"] for a in desk.rows("approvals")]


def test_any_needs_one_and_all_needs_everybody() -> None:
    desk = Desk(BIG)
    contract(desk, "0d", 600)
    assert steps(desk) == [("0d", "requested", ["wang", "qian"])]
    assert decide(desk, "1d", "approve", "wang")["ok"]
    assert steps(desk)[1:] == [("1d", "requested", ["qian", "chen"])]
    assert decide(desk, "2d", "approve", "qian")["ok"]
    assert states(desk)[-1] == "requested"
    assert decide(desk, "3d", "approve", "chen", seen=None)["ok"]
    assert states(desk)[-1] == "approved"
    assert desk.rows("approvals")[-1]["actor"] == "chen"


def test_only_approvers_of_the_step_decide_and_nobody_twice() -> None:
    desk = Desk(BIG)
    contract(desk, "0d", 600)
    assert decide(desk, "1d", "approve", "chen")["error"]["code"] == "SW-CMD-006"
    assert decide(desk, "1d", "approve", "li")["error"]["code"] == "SW-CMD-006"
    decide(desk, "1d", "approve", "qian")
    decide(desk, "2d", "approve", "qian")
    assert decide(desk, "3d", "approve", "qian", seen=None)["error"]["code"] == "SW-CMD-005"


def test_a_decision_about_an_earlier_step_is_refused() -> None:
    desk = Desk(BIG)
    contract(desk, "0d", 600)
    first = desk.rows("approvals")[-1]
    decide(desk, "1d", "approve", "wang")
    late = desk.command("2d", "approve", first, item=first["item"], by="qian", seen=first["n"])
    assert (late["ok"], late["error"]["code"]) == (False, "SW-CMD-004")


def test_rejecting_and_returning_end_it() -> None:
    for command, state in (("reject", "rejected"), ("return", "returned")):
        desk = Desk(BIG)
        contract(desk, "0d", 600)
        assert decide(desk, "1d", command, "wang", text="太贵")["ok"]
        last = desk.rows("approvals")[-1]
        assert (last["state"], last["actor"], last["text"]) == (state, "wang", "太贵")
        assert not decide(desk, "2d", "approve", "qian")["ok"]


def test_whoever_asked_learns_the_outcome_once() -> None:
    for command in ("approve", "reject", "return"):
        desk = Desk(ONE)
        contract(desk, "0d", 600)
        assert decide(desk, "1d", command, "wang")["ok"]
        desk.until("20d")
        told = [n for n in desk.rows("notifications") if n["receiver"] == "li"]
        assert [(elapsed(n["at"]), n["reason"]) for n in told] == [("1d", "decided")]


def test_the_requester_never_approves_their_own_request() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600, owner="wang")
    assert steps(desk) == [("0d", "requested", ["chen"])]
    other = Desk(ONE.replace("owner.manager", "user:li"))
    contract(other, "0d", 600, owner="li")
    assert steps(other) == [("0d", "requested", ["wang"])]


def test_a_raised_amount_voids_an_approval_and_asks_anew() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    contract(desk, "1d", 700, "contract.amended")
    assert states(desk) == ["requested", "void", "requested"]
    assert desk.rows("approvals")[-1]["value"] == "700"
    decide(desk, "2d", "approve", "wang")
    contract(desk, "3d", 700, "contract.updated")
    contract(desk, "4d", 650, "contract.amended")
    assert states(desk)[-1] == "approved"


def test_a_raised_amount_voids_what_was_approved_already() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    decide(desk, "1d", "approve", "wang")
    contract(desk, "2d", 601, "contract.amended")
    assert states(desk) == ["requested", "approved", "void", "requested"]


def test_below_the_limit_the_request_ends() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    contract(desk, "1d", 500, "contract.amended")
    assert len(states(desk)) == 2
    assert states(desk)[-1] in ("void", "withdrawn")
    assert desk.standing() == []


def test_a_corrected_amount_withdraws_alert_and_request_but_annotates_a_decision() -> None:
    desk = Desk(ONE)
    event = contract(desk, "0d", 600)
    decide(desk, "1d", "approve", "wang")
    desk.event("2d", "contract.corrected", contract="C1", event=event, amount=60)
    assert states(desk) == ["requested", "approved"]
    assert desk.story()[-1] == ("2d", "withdrawn", "corrected")


def test_nobody_answers_and_is_reminded_again_and_again() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    desk.until("4d - 1us")
    assert desk.notices() == [("0d", "approval", "wang"), ("2d", "reminder", "wang")]
    desk.until("4d")
    assert desk.notices()[2:] == [("4d", "reminder", "wang")]
    decide(desk, "5d", "approve", "wang", seen=None)
    desk.until("20d")
    assert [kind for _, kind, _ in desk.notices()].count("reminder") == 2


def test_nobody_answers_and_it_is_rejected() -> None:
    desk = Desk(ONE.replace("timeout: 2d", "timeout: 2d, on_timeout: reject"))
    contract(desk, "0d", 600)
    desk.until("9d")
    assert steps(desk)[1:] == [("2d", "timed_out", [])]


def test_delegation_keeps_it_open() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    assert decide(desk, "1d", "delegate", "wang", to="qian")["ok"]
    assert steps(desk)[-1] == ("1d", "requested", ["qian"])
    assert not decide(desk, "2d", "approve", "wang")["ok"]
    assert decide(desk, "2d", "approve", "qian")["ok"]
    assert states(desk)[-1] == "approved"
    assert not decide(desk, "3d", "delegate", "qian", to="li")["ok"]


def test_nobody_delegates_to_the_requester() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    assert not decide(desk, "1d", "delegate", "wang", to="li")["ok"]


def test_an_oa_decision_about_the_same_document_is_the_same_approval() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    of = {"kind": "contract", "id": "C1"}
    desk.event("1d", "approval.requested", approval="oa1", of=of, by="li", amount=600, currency="CNY")
    assert states(desk) == ["requested"]
    desk.event("2d", "approval.approved", approval="oa1", of=of, by="wang", amount=600, currency="CNY")
    assert states(desk) == ["requested", "approved"]
    assert desk.rows("approvals")[-1]["actor"] == "wang"


def test_an_oa_rejection_ends_it_and_other_documents_are_left_alone() -> None:
    desk = Desk(ONE)
    contract(desk, "0d", 600)
    desk.event("1d", "contract.drafted", contract="C2", account="A1", owner="li", amount=10, currency="CNY")
    for at, native, name in (("2d", "C2", "oa1"), ("3d", "C1", "oa2")):
        of = {"kind": "contract", "id": native}
        desk.event(at, "approval.requested", approval=name, of=of, by="li")
        desk.event(at, "approval.rejected", approval=name, of=of, by="wang")
    assert steps(desk)[1:] == [("3d", "rejected", [])]


def test_quiet_history_asks_nobody_and_reminds_nobody() -> None:
    desk = Desk(ONE)
    desk.until("50d")
    desk.event("0d", "contract.drafted", contract="C1", account="A1", owner="li", amount=600, currency="CNY",
               hist_="50d", arrives_="50d")  # fmt: skip
    desk.until("99d")
    assert desk.notices() == []
    assert desk.standing() == [("one", "C1")]
