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
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
    model_validator,
)

from rules.conditions.model import ConditionDoc, Doc, FieldPath, Text, coded
from rules.document_types import (
    ONE_KEY,
    Length,
    Names,
    PositiveLength,
    listed,
    not_built,
)
from rules.when import When

NOT_BUILT: dict[str, frozenset[str]] = {
    "RuleDoc": frozenset({"escalate", "settle", "inhibit"}),
    "When": frozenset({"dwell", "count", "sequence", "kpi", "kpi_drop", "schedule"}),
}
"""Model -> keys of the language that are refused as not built yet."""


KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


CHANNELS = ("email",)
"""Ways to reach people that are built; `connectors/channels` has them."""


def _channel(value: object) -> str:
    if isinstance(value, str) and value in CHANNELS:
        return value
    if isinstance(value, str):
        raise not_built(f"The channel `{value[:40]}`", f"use {' or '.join(CHANNELS)}")
    raise coded("SW-RULE-013", "This is no channel", " or ".join(CHANNELS))


Channel = Annotated[str, PlainValidator(_channel), WithJsonSchema({"type": "string", "enum": list(CHANNELS)})]
Channels = Annotated[
    tuple[Channel, ...],
    BeforeValidator(listed),
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
    via: Channels = ("email",)
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
