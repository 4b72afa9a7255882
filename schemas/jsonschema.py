"""The published JSON Schemas (2020-12) of the envelope and of every event type's ``data``, as plain objects.

Derived from the models and the envelope's own constants; nothing is written to disk here.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.envelope import SPEC_VERSION
from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.types import DATE_PATTERN, INSTANT_PATTERN, MAX_ID

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TYPE_PATTERN: Final = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_ATTRIBUTE: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID,
    "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$",
}


def schema_of(event_type: str) -> dict[str, Any]:
    """The schema of the ``data`` of one event type. Raises KeyError for a type that the registry does not
    know."""
    schema = EVENT_MODELS[event_type].model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "$id": f"urn:stagewatch:event:{event_type}", **schema, "title": event_type}


def envelope_schema() -> dict[str, Any]:
    """The schema of a whole event in structured mode; ``data`` is described by the schema of its type."""
    return {
        "$schema": DIALECT,
        "$id": "urn:stagewatch:envelope",
        "title": "CloudEvents 1.0 record",
        "description": "One event in structured mode. A time that is a date alone is a day.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": SPEC_VERSION},
            "id": _ATTRIBUTE,
            "source": _ATTRIBUTE,
            "type": {**_ATTRIBUTE, "pattern": TYPE_PATTERN},
            "subject": {"anyOf": [_ATTRIBUTE, {"type": "null"}]},
            "time": {
                "anyOf": [
                    {"type": "string", "pattern": f"({DATE_PATTERN})|({INSTANT_PATTERN})"},
                    {"type": "null"},
                ]
            },
            "datacontenttype": {
                "anyOf": [
                    {"type": "string", "pattern": r"^[^/;\s]+/([^/;\s]+\+)?json\s*(;.*)?$"},
                    {"type": "null"},
                ]
            },
            "precision": {"enum": ["day", "instant", None]},
            "recordedtime": {"anyOf": [{"type": "string", "pattern": INSTANT_PATTERN}, {"type": "null"}]},
            "data": {"type": "object"},
        },
        "propertyNames": {"pattern": "^[a-z0-9]+$"},
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
    }


def index() -> dict[str, Any]:
    """The list of all published schemas: event type -> file, entity kind, id field, first line of its
    description."""
    return {
        "envelope": "envelope.json",
        "events": {event_type: _entry(event_type) for event_type in sorted(EVENT_MODELS)},
    }


def _entry(event_type: str) -> dict[str, str]:
    kind = KINDS[event_type.rpartition(".")[0]]
    text = (EVENT_MODELS[event_type].__doc__ or "").strip().partition("\n")[0]
    return {"file": f"{event_type}.json", "entity": kind.name, "id": kind.id_field, "title": text}


def all_schemas() -> dict[str, dict[str, Any]]:
    """file name -> content, for the whole folder ``schemas/published``."""
    files = {f"{event_type}.json": schema_of(event_type) for event_type in EVENT_MODELS}
    return {**files, "envelope.json": envelope_schema(), "index.json": index()}
