"""What a rule reads by way of other documents: the moments at which links come, change and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.testing import load_suite, run_suite
from streams.rule_tests import runner
from tests.unit.account.desk import Desk

FOLDER = Path(__file__).parents[2] / "parity" / "links"
DEAR = """
rule: dear
title: 大合同的发票
watch: invoice
when: {holds: {}}
where: {field: contract.amount, op: gte, value: 100}
"""
CHIEF = """
rule: chief
title: 客户经理的上级
watch: opportunity
when: {holds: {}}
where: {field: account.owner.manager, op: eq, value: wang}
"""


def test_the_scenarios_of_links_come_out() -> None:
    suite = load_suite((FOLDER / "invoices.test.yaml").read_text("utf-8"), "invoices.test.yaml")
    results = run_suite(suite, runner(lambda name: (FOLDER / name).read_text("utf-8")))
    assert [result.report for result in results] == [""] * 5


def opened() -> Desk:
    """Two contracts, and an order of neither."""
    desk = Desk(DEAR)
    desk.event("0d", "contract.signed", contract="C1", account="A", amount="100")
    desk.event("0d", "contract.signed", contract="C2", account="A", amount="50")
    desk.event("1d", "order.placed", order="O", account="A")
    return desk


def bill(desk: Desk, at: str, **more: str) -> None:
    desk.event(at, "invoice.issued", invoice="I", account="A", order="O", amount="1", **more)


def link(desk: Desk, at: str, contract: str | None, **more: str) -> None:
    desk.event(at, "order.updated", order="O", account="A", contract=contract, **more)


@pytest.mark.parametrize("late", [False, True])
def test_a_document_that_is_entered_late_meets_the_links_of_since(late: bool) -> None:
    desk = opened()
    if not late:
        bill(desk, "2d")
    link(desk, "3d", "C1")
    link(desk, "5d", None)
    if late:
        bill(desk, "2d", arrives_="6d")
    assert desk.dues() == ["3d"]
    assert desk.standing() == []


def test_what_is_said_late_of_a_document_that_was_joined_once_counts_for_that_time() -> None:
    desk = opened()
    bill(desk, "2d")
    link(desk, "3d", "C2")
    link(desk, "6d", None)
    assert desk.alerts() == []
    desk.event("4d", "contract.updated", contract="C2", account="A", amount="100", arrives_="7d")
    assert desk.dues() == ["4d"]
    assert desk.standing() == []


def test_the_document_itself_may_come_below_another_one() -> None:
    desk = opened()
    link(desk, "1d", "C1")
    desk.event("2d", "invoice.issued", invoice="I", account="A", amount="1")
    assert desk.alerts() == []
    desk.event("3d", "invoice.updated", invoice="I", account="A", order="O")
    desk.event("4d", "invoice.updated", invoice="I", account="A", order=None)
    assert desk.story() == [("3d", "firing", "condition_met"), ("4d", "resolved", "condition_ended")]


def test_a_path_may_lead_on_through_what_is_joined() -> None:
    desk = Desk(CHIEF)
    desk.event("0d", "opportunity.created", opportunity="D", account="A", amount="1")
    assert desk.alerts() == []
    desk.event("1d", "account.updated", account="A", owner="li")
    desk.event("2d", "account.updated", account="A", owner="wang")
    assert desk.story() == [("1d", "firing", "condition_met"), ("2d", "resolved", "condition_ended")]
