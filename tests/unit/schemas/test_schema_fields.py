"""The field catalogue: it follows the models, joins parents and people, and knows what the engine derives."""

import pytest

from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.fields import (
    ACTIVITY_COUNTS,
    DERIVED,
    FIELDS,
    LIST_ITEMS,
    MAP_KEYS,
    REFERENCES,
    FieldType,
    event_field_type,
    field_type,
    target_kind,
)
from schemas.introspection import fields_of


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("opportunity", "amount", FieldType.MONEY),
        ("opportunity", "opportunity", FieldType.ID),
        ("opportunity", "opportunity.name", FieldType.TEXT),
        ("opportunity", "account.tier", FieldType.TEXT),
        ("opportunity", "account.overdue_amount", FieldType.MONEY),
        ("opportunity", "owner.team", FieldType.ID),
        ("opportunity", "owner.team.director.mail", FieldType.TEXT),
        ("opportunity", "owner.director", FieldType.ID),
        ("opportunity", "was.stage", FieldType.TEXT),
        ("opportunity", "event.time", FieldType.INSTANT),
        ("opportunity", "event.id", FieldType.ID),
        ("opportunity", "stage_since", FieldType.INSTANT),
        ("opportunity", "last_follow_up", FieldType.INSTANT),
        ("opportunity", "first_response", FieldType.INSTANT),
        ("opportunity", "age", FieldType.DURATION),
        ("opportunity", "visits", FieldType.NUMBER),
        ("opportunity", "products", FieldType.LIST),
        ("account", "credit_left", FieldType.MONEY),
        ("account", "emails", FieldType.NUMBER),
        ("account", "parent.name", FieldType.TEXT),
        ("contract", "paid_ratio", FieldType.NUMBER),
        ("contract", "status", FieldType.TEXT),
        ("contract", "instalments", FieldType.LIST),
        ("quote", "opportunity.amount", FieldType.MONEY),
        ("quote", "opportunity.account.name", FieldType.TEXT),
        ("invoice", "contract.amount", FieldType.MONEY),
        ("invoice", "opportunity", FieldType.ID),
        ("invoice", "due_on", FieldType.DATE),
        ("activity", "duration", FieldType.DURATION),
        ("visit", "planned_for", FieldType.INSTANT),
        ("visit", "by.manager", FieldType.ID),
        ("approval", "of", FieldType.MAP),
        ("approval", "of.kind", FieldType.TEXT),
        ("approval", "contract.amount", FieldType.MONEY),
        ("message", "from", FieldType.ID),
        ("person", "active", FieldType.BOOL),
        ("rate", "rate", FieldType.NUMBER),
        ("ticket", "created", FieldType.INSTANT),
    ],
)
def test_field_is_known(kind: str, path: str, expected: FieldType) -> None:
    assert field_type(kind, tuple(path.split("."))) is expected


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("opportunity", ""),
        ("opportunity", "colour"),
        ("opportunity", "amount.currency"),
        ("opportunity", "account.colour"),
        ("opportunity", "contract.amount"),
        ("opportunity", "was"),
        ("opportunity", "was.was.stage"),
        ("opportunity", "was.event.time"),
        ("opportunity", "account.was.tier"),
        ("opportunity", "event"),
        ("opportunity", "event.colour"),
        ("opportunity", "event.time.zone"),
        ("opportunity", "owner.manager.manager.manager.manager.manager.manager"),
        ("approval", "of.kind.name"),
        ("contract", "instalments.amount"),
        ("ticket", "amount"),
    ],
)
def test_field_is_unknown(kind: str, path: str) -> None:
    assert field_type(kind, tuple(path.split("."))) is None


def test_declared_fields_are_found_on_the_entity_and_where_it_is_joined() -> None:
    declared = {"opportunity.heat": FieldType.NUMBER, "ticket.priority": FieldType.TEXT}
    assert field_type("opportunity", ("heat",), declared) is FieldType.NUMBER
    assert field_type("quote", ("opportunity", "heat"), declared) is FieldType.NUMBER
    assert field_type("opportunity", ("was", "heat"), declared) is FieldType.NUMBER
    assert field_type("ticket", ("priority",), declared) is FieldType.TEXT
    assert field_type("quote", ("heat",), declared) is None
    assert event_field_type("opportunity.won", ("heat",), declared) is FieldType.NUMBER


def test_declared_field_cannot_change_the_type_of_a_known_one() -> None:
    assert field_type("opportunity", ("amount",), {"opportunity.amount": FieldType.TEXT}) is FieldType.MONEY


@pytest.mark.parametrize(
    ("event_type", "path", "expected"),
    [
        ("opportunity.won", "amount", FieldType.MONEY),
        ("opportunity.won", "stage_since", None),
        ("opportunity.won", "was.stage_since", FieldType.INSTANT),
        ("opportunity.won", "account.tier", FieldType.TEXT),
        ("opportunity.won", "event.type", FieldType.TEXT),
        ("opportunity.corrected", "event", FieldType.ID),
        ("account.merged", "into", FieldType.ID),
        ("person.away", "from", FieldType.INSTANT),
        ("opportunity.frozen", "amount", FieldType.MONEY),
        ("ticket.opened", "amount", None),
    ],
)
def test_field_of_an_event(event_type: str, path: str, expected: FieldType | None) -> None:
    assert event_field_type(event_type, tuple(path.split("."))) is expected


def test_lists_and_maps_know_their_items() -> None:
    assert LIST_ITEMS["order", "lines"] == {
        "product": FieldType.ID,
        "quantity": FieldType.NUMBER,
        "price": FieldType.MONEY,
        "amount": FieldType.MONEY,
        "cost": FieldType.MONEY,
    }
    assert LIST_ITEMS["contract", "instalments"]["due_on"] is FieldType.DATE
    assert LIST_ITEMS["payment", "allocations"]["instalment"] is FieldType.NUMBER
    assert ("opportunity", "products") not in LIST_ITEMS
    assert MAP_KEYS["target", "of"]["team"] is FieldType.ID


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_id_a_creation_and_nothing_derived_that_an_event_carries(kind: str) -> None:
    assert {KINDS[kind].id_field, "owner", "org", "created", "age"} <= FIELDS[kind].keys()
    carried = fields_of(KINDS[kind].fields).keys()
    assert DERIVED[kind].keys() & carried <= {"stage"}


@pytest.mark.parametrize("event_type", EVENT_MODELS)
def test_every_field_of_an_event_is_one_of_its_kind_or_frames_it(event_type: str) -> None:
    kind = event_type.rpartition(".")[0]
    frame = {"event", "source", "time", "reason", "into", "from", "to", "deputy", "lead_source"}
    assert fields_of(EVENT_MODELS[event_type]).keys() <= FIELDS[kind].keys() | frame


def test_references_lead_to_kinds() -> None:
    assert set(REFERENCES.values()) <= KINDS.keys()
    assert target_kind("opportunity", "owner") == "person"
    assert target_kind("invoice", "quote") == "quote"
    assert target_kind("quote", "quote") == "quote"
    assert target_kind("quote", "amount") is None


def test_every_counted_kind_of_activity_has_its_field() -> None:
    for field in ACTIVITY_COUNTS.values():
        assert FIELDS["opportunity"][field] is FIELDS["account"][field] is FieldType.NUMBER
