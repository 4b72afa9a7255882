"""The published JSON Schema and the model of a type say the same about any data.

One difference is known and left out: JSON Schema takes 1.0 for an integer, the models do not.
"""

import datetime as dt
import math
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from schemas.errors import EventError
from schemas.jsonschema import schema_of
from schemas.types import INSTANT_PATTERN
from schemas.validation import check_data
from tests.unit.schemas.events import TYPES, ZONE, data_of

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def is_date(value: object) -> bool:
    """The format that ECMA and JSON Schema leave to the reader: the day must exist."""
    return not isinstance(value, str) or bool(dt.date.fromisoformat(value))


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value: object) -> bool:
    return not isinstance(value, str) or bool(dt.datetime.fromisoformat(value.upper()))


def as_python(schema: Any) -> Any:
    """The schema with its patterns as Python reads ECMA's: `$` is the end, not before a last line break."""
    if isinstance(schema, dict):
        return {
            key: value.replace("$", r"\Z")
            if key == "pattern" and isinstance(value, str)
            else as_python(value)
            for key, value in schema.items()
        }
    return [as_python(part) for part in schema] if isinstance(schema, list) else schema


VALIDATORS = {
    name: Draft202012Validator(as_python(schema_of(name)), format_checker=FORMATS) for name in TYPES
}
FIRST_TYPES = {name.partition(".")[0]: name for name in reversed(TYPES) if not name.endswith("deleted")}

ODD_TEXTS = (
    *(
        "",
        "A1",
        "USD",
        "usd",
        "call",
        "Call",
        "in",
        "marketing",
        "a\tb",
        "\x7f",
        "x" * 512,
        "x" * 513,
        "华东",
    ),
    *("1054.00", "1e3", "-0", "007", "5\n", "50万", "1" * 15, "1" * 16, "0.1234567", "15m", "2wd", "7d\n"),
    *(
        "2026",
        "2026-03",
        "2026-13",
        "2026-Q1",
        "2026-W54",
        "2026-03-02",
        "2026-02-30",
        "2026-03-02\n",
        "20260302",
    ),
    *("2026-03-02T09:30:00Z", "2026-03-02T09:30:00", "2026-03-02T09:30:00+08:00", "2026-03-02t09:30:00.5z"),
    *("2026-13-02T09:30:00Z", "2026-03-02T09:30Z", "2026-03-02T09:30:00Z\n", "٢٠٢٦-03-02"),
)
ODD_NUMBERS = (0, 1, -1, 0.5, -0.5, 10**15, 10**15 - 1, -(10**15), 2**31, 2**31 - 1)
ODD_VALUES: tuple[Any, ...] = (
    *(*ODD_TEXTS, *ODD_NUMBERS, None, True, False, [], {}, [1], [None], [{}], ["A1"], [""], ["2026-03-02"]),
    *([{"amount": "1"}], [{"amount": 1.5}], [{"no": 1}], [{"no": True}], [{"namespace": "n", "id": "i"}]),
    *(
        {"kind": "contract", "id": "K1"},
        {"kind": "Contract", "id": "K1"},
        {"team": 5},
        {"wecom": "x"},
        {"wecom": 1},
    ),
)
TEXTS = st.text(max_size=8) | st.sampled_from(ODD_TEXTS)
NUMBERS = (
    st.integers(-5, 5)
    | st.sampled_from(ODD_NUMBERS)
    | st.floats(-9, 9).filter(lambda number: math.isfinite(number) and not number.is_integer())
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
OBJECTS = st.dictionaries(
    st.sampled_from(
        ["product", "amount", "no", "due_on", "kind", "id", "namespace", "team", "instalment", "wecom"]
    ),
    SCALARS,
    max_size=4,
)
VALUES = st.one_of(SCALARS, OBJECTS, st.lists(st.one_of(SCALARS, OBJECTS), max_size=3))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A type with its example data, some fields of which are replaced, added or taken away."""
    event_type = draw(st.sampled_from(TYPES))
    names = [*schema_of_properties(event_type), "unknown"]
    data = data_of(event_type)
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        if draw(st.integers(0, 4)):
            data[name] = draw(VALUES)
        else:
            data.pop(name, None)
    return event_type, data


def schema_of_properties(event_type: str) -> list[str]:
    """The fields that the schema of a type names."""
    return sorted(schema_of(event_type)["properties"])


def accepted(event_type: str, data: dict[str, Any]) -> bool:
    """Whether the model takes the data."""
    try:
        check_data(event_type, data, ZONE, "")
    except EventError:
        return False
    return True


@settings(max_examples=300)
@given(cases())
def test_model_and_schema_agree(case: tuple[str, dict[str, Any]]) -> None:
    event_type, data = case
    assert VALIDATORS[event_type].is_valid(data) == accepted(event_type, data)


@pytest.mark.parametrize("event_type", FIRST_TYPES.values())
def test_model_and_schema_agree_on_every_field_of_every_kind(event_type: str) -> None:
    validator, example = VALIDATORS[event_type], data_of(event_type)
    differences = [
        (name, value)
        for name in schema_of_properties(event_type)
        for value in ODD_VALUES
        if validator.is_valid({**example, name: value}) != accepted(event_type, {**example, name: value})
    ]
    assert differences == []


@given(st.datetimes(timezones=st.timezones()), st.sampled_from(["seconds", "microseconds"]))
def test_every_instant_fits_the_published_pattern(moment: dt.datetime, precision: str) -> None:
    text = moment.isoformat(timespec=precision)
    whole_minutes = len(text[19:].partition("+")[2] or text[19:].partition("-")[2]) == len("08:00")
    assert bool(re.search(INSTANT_PATTERN, text)) == whole_minutes
