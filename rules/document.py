"""A rule as it is written: frozen pydantic models of one document, its trigger and its actions.

The models say the shape and publish it as JSON Schema; `compile.py` checks what needs the event vocabulary.
What is not built yet is listed in `NOT_BUILT`, so that it is refused by name instead of ignored.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from rules.conditions.model import ConditionDoc, Doc, FieldPath, Text, coded
from schemas.errors import RuleError
from schemas.time import Duration, parse_duration

NOT_BUILT: dict[str, frozenset[str]] = {
    "RuleDoc": frozenset({"escalate", "settle", "inhibit"}),
    "When": frozenset({"dwell", "count", "sequence", "kpi", "kpi_drop", "schedule"}),
}
"""Model -> keys of the language that are refused as not built yet."""

ONE_KEY: JsonDict = {"minProperties": 1, "maxProperties": 1}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
DURATION_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,9}(ms|s|m|h|d|w|mo|q|y)$"}
DURATION_WORDS = "a length of time: 90s 15m 24h 7d 2w 1mo"


def not_built(what: str, next_step: str = "") -> Exception:
    """The error of a part of the language that is designed but not built."""
    return coded("SW-RULE-011", f"{what} is not built yet", next_step=next_step)


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise coded("SW-RULE-001", "This is not a length of time", DURATION_WORDS)
    try:
        return parse_duration(value)
    except RuleError as error:
        if error.code == "SW-RULE-002":
            raise not_built("Working time (wd, wh)", error.next_step) from None
        raise coded(error.code, error.message, error.expected, error.next_step) from None


def _longer_than_nothing(value: object) -> Duration:
    length = _duration(value)
    if length == Duration():
        raise coded("SW-RULE-023", "The length of time is zero", "a length of time longer than nothing")
    return length


_AS_TEXT = PlainSerializer(str, return_type=str)
Length = Annotated[Duration, PlainValidator(_duration), _AS_TEXT, WithJsonSchema(DURATION_SCHEMA)]
PositiveLength = Annotated[
    Duration, PlainValidator(_longer_than_nothing), _AS_TEXT, WithJsonSchema(DURATION_SCHEMA)
]


def _listed(value: object) -> object:
    """One thing stands for a list of it."""
    return [value] if isinstance(value, (str, dict)) else value


def _one_or_many(item: dict[str, object]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_NAME = {"type": "string", "minLength": 1}
Names = Annotated[
    tuple[FieldPath, ...], BeforeValidator(_listed), Field(min_length=1), _one_or_many(dict(_NAME))
]
"""One text or a list of them."""


class EventRef(Doc):
    """Events: of one of the types, and fitting `where` on the event's own fields."""

    type: Names
    where: ConditionDoc | None = None


def _event(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _events(value: object) -> object:
    listed = _listed(value)
    return [_event(item) for item in listed] if isinstance(listed, list) else listed


class _Loosely:
    """JSON Schema of events: a type alone, one reference, or a list of both."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The list's schema, opened for the short forms."""
        listed = handler(schema)
        one = {"anyOf": [_NAME, listed["items"]]}
        return {"anyOf": [*one["anyOf"], {**listed, "items": one}]}


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
    return _longer_than_nothing(value)


Within = Annotated[
    Duration | str,
    PlainValidator(_within),
    _AS_TEXT,
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


_PAIR_SCHEMA = {"anyOf": [_NAME, {"type": "object", "minProperties": 1, "maxProperties": 1}]}
Pair = Annotated[tuple[str, str], BeforeValidator(_pair), WithJsonSchema(_PAIR_SCHEMA)]
Match = Annotated[tuple[Pair, ...], BeforeValidator(_listed)]
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


def _channel(value: object) -> str:
    if value == "email":
        return "email"
    if isinstance(value, str):
        raise not_built(f"The channel `{value[:40]}`", "use email")
    raise coded("SW-RULE-013", "This is no channel", "email")


Channel = Annotated[str, PlainValidator(_channel), WithJsonSchema({"type": "string", "enum": ["email"]})]
Channels = Annotated[
    tuple[Channel, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
]


class NotifyDoc(Doc):
    """Tell people. Without `subject` and `text` the rule's title and the facts of the alert are told."""

    to: Names
    via: Channels = ("email",)
    subject: Text | None = None
    text: Text | None = None


class TaskDoc(Doc):
    """Give somebody something to do."""

    to: FieldPath
    title: Text
    due: PositiveLength
    text: Text | None = None


class ApprovalStep(Doc):
    """One step of a chain: `any` one of the receivers decides, or `all` must agree."""

    any: Names | None = None
    all: Names | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.any is None) is (self.all is None):
            raise coded("SW-RULE-012", "An approval step is one of `any` and `all`", "{any: [owner.manager]}")
        return self


def _on_timeout(value: object) -> str:
    if value == "escalate":
        raise not_built("`on_timeout: escalate`", "use remind or reject")
    if value in ("remind", "reject"):
        return str(value)
    raise coded("SW-RULE-014", "This value is not allowed", "remind or reject")


class ApprovalDoc(Doc):
    """Ask for a decision on the field `of`, step by step."""

    of: FieldPath
    chain: Annotated[tuple[ApprovalStep, ...], Field(min_length=1, max_length=20)]
    via: Channels = ("email",)
    timeout: PositiveLength | None = None
    on_timeout: Annotated[
        str, PlainValidator(_on_timeout), WithJsonSchema({"type": "string", "enum": ["remind", "reject"]})
    ] = "remind"
    subject: Text | None = None
    text: Text | None = None


class ActionDoc(Doc):
    """What is done when the rule fires: exactly one key."""

    model_config = ConfigDict(json_schema_extra=ONE_KEY)

    notify: NotifyDoc | None = None
    task: TaskDoc | None = None
    approval: ApprovalDoc | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        names = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(names) != 1:
            found = " and ".join(names) or "none"
            raise coded(
                "SW-RULE-019", f"An action has exactly one kind, this has {found}", "notify: {to: [owner]}"
            )
        return self


def _rule_id(value: object) -> str:
    if isinstance(value, str) and len(value) <= 100 and KEBAB.fullmatch(value):
        return value
    raise coded(
        "SW-RULE-016",
        "The rule id is not kebab-case",
        "lower-case letters, digits and single hyphens, at most 100 characters: stale-opportunity",
        _kebab_hint(value),
    )


def _kebab_hint(value: object) -> str:
    words = re.findall(r"[a-z0-9]+", str(value).lower())
    return f"write {'-'.join(words)[:100].strip('-')}" if words else "give it an id such as stale-opportunity"


RuleId = Annotated[
    str, PlainValidator(_rule_id), WithJsonSchema({"type": "string", "pattern": f"^{KEBAB.pattern}$"})
]


def _shape_of_once(value: Any) -> str:
    return "<episode>" if value == "episode" else "<length>"


OncePer = Annotated[
    Annotated[Literal["episode"], Tag("<episode>")] | Annotated[PositiveLength, Tag("<length>")],
    Discriminator(_shape_of_once),
]


class RuleDoc(Doc):
    """One rule. See the rule language for what each key means."""

    rule: RuleId
    title: Annotated[Text, Field(min_length=1, max_length=500)]
    watch: FieldPath
    when: When
    where: ConditionDoc | None = None
    severity: Literal["info", "warning", "critical"] = "warning"
    then: tuple[ActionDoc, ...] = ()
    remind: PositiveLength | None = None
    once_per: OncePer | None = None
    grace: Length | None = None
    state_on_edit: Literal["keep", "reset", "recompute"] = "keep"
    enrol: Literal["existing", "new"] = "existing"
    enabled: StrictBool = True
