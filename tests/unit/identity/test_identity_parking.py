"""Events of unknown parents wait at their own key, in order, bounded and listed, until those are known."""

from __future__ import annotations

from streams.kernel.contract import Record
from streams.kernel.driver import Partition
from streams.machines.identity.listing import count_waiting
from streams.machines.identity.machine import IdentityMachine
from streams.machines.identity.names import RESOLVE, RESOLVED, SALES_EVENTS, Limits
from streams.stores.memory import MemoryStore
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, event, fill

QUOTE = "quote:Q1"


def waiting_quote(limits: Limits | None = None, events: int = 2) -> Cluster:
    """A quote whose opportunity nobody knows, with so many events."""
    cluster = Cluster(3, limits)
    for n in range(events):
        cluster.send(QUOTE, event("quote.revised", f"q{n}", quote="Q1", opportunity="O1"))
    cluster.run()
    return cluster


def test_they_wait_in_order_and_are_listed() -> None:
    cluster = waiting_quote()
    (item,) = cluster.waiting()
    assert (item.key, item.kind, item.native, item.waits_for) == (QUOTE, "quote", "Q1", "opportunity:O1")
    assert (item.since, item.count) == (MARCH + SECOND, 2)
    assert cluster.sent == []


def test_the_same_event_waits_once_and_other_content_under_its_name_beside_it() -> None:
    cluster = waiting_quote()
    for _ in range(3):
        fill(cluster, [(QUOTE, event("quote.revised", "q1", quote="Q1", opportunity="O1"))])
    assert [item.count for item in cluster.waiting()] == [2]
    fill(cluster, [(QUOTE, event("quote.revised", "q1", quote="Q1", opportunity="O1", amount=5))])
    assert [item.count for item in cluster.waiting()] == [3]
    fill(cluster, [("opportunity:O1", event("opportunity.created", "o1", opportunity="O1", account="A1"))])
    assert [o.emit.value["id"] for o in cluster.sent if o.emit.value["id"] != "o1"] == ["q0", "q1", "q1"]
    assert cluster.waiting() == []
    assert sum(count_waiting(part.store) for part in cluster.identity) == 0


def test_they_go_on_at_the_logical_time_of_their_release_with_their_own_time() -> None:
    cluster = waiting_quote()
    cluster.at += 100 * SECOND
    fill(cluster, [("opportunity:O1", event("opportunity.created", "o1", opportunity="O1", account="A1"))])
    assert cluster.places()["quote||Q1"] == {"account:A1": ["q0", "q1"]}
    released = [o for o in cluster.sent if o.emit.value["id"] in ("q0", "q1")]
    assert all(o.at == cluster.at and o.emit.value["time"] == MARCH for o in released)
    assert cluster.waiting() == []
    assert sum(count_waiting(part.store) for part in cluster.identity) == 0


def test_a_chain_of_unknown_parents_is_released_from_the_top() -> None:
    cluster = waiting_quote()
    fill(cluster, [("contract:C1", event("contract.drafted", "c1", contract="C1", quote="Q1"))])
    fill(cluster, [("opportunity:O1", event("opportunity.created", "o1", opportunity="O1", lead="L1"))])
    assert len(cluster.waiting()) == 3
    fill(cluster, [("lead:L1", event("lead.created", "l1", lead="L1"))])
    assert {key for found in cluster.places().values() for key in found} == {"lead:L1"}


def test_an_event_that_names_the_account_releases_those_before_it() -> None:
    cluster = waiting_quote()
    fill(cluster, [(QUOTE, event("quote.sent", "q2", MARCH + 1, quote="Q1", account="A1"))])
    assert cluster.places() == {"quote||Q1": {"account:A1": ["q0", "q1", "q2"]}}
    assert cluster.waiting() == []


def test_so_does_one_that_names_it_by_another_source_s_id() -> None:
    cluster = Cluster()
    fill(cluster, [("quote:erp/Q1", event("quote.created", "q1", quote="Q1", opportunity="O1"))])
    fill(cluster, [("quote:erp/Q1", event("quote.sent", "q2", quote="Q1", account="C1"))])
    assert cluster.places() == {"quote|erp|Q1": {"account:erp/C1": ["q1", "q2"]}}


def test_a_known_entity_does_not_wait_for_an_unknown_parent_but_follows_it_later() -> None:
    cluster = fill(Cluster(), [(QUOTE, event("quote.created", "q1", quote="Q1", account="A1"))])
    fill(cluster, [(QUOTE, event("quote.revised", "q2", quote="Q1", opportunity="O1"))])
    assert cluster.places() == {"quote||Q1": {"account:A1": ["q1", "q2"]}}
    fill(cluster, [("opportunity:O1", event("opportunity.created", "o1", opportunity="O1", account="A2"))])
    assert cluster.places()["quote||Q1"] == {"account:A2": ["q1", "q2"]}


def test_beyond_the_entity_s_limit_the_oldest_are_kept() -> None:
    cluster = waiting_quote(Limits(entity=2), events=4)
    assert cluster.codes() == ["SW-STREAM-042"] * 2
    fill(cluster, [("opportunity:O1", event("opportunity.created", "o1", opportunity="O1", account="A1"))])
    assert cluster.places()["quote||Q1"] == {"account:A1": ["q0", "q1"]}


def test_beyond_the_partition_s_limit_other_entities_are_refused() -> None:
    cluster = Cluster(1, Limits(partition=2))
    for n in range(3):
        cluster.send(f"quote:Q{n}", event("quote.created", f"q{n}", quote=f"Q{n}", opportunity="O1"))
    cluster.run()
    assert cluster.codes() == ["SW-STREAM-043"]
    assert [item.key for item in cluster.waiting()] == ["quote:Q0", "quote:Q1"]


def test_waiting_for_each_other_is_listed_until_one_names_its_account() -> None:
    cluster = Cluster()
    fill(cluster, [("invoice:1", event("invoice.issued", "i1", invoice="1", of="2"))])
    fill(cluster, [("invoice:2", event("invoice.issued", "i2", invoice="2", of="1"))])
    assert [item.waits_for for item in cluster.waiting()] == ["invoice:2", "invoice:1"]
    fill(cluster, [("invoice:2", event("invoice.issued", "i3", MARCH + 1, invoice="2", account="A1"))])
    assert cluster.places() == {
        "invoice||1": {"account:A1": ["i1"]},
        "invoice||2": {"account:A1": ["i2", "i3"]},
    }


def test_what_came_after_the_answer_goes_on_with_its_own_time() -> None:
    part = Partition(IdentityMachine(2), MemoryStore(), 0, [0])
    for n in range(3):
        value = event("quote.revised", f"q{n}", quote="Q1", opportunity="O1")
        part.receive(Record("crm.activity", QUOTE, "event", value, MARCH + n * SECOND), fed=False)
    answer = {"parent": "opportunity:O1", "k": "account:A1"}
    part.receive(Record(RESOLVE, QUOTE, RESOLVED, answer, MARCH + SECOND, 1), fed=False)
    sent = [(out.emit.value["id"], out.at) for out in part.outs if out.emit.topic == SALES_EVENTS]
    assert sent == [("q0", MARCH + SECOND), ("q1", MARCH + SECOND), ("q2", MARCH + 2 * SECOND)]
