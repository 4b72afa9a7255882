"""What travels: rows in bounded records, waits with their due, alerts with their ids and items, sums on
both sides.
"""

from __future__ import annotations

from typing import Any

import pytest

from streams.kernel.contract import Context
from streams.stores.memory import MemoryStore
from tests.unit.account.desk import Desk
from tests.unit.account_moves.network import ALL, MARCH, Network, deal, entity

STALE = """
rule: stale
title: 没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 7d}}
then:
  - notify: {to: [owner]}
  - task: {to: owner, title: 跟进, due: 3d}
"""
KEY = """
rule: key
title: 重点客户
watch: opportunity
when: {holds: {}}
where: {field: account.tier, op: eq, value: A}
"""
BUSY = """
rule: busy
title: 忙
watch: account
when: {holds: {}}
where: {field: calls, op: gte, value: 2}
"""
QUIET = """
rule: quiet
title: 没有联系
watch: account
when: {silent: {of: [activity.logged], for: 7d}}
"""
SHARED = """
rule: shared
title: 没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 7d, include: account}}
"""


def create(desk: Desk, at: str, opportunity: str = "O1", account: str = "A1", **more: Any) -> None:
    desk.event(
        at, "opportunity.created", opportunity=opportunity, account=account, owner="li", amount=1, **more
    )


def call(desk: Desk, at: str, native: str, **parents: str) -> None:
    desk.event(at, "activity.logged", activity=native, kind="call", **parents)


def homes(desk: Desk, bucket: str = "e") -> dict[str, str]:
    """row name -> key"""
    return {name: key for key, name, _ in desk.stored(bucket)}


PARTS = pytest.mark.parametrize("parts", [1, 2, 5])


@PARTS
def test_a_wait_keeps_its_due_over_a_merge_and_a_change_of_customer(parts: int) -> None:
    desk = Desk(STALE, partitions=parts)
    create(desk, "0d")
    desk.event("2d", "account.merged", account="A1", into="A2")
    desk.event("3d", "opportunity.updated", opportunity="O1", account="A3")
    desk.until("7d - 1us")
    assert desk.story("O1") == []
    desk.until("7d")
    assert desk.story("O1") == [("7d", "firing", "silence")]


@PARTS
def test_an_alert_keeps_its_id_and_a_command_to_its_old_home_finds_it(parts: int) -> None:
    desk = Desk(STALE, partitions=parts)
    create(desk, "0d")
    desk.until("7d")
    fired = desk.rows("alerts")[-1]
    desk.event("8d", "opportunity.updated", opportunity="O1", account="A2")
    desk.event("8d", "opportunity.updated", opportunity="O1", account="A3")
    desk.event("8d", "account.merged", account="A3", into="A4")
    assert desk.command("8d", "ack", fired)["ok"] is True
    last = desk.rows("alerts")[-1]
    assert (last["alert"], last["n"], last["state"]) == (fired["alert"], 2, "acknowledged")
    assert (last["home"], last["account"]) == ("account:A4", "A4")


@PARTS
def test_tasks_and_snoozes_move_with_their_alert(parts: int) -> None:
    desk = Desk(STALE, partitions=parts)
    create(desk, "0d")
    desk.until("7d")
    fired = desk.rows("alerts")[-1]
    desk.command("8d", "snooze", fired, until=fired["at"] + 5 * 86_400_000_000)
    desk.event("9d", "opportunity.updated", opportunity="O1", account="A2")
    desk.until("20d")
    assert [(t["state"], t["at"] - fired["at"]) for t in desk.rows("tasks")][-1] == (
        "overdue",
        3 * 86_400_000_000,
    )
    assert desk.story("O1")[-1] == ("12d", "firing", "snooze_ended")


