"""How much one record and one step of a move hold, and what a key pays that was never part of one."""

from __future__ import annotations

from typing import Any

from streams.kernel.contract import Context, Record
from streams.machines.account import moves
from streams.machines.account.machine import AccountMachine
from streams.stores.memory import MemoryStore
from tests.unit.account_moves.network import ALL, MARCH, Network, deal, entity, event


def test_a_key_with_many_rows_goes_in_several_steps_of_bounded_records() -> None:
    net = Network()
    for n in range(2_500):
        net.give("account:A", "event", deal(f"e{n}", f"O{n}"))
    net.seen.clear()
    net.move("account:A", "account:S", "merge:account:A", ALL)
    sent = [value for _, kind, value in net.seen if kind == "move.rows"]
    assert max(len(value["rows"]) for value in sent) == 200
    assert sum(kind == "move.more" for _, kind, _ in net.seen) >= 2
    assert len(net.bucket("account:S", "e")) == 2_502  # and both accounts
    assert net.bucket("account:A", "e") == {}
    assert [net.bucket("account:S", b) for b in ("mv", "ma", "mb", "md", "mp", "mw")] == [{}] * 6


def test_what_comes_while_a_key_is_being_sent_follows_behind_its_end() -> None:
    net = Network()
    for n in range(2_500):
        net.give("account:A", "event", deal(f"e{n}", f"O{n}"))
    net.begin("account:S", "merge:account:A", ALL)
    net.out("account:A", "account:S", "merge:account:A", ALL)
    net.give("account:A", "event", deal("late", "O2499"))
    net.confirm("account:A", "merge:account:A")
    assert net.to("account:S").count("move.end") == 0
    net.run("account:A")
    assert net.to("account:S")[-3:] == ["move.end", "forward", "move.confirmed"]
    net.run()
    assert sorted(net.events("account:S", "O2499")) == ["e2499", "late"]


def test_rows_that_arrive_in_part_do_not_count() -> None:
    net = Network()
    net.give("account:A", "event", deal("e1"))
    net.begin("account:S", "merge:account:A", ALL)
    net.out("account:A", "account:S", "merge:account:A", ALL)
    while net.to("account:S") != ["move.end"]:
        net.give(*net.sent.pop(0))
    net.out("account:S", "account:B", "opportunity:O1#0", entity("O1"))
    assert net.to("account:B") == []
    net.run()
    assert "move.end" in [kind for to, kind, _ in net.seen if to == "account:B"]


class Counting(MemoryStore):
    """Counts how often rows are asked for, by bucket."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, int] = {}

    def get(self, key: str, bucket: str, name: str) -> Any | None:
        self.asked[bucket] = self.asked.get(bucket, 0) + 1
        return super().get(key, bucket, name)


def test_a_key_that_was_never_part_of_a_move_pays_one_look_up() -> None:
    store = Counting()
    ctx = Context(store, "account:A", MARCH)
    value = event("opportunity.created", "e1", opportunity="O1", account="A")
    AccountMachine().on_event(ctx, Record("sales.events", "account:A", "event", value, MARCH, 0, 1))
    buckets = {b: n for b, n in store.asked.items() if b.startswith(("m", "fwd", "fq")) and b != "meta"}
    assert buckets == {moves.MARK[0]: 1}


def test_an_entity_with_many_events_goes_in_several_steps_and_what_comes_meanwhile_follows() -> None:
    net = Network()
    for n in range(4_500):
        net.give("account:A", "event", deal(f"e{n:04d}"))
    net.seen.clear()
    net.begin("account:S", "opportunity:O1#0", entity("O1"))
    net.out("account:A", "account:S", "opportunity:O1#0", entity("O1"))
    assert net.to("account:S").count("move.end") == 0
    net.give("account:A", "event", deal("late"))
    net.confirm("account:A", "opportunity:O1#0")
    net.run("account:A")
    steps = [(to, value) for to, kind, value in net.seen if kind == "move.more"]
    assert steps == [("account:A", {"entity": "opportunity|O1"})] * 2
    assert net.to("account:S")[-3:] == ["move.end", "forward", "move.confirmed"]
    net.run()
    rows = [value["rows"] for _, kind, value in net.seen if kind == "move.rows"]
    assert max(map(len, rows)) == 200
    assert len(net.events("account:S")) == 4_501
    assert net.events("account:A") == []


def test_a_key_that_leaves_while_it_sends_an_entity_sends_the_rest_first() -> None:
    net = Network()
    for n in range(4_500):
        net.give("account:A", "event", deal(f"e{n:04d}"))
    net.begin("account:B", "opportunity:O1#0", entity("O1"))
    net.out("account:A", "account:B", "opportunity:O1#0", entity("O1"))
    net.move("account:A", "account:S", "merge:account:A", ALL)
    net.confirm("account:A", "opportunity:O1#0")
    net.run()
    assert len(net.events("account:B")) == 4_500
    assert net.events("account:S") == []
    assert net.bucket("account:B", "mv") == {}
