"""Where events go: by account, by parent, by scope, by external id; what is shared; what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from streams.kernel.contract import SHARED
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, event, fill


def route_of(key: str, value: dict[str, Any]) -> str:
    """The key under which a lone event goes on."""
    cluster = fill(Cluster(), [(key, value)])
    (out,) = cluster.sent
    assert out.emit.value == value
    return out.emit.key


@pytest.mark.parametrize(
    ("key", "type_", "data", "expected"),
    [
        ("opportunity:O1", "opportunity.created", {"account": "A1"}, "account:A1"),
        ("opportunity:O1", "opportunity.created", {"account": "A1", "lead": "L1"}, "account:A1"),
        ("opportunity:O1", "opportunity.created", {}, "opportunity:O1"),
        ("opportunity:O1", "opportunity.created", {"account": None}, "opportunity:O1"),
        ("opportunity:O1", "opportunity.created", {"account": "a/b"}, "account:/a/b"),
        ("lead:L1", "lead.created", {"opportunity": "O1"}, "lead:L1"),
        ("account:A1", "account.updated", {"parent": "A0"}, "account:A1"),
        ("cost:c1", "cost.recorded", {"team": "T1"}, "scope:team/T1"),
        ("cost:c1", "cost.recorded", {"channel": "web"}, "scope:channel/web"),
        ("cost:c1", "cost.recorded", {}, "scope:org"),
        ("target:t1", "target.set", {"of": {"person": "P1"}}, "scope:person/P1"),
        ("approval:P1", "approval.requested", {"of": {"kind": "account", "id": "A1"}}, "account:A1"),
        ("opportunity:O1", "opportunity.created", {"account": 7}, "opportunity:O1"),
    ],
)
def test_a_lone_event_goes_to_the_key_it_names(
    key: str, type_: str, data: dict[str, Any], expected: str
) -> None:
    assert route_of(key, event(type_, "e1", **data)) == expected


def test_a_known_entity_needs_no_name_and_writes_nothing() -> None:
    cluster = fill(Cluster(1), [("visit:V1", event("visit.planned", "e1", visit="V1", account="A1"))])
    store = cluster.identity[0].store
    before = store.get("visit:V1", "id", "route")
    fill(cluster, [("visit:V1", event("visit.reported", "e2", visit="V1"))])
    assert [o.emit.key for o in cluster.sent] == ["account:A1", "account:A1"]
    assert store.get("visit:V1", "id", "route") is before


def test_what_another_source_calls_the_account_is_an_account_until_somebody_says_which() -> None:
    cluster = Cluster()
    fill(cluster, [("order:erp/7", event("order.placed", "e1", order="7", account="C9"))])
    assert cluster.places() == {"order|erp|7": {"account:erp/C9": ["e1"]}}
    ids = [{"namespace": "erp", "id": "C9"}]
    fill(cluster, [("account:A1", event("account.updated", "e2", account="A1", ids=ids))])
    fill(cluster, [("order:erp/7", event("order.shipped", "e3", order="7", account="C9"))])
    assert cluster.places()["order|erp|7"] == {"account:A1": ["e1", "e3"]}


def test_an_alias_that_is_told_first_moves_nothing() -> None:
    ids = [{"namespace": "erp", "id": "C9"}]
    cluster = fill(
        Cluster(),
        [
            ("account:A1", event("account.updated", "e1", account="A1", ids=ids)),
            ("account:A1", event("account.updated", "e2", account="A1", ids=ids)),
            ("order:erp/7", event("order.placed", "e3", order="7", account="C9")),
        ],
    )
    assert [o.emit.key for o in cluster.sent] == ["account:A1"] * 3
    assert cluster.sent[2].emit.value["ns"] == "erp"


def test_a_message_follows_the_contact_it_comes_from() -> None:
    inbound: dict[str, Any] = {"from": "Li@X.cn"}
    message = event("message.sent", "e1", message="m1", direction="in", **inbound)
    cluster = fill(Cluster(), [("message:m1", message)])
    assert [w.waits_for for w in cluster.waiting()] == ["mail:li@x.cn"]
    contact: dict[str, Any] = {"contact": "K1", "mail": "li@x.cn", "phone": "+86 138 0000 0000"}
    contact["im"] = {"wecom": "w1"}
    fill(cluster, [("contact:K1", event("contact.updated", "e2", account="A1", **contact))])
    outbound = event("message.sent", "e3", message="m2", direction="out", to=["13800000000"], platform="sms")
    fill(cluster, [("message:m2", outbound)])
    fill(
        cluster, [("message:m3", event("message.sent", "e4", message="m3", external="w1", platform="wecom"))]
    )
    moved: dict[str, Any] = {"contact": "K1", "account": "A2"}
    fill(cluster, [("contact:K1", event("contact.updated", "e5", **moved))])
    places = cluster.places()
    assert [places[f"message||m{n}"] for n in (1, 2, 3)] == [{"account:A2": [e]} for e in ("e1", "e3", "e4")]


def test_directory_events_and_shared_changes_reach_every_partition() -> None:
    cluster = Cluster(3)
    person = event("person.updated", "e1", person="P1")
    cluster.send(SHARED, person)
    cluster.send(SHARED, {"what": "rule", "rule": "r1"}, kind="shared")
    cluster.run()
    assert [(o.emit.kind, o.emit.value, o.emit.everywhere) for o in cluster.sent] == [
        ("shared", {"what": "person", "event": person}, True),
        ("shared", {"what": "rule", "rule": "r1"}, True),
    ]


def test_a_command_goes_to_the_survivor_of_its_account() -> None:
    cluster = fill(Cluster(), [("account:A1", event("account.merged", "e1", account="A1", into="A2"))])
    cluster.send("account:A1", {"machine": "account", "key": "account:A1"}, kind="command", topic="commands")
    cluster.run()
    assert cluster.kinds("account:A2", "command") == [{"machine": "account", "key": "account:A1"}]


@pytest.mark.parametrize(
    ("key", "kind", "value", "code"),
    [
        ("person:P1", "event", event("person.updated", "e1", person="P1"), "SW-STREAM-040"),
        (SHARED, "event", event("opportunity.created", "e1", opportunity="O1"), "SW-STREAM-040"),
        ("opportunity:", "event", event("opportunity.created", "e1"), "SW-STREAM-040"),
        ("opportunity:O1", "event", {"id": "e1"}, "SW-STREAM-041"),
        ("opportunity:O1", "event", "text", "SW-STREAM-041"),
        ("opportunity:O1", "event", {"type": "x.y", "data": [], "time": 1}, "SW-STREAM-041"),
        ("account:A1", "shared", {"what": "rule"}, "SW-STREAM-041"),
        (SHARED, "shared", {}, "SW-STREAM-041"),
        ("account:A1", "command", {"machine": "account"}, "SW-STREAM-041"),
        ("account:A1", "surprise", {}, "SW-STREAM-041"),
        ("account:A1", "event", event("account.merged", "e1", account="A1", into="A1"), "SW-STREAM-044"),
        ("account:A1", "event", event("account.merged", "e1", account="A1"), "SW-EVENT-020"),
    ],
)
def test_what_cannot_be_routed_is_refused_with_a_code(key: str, kind: str, value: Any, code: str) -> None:
    cluster = Cluster()
    cluster.send(key, value, kind=kind)
    cluster.run()
    assert (cluster.codes(), cluster.sent) == ([code], [])


def test_logical_time_never_falls_and_numbers_count_up() -> None:
    cluster = Cluster(1)
    fill(cluster, [("lead:L1", event("lead.created", "e1", lead="L1"))])
    cluster.at = MARCH - SECOND
    fill(cluster, [("lead:L1", event("lead.updated", "e2", lead="L1"))])
    assert [(o.at, o.feed, o.n) for o in cluster.sent] == [(MARCH + SECOND, 0, 1), (MARCH + SECOND, 0, 2)]
