"""Moves: merged accounts, converted leads, entities that change their account; what partitions are told."""

from __future__ import annotations

from streams.machines.keys import entity_key
from tests.unit.identity.cluster import MARCH, Cluster, Log, event, fill

O1 = "opportunity:O1"
DEAL = event("opportunity.created", "e1", opportunity="O1", account="A1")


def merge(cluster: Cluster, account: str, survivor: str, namespace: str = "") -> Cluster:
    value = event("account.merged", f"{account}>{survivor}", account=account, into=survivor)
    return fill(cluster, [(entity_key("account", namespace, account), value)])


def test_a_merge_begins_at_the_survivor_and_every_partition_confirms_it() -> None:
    cluster = merge(fill(Cluster(3), [(O1, DEAL)]), "A1", "A2")
    scope = {"all": True}
    begin = {"move": "merge:account:A1", "from": "account:A1", "scope": scope, "partitions": 3}
    assert cluster.kinds("account:A2", "move.begin") == [begin]
    assert cluster.kinds("account:A1", "move.out") == [
        {"move": "merge:account:A1", "to": "account:A2", "scope": scope}
    ]
    confirms = cluster.kinds("account:A1", "move.confirm")
    assert sorted(c["partition"] for c in confirms) == [0, 1, 2]
    fill(cluster, [(O1, event("opportunity.won", "e2", opportunity="O1", account="A1"))])
    assert cluster.places()["opportunity||O1"] == {"account:A2": ["e1", "e2"]}


def test_merges_are_followed_to_the_last_survivor_in_either_order() -> None:
    for merges in ([("A1", "A2"), ("A2", "A3")], [("A2", "A3"), ("A1", "A2")]):
        cluster = fill(Cluster(3), [(O1, DEAL)])
        for account, survivor in merges:
            merge(cluster, account, survivor)
        fill(cluster, [(O1, event("opportunity.won", "e2", opportunity="O1", account="A2"))])
        assert cluster.places()["opportunity||O1"] == {"account:A3": ["e1", "e2"]}
        assert cluster.codes() == []


def test_a_circle_and_a_second_survivor_are_refused_a_repeat_is_not() -> None:
    cluster = merge(merge(Cluster(3), "A1", "A2"), "A1", "A2")
    assert cluster.codes() == []
    merge(cluster, "A2", "A1")
    assert cluster.codes() == ["SW-STREAM-044"]
    merge(cluster, "A1", "A3")
    assert cluster.codes() == ["SW-STREAM-044", "SW-STREAM-045"]
    assert len([o for o in cluster.sent if o.emit.kind == "move.begin"]) == 1


def test_a_survivor_of_another_namespace_is_looked_up_first() -> None:
    ids = [{"namespace": "erp", "id": "C2"}]
    cluster = fill(Cluster(), [("account:A2", event("account.updated", "e1", account="A2", ids=ids))])
    merge(cluster, "C1", "C2", "erp")
    fill(cluster, [("order:erp/7", event("order.placed", "e2", order="7", account="C1"))])
    assert cluster.places()["order|erp|7"] == {"account:A2": ["e2"]}


def test_an_alias_two_accounts_claim_merges_the_first_into_the_second() -> None:
    cluster = fill(Cluster(), [(O1, DEAL)])
    for account in ("A1", "A2"):
        ids = [{"namespace": "erp", "id": "C9"}]
        fill(cluster, [(f"account:{account}", event("account.updated", account, account=account, ids=ids))])
    assert cluster.places()["opportunity||O1"] == {"account:A2": ["e1"]}


def test_an_account_of_another_namespace_that_says_which_it_is_needs_no_merge() -> None:
    ids = [{"namespace": "", "id": "A1"}]
    cluster = fill(Cluster(), [("account:erp/C9", event("account.updated", "e1", account="C9", ids=ids))])
    assert [(o.emit.key, o.emit.kind) for o in cluster.sent] == [("account:A1", "event")]