@PARTS
def test_rules_on_the_customer_are_judged_anew(parts: int) -> None:
    desk = Desk(KEY, partitions=parts)
    desk.event("0d", "account.updated", account="A1", tier="A")
    desk.event("0d", "account.updated", account="A2", tier="B")
    create(desk, "1d")
    create(desk, "1d", "O2", "A2")
    assert desk.standing() == [("key", "O1")]
    desk.event("2d", "opportunity.updated", opportunity="O1", account="A2")
    assert desk.standing() == []
    desk.event("3d", "account.merged", account="A2", into="A1")
    assert desk.standing() == [("key", "O1"), ("key", "O2")]


@PARTS
def test_sums_are_right_on_both_sides(parts: int) -> None:
    desk = Desk(BUSY, partitions=parts)
    create(desk, "0d")
    create(desk, "0d", "O2")
    for n, deal_id in enumerate(("O1", "O1", "O2")):
        call(desk, f"{n + 1}d", f"c{n}", opportunity=deal_id)
    desk.event("5d", "account.updated", account="A2", name="b")
    assert desk.standing() == [("busy", "A1")]
    desk.event("6d", "opportunity.updated", opportunity="O1", account="A2")
    assert desk.entity("account", "A1")["k"]["calls"] == 1
    assert desk.entity("account", "A2")["k"]["calls"] == 2
    assert desk.entity("opportunity", "O1")["k"]["calls"] == 2
    assert desk.standing() == [("busy", "A2")]
    desk.event("7d", "account.merged", account="A1", into="A2")
    assert desk.entity("account", "A2")["k"]["calls"] == 3


@PARTS
def test_an_account_that_ended_is_closed_and_its_own_alerts_are_withdrawn(parts: int) -> None:
    desk = Desk(QUIET, partitions=parts)
    desk.event("0d", "account.updated", account="A1", name="a")
    desk.event("5d", "account.updated", account="A2", name="b")
    desk.until("8d")
    assert desk.standing() == [("quiet", "A1")]
    desk.event("8d", "account.merged", account="A1", into="A2")
    assert desk.story("A1")[-1] == ("8d", "withdrawn", "merged")
    desk.event("9d", "account.updated", account="A1", name="still written to")
    ended = desk.entity("account", "A1")
    assert (ended["x"], ended["st"], ended["into"], ended["op"]) == (1, "merged", "A2", 0)
    desk.until("60d")
    assert desk.standing() == [("quiet", "A2")]


@PARTS
def test_a_customer_is_known_from_the_first_instant_at_which_what_it_has_now_was_named(parts: int) -> None:
    desk = Desk(QUIET, partitions=parts)
    create(desk, "1d")
    desk.event("3d", "account.merged", account="A1", into="A2")
    assert desk.entity("account", "A2")["c"] == desk.entity("opportunity", "O1")["c"]
    desk.until("8d - 1us")
    assert desk.standing() == []
    desk.until("8d")
    assert desk.standing() == [("quiet", "A2")]


@PARTS
def test_a_child_that_names_its_customer_stays_there(parts: int) -> None:
    desk = Desk(BUSY, partitions=parts)
    create(desk, "0d")
    call(desk, "1d", "c1", opportunity="O1")
    call(desk, "1d", "c2", opportunity="O1", account="A1")
    desk.event("2d", "opportunity.updated", opportunity="O1", account="A2")
    call(desk, "3d", "c3", opportunity="O1")
    places = homes(desk)
    assert (places["activity|c1"], places["activity|c2"], places["activity|c3"]) == (
        "account:A2", "account:A1", "account:A2",
    )  # fmt: skip
    assert desk.entity("opportunity", "O1")["k"]["calls"] == 2
    assert desk.entity("account", "A1")["k"]["calls"] == 1


@PARTS
def test_events_of_the_customer_alone_go_with_their_entity(parts: int) -> None:
    desk = Desk(SHARED, partitions=parts)
    create(desk, "0d")
    create(desk, "0d", "O2", "A2")
    call(desk, "5d", "c1", account="A1")
    desk.event("6d", "activity.logged", activity="c1", kind="call", account="A2")
    desk.until("8d")
    assert desk.times() == [("7d", "O1")]
    desk.until("13d")
    assert desk.times() == [("7d", "O1"), ("13d", "O2")]


