"""The registry holds the whole vocabulary, and every model is frozen, strict and described."""

import pytest
from pydantic import ValidationError

from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.introspection import fields_of

VOCABULARY = {
    "account": "updated assigned released claimed merged",
    "contact": "updated",
    "lead": "created updated assigned qualified disqualified converted",
    "opportunity": "created updated stage_changed won lost reopened",
    "activity": "logged",
    "visit": "planned checked_in checked_out completed reported",
    "quote": "created revised approved rejected sent accepted expired",
    "contract": "drafted updated approved signed amended renewed terminated",
    "order": "placed changed confirmed unapproved shipped returned closed cancelled",
    "invoice": "issued credited voided disputed",
    "payment": "received allocated reversed dishonoured",
    "project": "opened milestone_reached closed",
    "cost": "recorded",
    "target": "set",
    "message": "sent",
    "approval": "requested approved rejected returned withdrawn delegated cancelled",
    "person": "updated away",
    "team": "updated",
    "rate": "set",
    "calendar": "set",
}


def test_vocabulary_is_whole() -> None:
    wanted = {f"{kind}.{verb}" for kind, verbs in VOCABULARY.items() for verb in verbs.split()}
    wanted |= {f"{kind}.{verb}" for kind in VOCABULARY for verb in ("corrected", "deleted")}
    assert wanted | {"source.completed"} == EVENT_MODELS.keys()
    assert KINDS.keys() == VOCABULARY.keys() | {"source"}


def test_every_type_has_a_model_of_its_own() -> None:
    assert len(set(EVENT_MODELS.values())) == len(EVENT_MODELS)


@pytest.mark.parametrize("event_type", EVENT_MODELS)
def test_model_is_described_frozen_and_named_like_its_type(event_type: str) -> None:
    model = EVENT_MODELS[event_type]
    assert model.__doc__
    assert model.__name__.lower() == event_type.replace(".", "").replace("_", "")
    made = model.model_construct()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made, next(iter(model.model_fields)), "x")


@pytest.mark.parametrize("event_type", [name for name in EVENT_MODELS if not name.endswith("deleted")])
def test_required_fields_are_few_and_hold_the_id(event_type: str) -> None:
    kind = KINDS[event_type.rpartition(".")[0]]
    required = {name for name, info in fields_of(EVENT_MODELS[event_type]).items() if info.required}
    assert kind.event_names_it or kind.id_field in required
    assert len(required) <= 3
