"""The document form of a condition, as written in YAML or sent by the web form: frozen pydantic models.

Shape only: which fields exist and which operators fit their types is the affair of `check.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictStr,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

OPERATORS = (
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains", "starts_with", "matches",
    "is_set", "is_empty", "between", "changed",
)  # fmt: skip
ALIASES = {"==": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
"""Operators that are accepted when quoted, and what they mean."""

WITHOUT_VALUE = frozenset({"is_set", "is_empty", "changed"})
MAX_TEXT = 10_000


def coded(code: str, message: str, expected: str = "", next_step: str = "") -> PydanticCustomError:
    """A validation error that already knows its code, for `raise` inside a validator."""
    context = {"code": code, "message": message, "expected": expected, "next_step": next_step}
    return PydanticCustomError("coded", "{message}", context)


class Doc(BaseModel):
    """Base of all rule documents: frozen, unknown keys refused, scalars never coerced into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _number(value: object) -> int | Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = Decimal(repr(value)) if isinstance(value, float) else value
    if isinstance(found, Decimal) and found.is_finite():
        return found
    raise coded("SW-RULE-015", "The value is not a number", "a number, such as 500000 or 1.1")


def _scalar(value: object) -> bool | int | Decimal | str:
    if isinstance(value, str):
        if len(value) <= MAX_TEXT:
            return value
        raise coded("SW-RULE-014", "The text is too long", f"at most {MAX_TEXT} characters")
    return value if isinstance(value, bool) else _number(value)


Number = Annotated[int | Decimal, PlainValidator(_number), WithJsonSchema({"type": "number"})]
"""An exact number: a float of JSON is read by its shortest text."""
Text = Annotated[StrictStr, StringConstraints(max_length=MAX_TEXT)]
FieldPath = Annotated[StrictStr, StringConstraints(min_length=1, max_length=200)]
Scalar = Annotated[
    bool | int | Decimal | str,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]


class FieldOperand(Doc):
    """Another field as the value, changed by `times` and `plus` when it is a number or money."""

    field: FieldPath
    times: Number | None = None
    plus: Number | None = None


def _shape(value: Any) -> str:
    if isinstance(value, (dict, FieldOperand)):
        return "<field>"
    return "<list>" if isinstance(value, (list, tuple)) else "<scalar>"


Item = Annotated[
    Annotated[FieldOperand, Tag("<field>")] | Annotated[Scalar, Tag("<scalar>")], Discriminator(_shape)
]
Value = Annotated[
    Annotated[FieldOperand, Tag("<field>")]
    | Annotated[Annotated[tuple[Item, ...], Field(max_length=1000)], Tag("<list>")]
    | Annotated[Scalar, Tag("<scalar>")],
    Discriminator(_shape),
]


def _operator(value: object) -> object:
    if isinstance(value, str):
        value = ALIASES.get(value, value)
        if value in OPERATORS:
            return value
    raise coded("SW-RULE-031", "The operator is not known", f"one of {', '.join(OPERATORS)}")


Operator = Annotated[
    str, BeforeValidator(_operator), WithJsonSchema({"type": "string", "enum": [*OPERATORS, *ALIASES]})
]
SHAPES = "one of {all}, {any}, {not}, {field, op, value}, {any_of, where}, {all_of, where}"


HEADS = ("all", "any", "not", "field", "any_of", "all_of")


class ConditionDoc(Doc):
    """One condition: exactly one of the six shapes of `SHAPES`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in HEADS]})

    all: tuple[ConditionDoc, ...] | None = None
    any: tuple[ConditionDoc, ...] | None = None
    not_: ConditionDoc | None = Field(default=None, alias="not")
    field: FieldPath | None = None
    op: Operator | None = None
    value: Value | None = None
    any_of: FieldPath | None = None
    all_of: FieldPath | None = None
    where: ConditionDoc | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        heads = [name for name in ("all", "any", "not_", "field", "any_of", "all_of") if self._has(name)]
        if len(heads) != 1:
            found = " and ".join(name.rstrip("_") for name in heads) or "none of them"
            raise coded("SW-RULE-030", f"A condition needs exactly one shape, this has {found}", SHAPES)
        self._beside(heads[0])
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def _beside(self, head: str) -> None:
        """The keys that may and must stand beside the head."""
        wanted = {"field": {"op", "value"}, "any_of": {"where"}, "all_of": {"where"}}.get(head, set())
        extra = [name for name in ("op", "value", "where") if self._has(name) and name not in wanted]
        if extra:
            raise coded("SW-RULE-030", f"`{extra[0]}` does not belong beside `{head.rstrip('_')}`", SHAPES)
        if head == "field":
            self._leaf()
        elif "where" in wanted and self.where is None:
            raise coded("SW-RULE-030", f"`{head}` needs a `where` for its items", f"{{{head}, where}}")
        elif head in ("all", "any") and not getattr(self, head):
            raise coded("SW-RULE-030", f"`{head}` is an empty list", "at least one condition")

    def _leaf(self) -> None:
        if self.op is None:
            raise coded("SW-RULE-030", "The condition has no `op`", f"op: one of {', '.join(OPERATORS)}")
        if self.op in WITHOUT_VALUE:
            if "value" in self.model_fields_set:
                raise coded("SW-RULE-030", f"`{self.op}` takes no value", "field and op alone")
        elif self.value is None:
            raise coded("SW-RULE-030", f"`{self.op}` needs a value", "a literal, today or {field: path}")
