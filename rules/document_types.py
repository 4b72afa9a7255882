"""Types that all parts of a rule document share: lengths of time, one or many names, what is not built
yet.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.config import JsonDict

from rules.conditions.model import FieldPath, coded
from schemas.errors import RuleError
from schemas.time import Duration, parse_duration

ONE_KEY: JsonDict = {"minProperties": 1, "maxProperties": 1}
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


def longer_than_nothing(value: object) -> Duration:
    """A validator: a length of time that is not zero."""
    length = _duration(value)
    if length == Duration():
        raise coded("SW-RULE-023", "The length of time is zero", "a length of time longer than nothing")
    return length


AS_TEXT = PlainSerializer(str, return_type=str)
Length = Annotated[Duration, PlainValidator(_duration), AS_TEXT, WithJsonSchema(DURATION_SCHEMA)]
PositiveLength = Annotated[
    Duration, PlainValidator(longer_than_nothing), AS_TEXT, WithJsonSchema(DURATION_SCHEMA)
]


def listed(value: object) -> object:
    """One thing stands for a list of it."""
    return [value] if isinstance(value, (str, dict)) else value


def _one_or_many(item: dict[str, object]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


NAME = {"type": "string", "minLength": 1}
Names = Annotated[
    tuple[FieldPath, ...], BeforeValidator(listed), Field(min_length=1), _one_or_many(dict(NAME))
]
"""One text or a list of them."""
