"""The triggers of a rule as they are written: the key `when`, and how events are named in it.

Shape only; what needs the event vocabulary is checked when the rule is compiled.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from rules.conditions.model import ConditionDoc, Doc, FieldPath, coded
from rules.document_types import (
    AS_TEXT,
    NAME,
    ONE_KEY,
    Length,
    Names,
    PositiveLength,
    listed,
    longer_than_nothing,
    not_built,
)
from schemas.time import Duration

TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class EventRef(Doc):
    """Events: of one of the types, and fitting `where` on the event's own fields."""

    type: Names
    where: ConditionDoc | None = None


def _event(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _events(value: object) -> object:
    found = listed(value)
    return [_event(item) for item in found] if isinstance(found, list) else found


class _Loosely:
    """JSON Schema of events: a type alone, one reference, or a list of both."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The list's schema, opened for the short forms."""
        many = handler(schema)
        one = {"anyOf": [NAME, many["items"]]}
        return {"anyOf": [*one["anyOf"], {**many, "items": one}]}


Events = Annotated[tuple[EventRef, ...], BeforeValidator(_events), Field(min_length=1), _Loosely()]
"""Wherever an event is named: a type, `{type, where}`, or a list of those."""


class HoldsDoc(Doc):
    """Fires when `where` becomes true and stayed so for `for`; resolves when it was false for
    `keep_firing_for`.
    """

    for_: Length = Field(default_factory=Duration, alias="for")
    keep_firing_for: Length = Field(default_factory=Duration)


class SilentDoc(Doc):
    """Fires when none of the events came for a time while the entity is open."""

    of: Events
    for_: PositiveLength = Field(alias="for")
    include: Literal["account"] | None = None


def _within(value: object) -> Duration | str:
    """A duration when it begins with a digit, else the name of a duration field."""
    if isinstance(value, str) and value and not value[0].isdigit():
        return value
    return longer_than_nothing(value)


Within = Annotated[
    Duration | str,
    PlainValidator(_within),
    AS_TEXT,
    WithJsonSchema({"type": "string", "description": "a duration, or the name of a duration field"}),
]


def _pair(value: object) -> object:
    """`field` is the same field on both sides; `{field: other}` names the earlier event's."""
    if isinstance(value, str):
        return (value, value)
    if isinstance(value, dict) and len(value) == 1:
        ((left, right),) = value.items()
        if isinstance(left, str) and isinstance(right, str):
            return (left, right)
    if isinstance(value, tuple) and len(value) == 2:
        return value
    raise coded("SW-RULE-013", "This is no pair of fields", "a field, or {field: other.field}")


_PAIR_SCHEMA = {"anyOf": [NAME, {"type": "object", "minProperties": 1, "maxProperties": 1}]}
Pair = Annotated[tuple[str, str], BeforeValidator(_pair), WithJsonSchema(_PAIR_SCHEMA)]
Match = Annotated[tuple[Pair, ...], BeforeValidator(listed)]
"""Fields that must be equal in both events: (field of the later, field of the earlier)."""

Each = Literal["every", "restart", "first", "once"]


def _expected_events(value: object) -> object:
    if isinstance(value, dict) and "steps" in value:
        raise not_built("`expect` with steps", "name the events that may follow as a list")
    return _events(value)


class MissingAfterDoc(Doc):
    """`after` happened and none of `expect` followed within the time."""

    after: Events
    expect: Annotated[
        tuple[EventRef, ...], BeforeValidator(_expected_events), Field(min_length=1), _Loosely()
    ]
    within: Within
    match: Match = ()
    each: Each = "every"


class MissingBeforeDoc(Doc):
    """`event` happened without any of `requires` before it (within the time, when given)."""

    event: Events
    requires: Events
    within: PositiveLength | None = None
    match: Match = ()


def _clock(value: object) -> str:
    if isinstance(value, str) and TIME_OF_DAY.fullmatch(value):
        return value
    raise coded("SW-RULE-014", "This is no time of day", '"HH:MM" from "00:00" to "23:59"')


class DateDoc(Doc):
    """Fires before or after a date field, at a time of day in the organisation's zone."""

    field: FieldPath
    before: Length | None = None
    after: Length | None = None
    at: Annotated[str, PlainValidator(_clock), WithJsonSchema({"type": "string"})] = "00:00"

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.before is None) is (self.after is None):
            raise coded("SW-RULE-012", "A date trigger needs one of `before` and `after`", "before: 30d")
        return self


def _or_empty(value: object) -> object:
    return {} if value is None else value


class When(Doc):
    """The trigger: exactly one key."""

    model_config = ConfigDict(json_schema_extra=ONE_KEY)

    event: Events | None = None
    holds: Annotated[HoldsDoc | None, BeforeValidator(_or_empty)] = None
    enters: Names | None = None
    leaves: Names | None = None
    silent: SilentDoc | None = None
    missing_after: MissingAfterDoc | None = None
    missing_before: MissingBeforeDoc | None = None
    date: DateDoc | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        names = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(names) != 1:
            known = ", ".join(type(self).model_fields)
            found = " and ".join(names) or "none"
            raise coded("SW-RULE-018", f"A rule has exactly one trigger, this has {found}", f"one of {known}")
        return self

    @property
    def trigger(self) -> str:
        """The name of the trigger."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)
