"""`holds`: fires when `where` becomes true, not at each event; resolves when it becomes false."""

from __future__ import annotations

from tests.unit.account.desk import Desk

BIG = """
rule: big
title: 大合同
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500000}
"""
LASTS = BIG.replace("{holds: {}}", "{holds: {for: 2d}}")
KEEPS = BIG.replace("{holds: {}}", "{holds: {keep_firing_for: 2d}}")
NEAR = """
rule: near
title: 快到期
watch: opportunity
when: {holds: {}}
where:
  all:
    - {field: close_date, op: lte, value: today+3d}
    - {field: close_date, op: gte, value: today}
"""
TIER = """
rule: tier
title: 重点客户的商机
watch: opportunity
when: {holds: {}}
where: {field: account.tier, op: eq, value: A}
"""
NORTH = """
rule: north
title: 北区
watch: opportunity
when: {holds: {}}
where: {field: owner.region, op: eq, value: north}
"""


def contract(desk: Desk, at: str, amount: int | None, type_: str = "contract.updated", **more: object) -> str:
    return desk.event(
        at, type_, contract="C1", account="A1", owner="li", amount=amount, currency="CNY", **more
    )


def test_while_it_still_has_to_last_there_is_no_alert() -> None:
    desk = Desk(LASTS)
    contract(desk, "0d", 600000, "contract.drafted")
    contract(desk, "1d", 1)
    contract(desk, "2d", 600000)
    desk.until("4d - 1us")
    assert desk.rows("alerts") == []
    desk.until("4d")
    assert desk.story() == [("4d", "firing", "condition_met")]


def test_by_drafting_or_by_amendment_and_once_while_it_lasts() -> None:
    desk = Desk(BIG)
    contract(desk, "1d", 500000, "contract.drafted")
    contract(desk, "2d", 500001, "contract.amended")
    contract(desk, "3d", 900000, "contract.amended")
    contract(desk, "4d", 400000, "contract.amended")
    contract(desk, "5d", 600000, "contract.amended")
    assert desk.story() == [
        ("2d", "firing", "condition_met"),
        ("4d", "resolved", "condition_ended"),
        ("5d", "firing", "condition_met"),
    ]
    assert len({a["alert"] for a in desk.rows("alerts")}) == 2


def test_clearing_the_field_and_deleting_the_entity_end_it() -> None:
    desk = Desk(BIG)
    contract(desk, "1d", 600000)
    contract(desk, "2d", None)
    contract(desk, "3d", 600000)
    desk.event("4d", "contract.deleted", contract="C1")
    assert [(when, state) for when, state, _ in desk.story()] == [
        ("1d", "firing"), ("2d", "resolved"), ("3d", "firing"), ("4d", "resolved"),
    ]  # fmt: skip


def test_for_falls_due_before_a_change_at_that_very_instant() -> None:
    desk = Desk(LASTS)
    contract(desk, "1d", 600000)
    contract(desk, "3d", 1)
    assert desk.story() == [("3d", "firing", "condition_met"), ("3d", "resolved", "condition_ended")]


def test_for_starts_again_after_an_interruption() -> None:
    desk = Desk(LASTS)
    contract(desk, "1d", 600000)
    contract(desk, "2d", 700000)
    contract(desk, "3d - 1us", 1)
    contract(desk, "3d - 1us", 800000)
    desk.until("5d - 2us")
    assert desk.story() == []
    desk.until("5d - 1us")
    assert desk.times() == [("4d 23h 59m 59s 999999us", "C1")]


def test_keep_firing_bridges_a_gap_and_ends_that_long_after() -> None:
    desk = Desk(KEEPS)
    contract(desk, "1d", 600000)
    contract(desk, "2d", 1)
    contract(desk, "4d - 1us", 600000)
    contract(desk, "5d", 1)
    desk.until("7d - 1us")
    assert desk.story() == [("1d", "firing", "condition_met")]
    desk.until("30d")
    assert desk.story()[1:] == [("7d", "resolved", "condition_ended")]


def test_true_again_at_the_end_of_keep_firing_is_a_new_episode() -> None:
    desk = Desk(KEEPS)
    contract(desk, "1d", 600000)
    contract(desk, "2d", 1)
    contract(desk, "4d", 600000)
    assert desk.story() == [
        ("1d", "firing", "condition_met"),
        ("4d", "resolved", "condition_ended"),
        ("4d", "firing", "condition_met"),
    ]


def test_today_flips_at_midnight_in_shanghai() -> None:
    desk = Desk(NEAR)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", close_date="2026-03-10")
    desk.until("2026-03-07 00:00 - 1us")
    assert desk.story() == []
    desk.until("2026-03-07 00:00")
    assert desk.times() == [("4d 15h", "O1")]
    desk.until("2026-03-11 00:00 - 1us")
    assert desk.times("resolved") == []
    desk.until("2026-03-11 00:00")
    assert desk.times("resolved") == [("8d 15h", "O1")]