@PARTS
def test_a_converted_lead_takes_what_hangs_below_it_along(parts: int) -> None:
    desk = Desk(STALE, partitions=parts)
    desk.event("0d", "lead.created", lead="L1", owner="li")
    desk.event("1d", "opportunity.created", opportunity="O1", lead="L1", owner="li")
    call(desk, "2d", "c1", opportunity="O1")
    desk.event("3d", "lead.converted", lead="L1", account="A1", opportunity="O1")
    places = homes(desk)
    assert {places[name] for name in ("lead|L1", "opportunity|O1", "activity|c1")} == {"account:A1"}
    assert desk.entity("lead", "L1")["k"]["calls"] == 1
    desk.until("9d")
    assert desk.times() == [("9d", "O1")]


# -- while a move is open ------------------------------------------------------------------------------------


def test_nothing_is_decided_while_a_move_is_open() -> None:
    net = Network()
    net.give("account:S", "event", deal("e1", "O7"))
    net.begin("account:S", "merge:account:A", ALL)
    net.give("account:S", "event", deal("e2", "O7"))
    net.part.store.apply(_armed("account:S", "t|opportunity|O7|gone@1", MARCH + 5_000_000), MARCH)
    net.part.look()
    net.give("account:S", "event", deal("e3", "O8"))
    assert net.part.watermark(0, MARCH + 60_000_000)
    assert net.bucket("account:S", "mw") == {"t|opportunity|O7|gone@1": [MARCH + 5_000_000, 1]}
    assert net.events("account:S", "O7") == ["e1"]
    net.out("account:A", "account:S", "merge:account:A", ALL)
    net.confirm("account:A", "merge:account:A")
    net.run()
    assert sorted(net.events("account:S", "O7")) == ["e1", "e2"]
    assert net.bucket("account:S", "mw") == {}


def _armed(key: str, name: str, due: int) -> Any:
    ctx = Context(MemoryStore(), key, MARCH)
    ctx.wait(name, due)
    return ctx.step


def _rule(text: str) -> dict[str, Any]:
    return {"what": "rule", "rule": text.partition("rule: ")[2].split()[0], "text": text, "on": True}


BIG = """
rule: big
title: 大单
watch: opportunity
when: {holds: {}}
where: {field: amount, op: gte, value: 100}
"""


@pytest.mark.parametrize("knows", ["old", "new"])
def test_rows_from_before_a_change_of_rules_are_judged_by_the_rules_in_force(knows: str) -> None:
    old, new = Network(), Network()  # two partitions; only one of them has heard of the change
    old.give("account:A", "event", deal("e1"))
    changed = old if knows == "old" else new
    changed.give("", "shared", _rule(BIG))
    while changed.part.sweep_some(100):
        pass
    changed.drop()
    new.begin("account:S", "opportunity:O1#0", entity("O1"))
    old.out("account:A", "account:S", "opportunity:O1#0", entity("O1"))
    old.confirm("account:A", "opportunity:O1#0")
    for record in old.sent:
        new.give(*record)
    new.run()
    assert len(new.bucket("account:S", "a|opportunity|O1")) == 1
    if knows == "old":
        new.give("", "shared", _rule(BIG))
        while new.part.sweep_some(100):
            pass
        assert len(new.bucket("account:S", "a|opportunity|O1")) == 1  # known already
    assert new.fired == (1 if knows == "new" else 0)


def test_a_sweep_waits_until_no_move_is_open() -> None:
    net = Network()
    net.give("account:S", "event", deal("e1"))
    net.begin("account:S", "merge:account:A", ALL)
    net.give("", "shared", _rule(BIG))
    while net.part.sweep_some(100):
        pass
    assert net.bucket("account:S", "a|opportunity|O1") == {}
    net.out("account:A", "account:S", "merge:account:A", ALL)
    net.confirm("account:A", "merge:account:A")
    net.run()
    assert len(net.bucket("account:S", "a|opportunity|O1")) == 1