def test_a_converted_lead_takes_all_along_and_links_its_opportunity() -> None:
    cluster = Cluster(3)
    fill(cluster, [("lead:L1", event("lead.created", "e1", lead="L1"))])
    fill(cluster, [("activity:X1", event("activity.logged", "e2", activity="X1", lead="L1"))])
    fill(cluster, [(O1, event("opportunity.created", "e3", opportunity="O1"))])
    converted = event("lead.converted", "e4", lead="L1", account="A1", opportunity="O1")
    fill(cluster, [("lead:L1", converted)])
    assert {tuple(found) for found in cluster.places().values()} == {("account:A1",)}
    assert [v["scope"] for v in cluster.kinds("lead:L1", "move.out")] == [
        {"entity": ["lead", "L1"]},
        {"entity": ["activity", "X1"]},
    ]
    assert [v["scope"] for v in cluster.kinds(O1, "move.out")] == [{"entity": ["opportunity", "O1"]}]


def test_an_opportunity_that_changes_its_account_takes_its_quotes_along() -> None:
    cluster = fill(Cluster(3), [(O1, DEAL)])
    fill(cluster, [("quote:Q1", event("quote.created", "e2", quote="Q1", opportunity="O1"))])
    fill(cluster, [("contract:C1", event("contract.drafted", "e3", contract="C1", quote="Q1"))])
    fill(cluster, [(O1, event("opportunity.updated", "e4", opportunity="O1", account="A2"))])
    fill(cluster, [("contract:C1", event("contract.signed", "e5", contract="C1"))])
    assert cluster.places() == {
        "opportunity||O1": {"account:A2": ["e1", "e4"]},
        "quote||Q1": {"account:A2": ["e2"]},
        "contract||C1": {"account:A2": ["e3", "e5"]},
    }
    confirmed = [v["move"] for v in cluster.kinds("account:A1", "move.confirm")]
    assert confirmed == ["contract:C1#0", "quote:Q1#0", "opportunity:O1#0"]  # below before above


def test_an_older_event_and_a_deletion_do_not_move_the_entity_back() -> None:
    cluster = fill(
        Cluster(), [(O1, event("opportunity.created", "e1", MARCH, opportunity="O1", account="A1"))]
    )
    fill(cluster, [(O1, event("opportunity.updated", "e2", MARCH - 1, opportunity="O1", account="A2"))])
    fill(cluster, [(O1, event("opportunity.deleted", "e3", MARCH, opportunity="O1", account="A2"))])
    assert cluster.places() == {"opportunity||O1": {"account:A1": ["e1", "e2", "e3"]}}


def test_an_account_named_by_its_survivor_is_no_move() -> None:
    cluster = merge(fill(Cluster(3), [(O1, DEAL)]), "A1", "A2")
    sent = len(cluster.sent)
    fill(cluster, [(O1, event("opportunity.won", "e2", opportunity="O1", account="A2"))])
    assert [o.emit.kind for o in cluster.sent[sent:]] == ["event"]


def intake_first(logs: list[Log]) -> Log:
    """Both sides ask before either is answered."""
    return next((log for log in logs if log[2] == "crm.activity"), logs[0])


def cross(cluster: Cluster) -> None:
    """Two invoices take back each other, at the same time."""
    cluster.send("invoice:1", event("invoice.issued", "i3", invoice="1", of="2"))
    cluster.send("invoice:2", event("invoice.issued", "i4", invoice="2", of="1"))
    cluster.run(intake_first)


def test_two_documents_without_account_that_name_each_other_do_not_change_places() -> None:
    cluster = Cluster(3)
    for name in ("1", "2"):
        fill(cluster, [(f"invoice:{name}", event("invoice.issued", f"i{name}", invoice=name))])
    cross(cluster)
    assert cluster.places() == {
        "invoice||1": {"invoice:1": ["i1", "i3"]},
        "invoice||2": {"invoice:1": ["i2", "i4"]},
    }
    fill(cluster, [("invoice:1", event("invoice.issued", "i5", MARCH + 1, invoice="1", account="A1"))])
    assert cluster.places() == {
        "invoice||1": {"account:A1": ["i1", "i3", "i5"]},
        "invoice||2": {"account:A1": ["i2", "i4"]},
    }


def test_two_documents_of_two_accounts_that_name_each_other_come_to_rest() -> None:
    cluster = Cluster(3)
    for name in ("1", "2"):
        value = event("invoice.issued", f"i{name}", invoice=name, account=f"A{name}")
        fill(cluster, [(f"invoice:{name}", value)])
    cross(cluster)
    places = cluster.places()
    assert [sorted(ids) for found in places.values() for ids in found.values()] == [
        ["i1", "i3"],
        ["i2", "i4"],
    ]
