"""Documents that other systems know under ids of their own: it does not matter when those become known."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.machines.account import recheck
from streams.runtimes.memory import entry_of
from tests.unit.account.desk import ZONE, Desk, instant

UNPAID = """
rule: unpaid
title: 合同未收齐
watch: contract
when: {holds: {}}
where: {field: paid_ratio, op: lt, value: 1}
"""
QUIET = """
rule: quiet
title: 合同没有回款
watch: contract
when: {silent: {of: [payment.received], for: 5d}}
"""
DEAR = """
rule: dear
title: 大合同的发票
watch: invoice
when: {holds: {}}
where: {field: contract.amount, op: gte, value: 1}
"""
EVERY = """
rule: every
title: 每笔回款
watch: contract
when: {event: payment.received}
"""
IDS = [{"namespace": "erp", "id": "HT1"}]


def tell(desk: Desk, at: str, type_: str, *, source: str = "crm", **data: Any) -> None:
    """An event of the CRM, or of the ERP, which has ids of its own."""
    time = format_instant(instant(at))
    name = f"{type_} {at}"
    record = {"specversion": "1.0", "id": name, "source": source, "type": type_, "time": time, "data": data}
    desk.runtime.put(entry_of(decode_event(record, zone=ZONE), instant(at), namespaces={"erp": "erp"}))


def opened(*rules: str) -> Desk:
    desk = Desk(*rules)
    tell(desk, "0d", "account.updated", account="A1", ids=[{"namespace": "erp", "id": "C1"}])
    return desk


def paid(desk: Desk, at: str, amount: str = "100") -> None:
    tell(
        desk,
        at,
        "payment.received",
        source="erp",
        payment=f"P{at}",
        account="C1",
        contract="HT1",
        amount=amount,
    )


def sign(desk: Desk, at: str, **data: Any) -> None:
    tell(desk, at, "contract.signed", contract="H1", account="A1", amount="100", **data)


@pytest.mark.parametrize("late", [False, True])
def test_a_payment_counts_for_a_contract_whose_id_becomes_known_later(late: bool) -> None:
    desk = opened(UNPAID, QUIET)
    sign(desk, "0d", **({} if late else {"ids": IDS}))
    paid(desk, "3d")
    if late:
        assert desk.standing() == [("unpaid", "H1")]
        tell(desk, "4d", "contract.updated", contract="H1", ids=IDS)
    desk.until("7d")
    assert desk.standing() == []
    desk.until("9d")
    assert [(a["rule"], a["state"]) for a in desk.rows("alerts")[2:]] == [("quiet", "firing")]
    assert desk.times()[-1] == ("8d", "H1")


def test_a_payment_that_came_first_counts_from_the_contract_s_first_instant() -> None:
    desk = opened(UNPAID)
    paid(desk, "0d")
    sign(desk, "1d", ids=IDS)
    assert desk.alerts() == []


def test_an_id_that_is_taken_back_counts_no_more() -> None:
    desk = opened(UNPAID)
    sign(desk, "0d")
    paid(desk, "1d")
    tell(desk, "2d", "contract.updated", contract="H1", ids=IDS)
    tell(desk, "3d", "contract.deleted", contract="H1", event="contract.updated 2d")
    assert desk.standing() == [("unpaid", "H1")]


def test_what_hangs_below_the_namer_counts_too() -> None:
    desk = opened(UNPAID, EVERY)
    sign(desk, "0d")
    tell(desk, "1d", "order.placed", source="erp", order="B1", account="C1", contract="HT1")
    tell(
        desk, "2d", "payment.received", source="erp", payment="P", account="C1", amount="100",
        allocations=[{"order": "B1", "amount": "100"}],
    )  # fmt: skip
    assert desk.standing() == [("unpaid", "H1")]
    tell(desk, "3d", "contract.updated", contract="H1", ids=IDS)
    assert desk.standing() == [("every", "H1")]


@pytest.mark.parametrize("late", [False, True])
def test_what_named_a_document_before_it_was_known_counts_for_what_is_above_it(late: bool) -> None:
    desk = opened(UNPAID, EVERY)
    sign(desk, "0d", ids=IDS)
    part = {"source": "erp", "account": "C1"}

    def order() -> None:
        tell(desk, "2d" if late else "1d", "order.placed", order="B1", contract="HT1", **part)

    if not late:
        order()
    tell(
        desk, "1d 1h", "payment.received", payment="P", amount="100",
        allocations=[{"order": "B1", "amount": "100"}], **part,
    )  # fmt: skip
    if late:
        order()
    assert desk.standing() == [("every", "H1")]


def test_a_document_that_is_put_below_another_one_takes_what_is_below_it_along() -> None:
    desk = opened(UNPAID)
    sign(desk, "0d", ids=IDS)
    part = {"source": "erp", "account": "C1"}
    tell(desk, "1d", "order.placed", order="B1", **part)
    tell(
        desk, "2d", "payment.received", payment="P", amount="100",
        allocations=[{"order": "B1", "amount": "100"}], **part,
    )  # fmt: skip
    assert desk.standing() == [("unpaid", "H1")]
    tell(desk, "3d", "order.updated", order="B1", contract="HT1", **part)
    assert desk.standing() == []


@pytest.mark.parametrize("at_once", [1, 2, 200])
def test_the_rules_of_many_that_come_along_look_in_several_steps(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "AT_ONCE", at_once)
    desk = opened(DEAR)
    sign(desk, "0d")
    for n in range(5):
        part = {"source": "erp", "account": "C1", "contract": "HT1"}
        tell(desk, f"1d {n}h", "invoice.issued", invoice=f"R{n}", amount="1", **part)
    assert desk.standing() == []
    tell(desk, "3d", "contract.updated", contract="H1", ids=IDS)
    assert sorted(desk.standing()) == [("dear", f"erp/R{n}") for n in range(5)]