def test_a_moved_date_moves_the_flip() -> None:
    desk = Desk(NEAR)
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", close_date="2026-03-10")
    desk.event("1d", "opportunity.updated", opportunity="O1", close_date="2026-04-10")
    desk.until("2026-04-07 00:00 - 1us")
    assert desk.story() == []
    desk.event("2026-04-07 08:00", "opportunity.updated", opportunity="O1", close_date="2026-05-10")
    assert [state for _, state, _ in desk.story()] == ["firing", "resolved"]


def test_a_change_of_the_customer_is_seen_at_all_its_deals() -> None:
    desk = Desk(TIER)
    for deal in ("O1", "O2"):
        desk.event("0d", "opportunity.created", opportunity=deal, account="A1")
    desk.event("0d", "opportunity.created", opportunity="O3", account="A2")
    desk.event("1d", "account.updated", account="A1", tier="A")
    desk.event("2d", "account.updated", account="A1", tier="B")
    assert desk.times() == [("1d", "O1"), ("1d", "O2")]
    assert desk.times("resolved") == [("2d", "O1"), ("2d", "O2")]


def test_a_back_dated_change_of_the_customer_re_judges_its_deals() -> None:
    desk = Desk(TIER.replace("{holds: {}}", "{holds: {for: 3d}}"))
    desk.event("0d", "account.updated", account="A1", tier="A")
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1")
    desk.until("4d")
    desk.event("2d", "account.updated", account="A1", tier="B", arrives_="5d")
    assert desk.story() == [("3d", "firing", "condition_met"), ("5d", "withdrawn", "late_event")]


def test_a_customer_that_never_was_a_key_account_withdraws() -> None:
    desk = Desk(TIER)
    event = desk.event("0d", "account.updated", account="A1", tier="A")
    desk.event("1d", "opportunity.created", opportunity="O1", account="A1")
    desk.event("2d", "account.corrected", account="A1", event=event, tier="C")
    assert desk.story("O1") == [("1d", "firing", "condition_met"), ("2d", "withdrawn", "corrected")]


def test_a_change_of_the_owner_or_of_a_person_is_seen() -> None:
    desk = Desk(NORTH)
    desk.person("zhao", region="north")
    desk.person("sun", region="south")
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1", owner="sun")
    desk.event("1d", "opportunity.updated", opportunity="O1", owner="zhao")
    desk.event("2d", "person.updated", person="zhao", region="south")
    desk.event("3d", "person.updated", person="zhao", region="north")
    assert [(when, state) for when, state, _ in desk.story()] == [
        ("1d", "firing"), ("2d", "resolved"), ("3d", "firing"),
    ]  # fmt: skip


def test_an_owner_inherited_from_the_customer_is_seen() -> None:
    desk = Desk(NORTH)
    desk.person("zhao", region="north")
    desk.event("0d", "opportunity.created", opportunity="O1", account="A1")
    desk.event("1d", "account.assigned", account="A1", owner="zhao")
    desk.event("2d", "account.released", account="A1", owner=None)
    assert [(when, state) for when, state, _ in desk.story()] == [("1d", "firing"), ("2d", "resolved")]


def test_a_correction_that_ends_it_from_the_start_withdraws() -> None:
    desk = Desk(BIG)
    event = contract(desk, "1d", 5000000, "contract.drafted")
    desk.event("2d", "contract.corrected", contract="C1", event=event, amount=500000)
    assert desk.story() == [("1d", "firing", "condition_met"), ("2d", "withdrawn", "corrected")]


def test_a_back_dated_change_that_ended_it_resolves_it() -> None:
    desk = Desk(BIG)
    contract(desk, "1d", 600000)
    contract(desk, "2d", 1, arrives_="4d")
    assert desk.story() == [("1d", "firing", "condition_met"), ("4d", "resolved", "condition_ended")]


def test_a_back_dated_episode_that_is_over_is_recorded_and_tells_nobody() -> None:
    desk = Desk(BIG + "then: [{notify: {to: [owner]}}]\n")
    contract(desk, "1d", 1)
    contract(desk, "3d", 2)
    contract(desk, "2d", 600000, arrives_="4d")
    assert [state for _, state, _ in desk.story()] == ["firing", "resolved"]
    assert desk.notices() == []


def test_money_is_converted_at_the_rate_of_the_event_s_time() -> None:
    desk = Desk(BIG)
    desk.event("0d", "rate.set", currency="USD", base="CNY", rate="7.0", valid_from="2026-03-01")
    desk.event("0d", "rate.set", currency="USD", base="CNY", rate="5.0", valid_from="2026-03-10")
    for at, name in (("1d", "C1"), ("20d", "C2")):
        desk.event(
            at, "contract.drafted", contract=name, account="A1", owner="li", amount=80000, currency="USD"
        )
    assert ("1d", "C1") in desk.times()
    assert [key for _, key in desk.times()] == ["C1"]


def test_a_missing_rate_counts_as_matched() -> None:
    desk = Desk(BIG)
    desk.event("1d", "contract.drafted", contract="C1", account="A1", owner="li", amount=1, currency="XAF")
    assert ("1d", "C1") in desk.times()
