"""Which entity an event is about, which parents it names, what a correction aims at, and statuses."""

from typing import Any

import pytest

from schemas.corrections import is_correction, is_deletion, merged_fields, target_of
from schemas.envelope import entity_of
from schemas.errors import EventError
from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.introspection import fields_of
from schemas.parents import ANCESTORS, PARENTS, parents_of
from schemas.status import CLOSED, INITIAL, STATUS, status_after
from tests.unit.schemas.events import IDS, TYPES, event_of


@pytest.mark.parametrize("event_type", TYPES)
def test_every_type_names_its_entity(event_type: str) -> None:
    kind = event_type.rpartition(".")[0]
    assert entity_of(event_of(event_type)) == (kind, IDS.get(kind, f"{kind}-1"))


@pytest.mark.parametrize(
    ("event_type", "data", "attributes", "entity"),
    [
        ("cost.recorded", {"category": "sales", "amount": "5"}, {}, ("cost", "crm-8817")),
        ("cost.corrected", {"event": "e-5", "amount": "6"}, {}, ("cost", "e-5")),
        ("cost.deleted", {"event": "e-5"}, {}, ("cost", "e-5")),
        ("message.sent", {"conversation": "c"}, {}, ("message", "crm-8817")),
        ("activity.logged", {"kind": "call"}, {}, ("activity", "crm-8817")),
        ("activity.logged", {"kind": "visit", "visit": "V1", "activity": "x"}, {}, ("visit", "V1")),
        ("activity.logged", {"kind": "visit", "activity": "x"}, {}, ("activity", "x")),
        ("activity.logged", {"kind": "call", "visit": "V1", "activity": "x"}, {}, ("activity", "x")),
        ("activity.deleted", {"visit": "V1"}, {}, ("visit", "V1")),
        ("ticket.opened", {"ticket": "T1"}, {"subject": "S1"}, ("ticket", "T1")),
        ("ticket.opened", {}, {"subject": "S1"}, ("ticket", "S1")),
        ("a.b.opened", {"a.b": "T1"}, {}, ("a.b", "T1")),
        ("opportunity.frozen", {}, {"subject": "S1"}, ("opportunity", "S1")),
    ],
)
def test_entity_is_found(
    event_type: str, data: dict[str, Any], attributes: dict[str, str], entity: tuple[str, str]
) -> None:
    assert entity_of(event_of(event_type, data, **attributes)) == entity


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("ticket.opened", {}),
        ("ticket.opened", {"ticket": 5}),
        ("ticket.opened", {"ticket": ""}),
        ("cost.deleted", {}),
    ],
)
def test_event_without_entity_is_refused(event_type: str, data: dict[str, Any]) -> None:
    with pytest.raises(EventError) as caught:
        entity_of(event_of(event_type, data))
    assert (caught.value.code, caught.value.place) == ("SW-EVENT-030", f"data.{event_type.partition('.')[0]}")


@pytest.mark.parametrize("kind", KINDS)
def test_parent_fields_are_fields_of_the_kind_that_name_that_parent(kind: str) -> None:
    fields = fields_of(KINDS[kind].fields)
    assert [parent for field, parent in PARENTS[kind] if fields[field].mark.kind != parent] == []


@pytest.mark.parametrize(
    ("kind", "data", "parents"),
    [
        ("quote", {"account": "A1", "opportunity": "O1"}, [("opportunity", "O1"), ("account", "A1")]),
        ("visit", {"lead": "L1", "contact": "C1"}, [("lead", "L1"), ("contact", "C1")]),
        ("invoice", {"invoice": "I2", "of": "I1", "order": "S1"}, [("order", "S1"), ("invoice", "I1")]),
        ("invoice", {"invoice": "I1", "of": "I1"}, []),
        (
            "payment",
            {
                "allocations": [
                    {"invoice": "I1", "amount": "1"},
                    {"contract": "K1", "instalment": 1, "amount": "1"},
                ]
            },
            [("invoice", "I1"), ("contract", "K1")],
        ),
        ("payment", {"account": "A1", "allocations": None}, [("account", "A1")]),
        ("approval", {"of": {"kind": "contract", "id": "K1"}}, [("contract", "K1")]),
        ("approval", {"of": None}, []),
        ("account", {"account": "A1", "parent": "A0"}, []),
        ("ticket", {"ticket": "T1", "order": "S1", "account": 5}, [("order", "S1")]),
    ],
)
def test_parents_are_found_in_order(kind: str, data: dict[str, Any], parents: list[tuple[str, str]]) -> None:
    assert parents_of(kind, data) == parents


def test_every_document_leads_to_its_account() -> None:
    alone = {"account", "cost", "target", "person", "team", "rate", "calendar", "source"}
    assert {kind for kind in KINDS if "account" not in ANCESTORS[kind]} == alone
    assert {"order", "contract", "quote", "opportunity"} <= ANCESTORS["invoice"]


def test_correction_names_its_event_and_what_is_merged_over_it() -> None:
    data = {"opportunity": "O1", "event": "e-1", "amount": 5, "time": "2026-03-01T00:00:00Z"}
    event = event_of("opportunity.corrected", data)
    assert is_correction(event)
    assert not is_deletion(event)
    assert target_of(event) == ("crm/maven", "e-1")
    assert merged_fields(event.type, event.data) == {"opportunity": "O1", "amount": "5"}


def test_correction_may_aim_at_another_source_and_keeps_a_leads_own() -> None:
    data = {"lead": "L1", "event": "e-1", "source": "erp/main", "lead_source": "fair"}
    event = event_of("lead.corrected", data)
    assert target_of(event) == ("erp/main", "e-1")
    assert merged_fields(event.type, event.data) == {"lead": "L1", "source": "fair"}


def test_deletion_without_event_means_the_entity() -> None:
    assert target_of(event_of("order.deleted", {"order": "S1"})) is None
    assert target_of(event_of("order.deleted", {"order": "S1", "event": "e-1"})) == ("crm/maven", "e-1")


def test_correction_of_an_unknown_kind_must_name_its_event() -> None:
    with pytest.raises(EventError, match="SW-EVENT-031"):
        target_of(event_of("ticket.corrected", {"ticket": "T1"}))


def test_statuses_belong_to_types_and_kinds_that_exist() -> None:
    assert STATUS.keys() <= EVENT_MODELS.keys()
    assert {event_type.partition(".")[0] for event_type in STATUS} == INITIAL.keys()
    for kind, closed in CLOSED.items():
        reached = {status for event_type, status in STATUS.items() if event_type.startswith(f"{kind}.")}
        assert closed <= reached | {INITIAL[kind]}


def test_status_follows_the_events() -> None:
    assert status_after("contract.drafted", None) == "drafted"
    assert status_after("contract.updated", None) == "drafted"
    assert status_after("contract.amended", "signed") == "signed"
    assert status_after("opportunity.reopened", "lost") == "open"
    assert status_after("person.updated", None) is None
