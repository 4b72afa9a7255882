"""An amount in a currency without a rate counts as matched, and the administrators learn it once per
customer.
"""

from __future__ import annotations

from tests.unit.account.desk import Desk, Row, elapsed

BIG = """
rule: big
title: 大单
watch: opportunity
when: {holds: {}}
where: {field: amount, op: gte, value: 100}
"""


def office() -> Desk:
    desk = Desk(BIG)
    desk.person("root", roles=["admin"])
    return desk


def deal(
    desk: Desk, at: str, name: str, amount: int, currency: str, account: str = "A1", **more: str
) -> None:
    desk.event(
        at, "opportunity.created", opportunity=name, account=account, owner="li", amount=amount,
        currency=currency, **more,
    )  # fmt: skip


def system(desk: Desk) -> list[Row]:
    return [a for a in desk.rows("alerts") if a["rule"] == "system-missing-rate"]


def test_a_missing_rate_counts_as_matched_and_is_told_to_the_administrator() -> None:
    desk = office()
    deal(desk, "0d", "O1", 5, "USD")
    assert desk.standing() == [("big", "O1"), ("system-missing-rate", "A1")]
    [alert] = system(desk)
    assert (alert["state"], alert["reason"], alert["severity"]) == ("firing", "missing_rate", "critical")
    assert "USD → CNY" in alert["title"]
    assert desk.notices() == [("0d", "fired", "root")]


def test_once_for_each_currency_of_a_customer() -> None:
    desk = office()
    for number, currency in enumerate(("USD", "USD", "EUR", "CNY")):
        deal(desk, f"{number}h", f"O{number}", 5, currency)
    deal(desk, "5h", "O9", 5, "USD", account="A2")
    assert [(elapsed(a["at"]), a["key"], a["event"]) for a in system(desk)] == [
        ("0d", "A1", "USD"), ("2h", "A1", "EUR"), ("5h", "A2", "USD"),
    ]  # fmt: skip


def test_it_is_resolved_when_the_rate_comes_and_the_condition_judged_by_it() -> None:
    desk = office()
    deal(desk, "0d", "O1", 5, "USD")
    desk.event("-2d", "rate.set", currency="USD", rate="7", arrives_="1d")
    assert [a["state"] for a in system(desk)] == ["firing", "resolved"]
    assert desk.standing() == []
    assert desk.notices()[-1] == ("1d", "resolved", "root")


def test_a_rate_from_today_on_does_not_cure_yesterdays_amount() -> None:
    desk = office()
    deal(desk, "0d", "O1", 5, "USD")
    desk.event("1d", "rate.set", currency="EUR", rate="7")
    assert [a["state"] for a in system(desk)] == ["firing"]


def test_a_second_gap_is_another_alert() -> None:
    desk = office()
    deal(desk, "0d", "O1", 5, "USD")
    rate = desk.event("-2d", "rate.set", currency="USD", rate="7", arrives_="1d")
    desk.event("2d", "rate.deleted", currency="USD", event=rate)
    deal(desk, "3d", "O2", 5, "USD")
    assert [a["state"] for a in system(desk)] == ["firing", "resolved", "firing"]
    assert len({a["alert"] for a in system(desk)}) == 2


def test_what_is_imported_is_listed_and_told_to_nobody() -> None:
    desk = office()
    deal(desk, "0d", "O1", 5, "USD", hist_="9d", arrives_="9d")
    assert [(a["state"], a["quiet"]) for a in system(desk)] == [("firing", True)]
    assert desk.notices() == []


def test_a_deal_without_customer_has_an_alert_of_its_own() -> None:
    desk = office()
    desk.event("0d", "opportunity.created", opportunity="O1", owner="li", amount=5, currency="USD")
    assert [(a["entity"], a["key"]) for a in system(desk)] == [("opportunity", "O1")]
