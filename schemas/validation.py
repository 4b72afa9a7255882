"""Checks the ``data`` of an event by the model of its type, and puts its money and moments in canonical form.

The model judges, the raw ``data`` goes on: unknown keys and the sender's spelling are kept. A type that the
registry does not know is checked by its kind's fields, if the kind is known. The envelope is not checked
here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from schemas.errors import EventError, show
from schemas.events.registry import EVENT_MODELS, KINDS
from schemas.introspection import FieldInfo, fields_of
from schemas.limits import place_in
from schemas.time import day_start, format_instant, is_date, parse_date
from schemas.types import CURRENCY_PATTERN, DATE_PATTERN, ID_PATTERN, WORD_PATTERN


@dataclass(frozen=True, slots=True)
class Checker:
    """How the data of one event type is checked: the model's validator, and what is canonicalised after
    it."""

    validate: Callable[[object], object]
    decimals: tuple[str, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    moments: tuple[str, ...]


def _checker(model: type[BaseModel]) -> Checker:
    fields = fields_of(model)
    lists = [(name, _decimals(info.items)) for name, info in fields.items() if _decimals(info.items)]
    return Checker(
        validate=model.__pydantic_validator__.validate_python,
        decimals=_decimals(fields),
        lists=tuple(lists),
        moments=tuple(name for name, info in fields.items() if info.mark.moment),
    )


def _decimals(fields: Mapping[str, FieldInfo]) -> tuple[str, ...]:
    return tuple(name for name, info in fields.items() if info.mark.decimal)


CHECKERS: Final[Mapping[str, Checker]] = MappingProxyType(
    {event_type: _checker(model) for event_type, model in EVENT_MODELS.items()}
)
_OF_KIND: Final = {name: _checker(kind.fields) for name, kind in KINDS.items()}


def check_data(event_type: str, data: dict[str, Any], zone: ZoneInfo, place: str) -> dict[str, Any]:
    """The data in canonical form (the same object when nothing changed).

    Raises:
        EventError: SW-EVENT-020 to -025, and -010, -011 for times.
    """
    checker = CHECKERS.get(event_type) or _OF_KIND.get(event_type.rpartition(".")[0])
    if checker is None:
        return data
    try:
        checker.validate(data)
    except ValidationError as error:
        raise _event_error(error, event_type, place) from None
    changes = _changes(checker, data, zone)
    return {**data, **changes} if changes else data


def _changes(checker: Checker, data: dict[str, Any], zone: ZoneInfo) -> dict[str, object]:
    """What is not yet canonical: integers for money, dates alone for moments."""
    changes: dict[str, object] = {}
    for name in checker.decimals:
        if type(data.get(name)) is int:
            changes[name] = str(data[name])
    for name, decimals in checker.lists:
        items = data.get(name)
        if items and any(type(item.get(part)) is int for item in items for part in decimals):
            changes[name] = [_decimal_texts(item, decimals) for item in items]
    for name in checker.moments:
        text = data.get(name)
        if text is not None and is_date(text):
            changes[name] = format_instant(day_start(parse_date(text), zone))
    return changes


def _decimal_texts(item: dict[str, Any], decimals: tuple[str, ...]) -> dict[str, Any]:
    return {
        key: str(value) if key in decimals and type(value) is int else value for key, value in item.items()
    }


_BY_ERROR: Final[dict[str, tuple[str, str, str]]] = {
    "missing": ("SW-EVENT-020", "a value", "add the field"),
    "string_type": ("SW-EVENT-021", "text", "put ids and texts in quotes"),
    "string_unicode": ("SW-EVENT-021", "text in valid Unicode", "send the text as UTF-8"),
    "float_type": ("SW-EVENT-021", "a number", "send a JSON number, without quotes"),
    "finite_number": ("SW-EVENT-015", "a finite number", "leave the field out when there is no number"),
    "int_type": ("SW-EVENT-021", "a whole number", "send a JSON integer, without quotes"),
    "bool_type": ("SW-EVENT-021", "true or false", "send a JSON boolean, without quotes"),
    "list_type": ("SW-EVENT-021", "a list", "send a JSON list, also for a single element"),
    "dict_type": ("SW-EVENT-021", "an object", "send a JSON object"),
    "model_type": ("SW-EVENT-021", "an object", "send a JSON object"),
    "string_too_short": ("SW-EVENT-025", "at least one character", "leave out what is not known"),
    "string_too_long": ("SW-EVENT-025", "a shorter text", "shorten the text"),
}
_BY_PATTERN: Final[dict[str, tuple[str, str, str]]] = {
    DATE_PATTERN: ("SW-EVENT-024", "a date such as 2026-03-02", "write the date as year-month-day"),
    ID_PATTERN: ("SW-EVENT-025", "an id without control characters", "remove line breaks and tabs"),
    WORD_PATTERN: ("SW-EVENT-025", "one lower-case word such as call", "map the value to such a word"),
    CURRENCY_PATTERN: ("SW-EVENT-025", "a currency code such as CNY", "use the ISO 4217 code"),
}
_MONEY: Final = (
    'a plain decimal in quotes such as "1054.00", or an integer (15 digits before, 6 after the point)'
)
_TIME: Final = "a time with offset such as 2026-03-02T09:30:00Z"


def _event_error(error: ValidationError, event_type: str, place: str) -> EventError:
    first = error.errors(include_url=False)[0]
    where = ".".join(["data", *(str(step) for step in first["loc"])])
    found = "nothing" if first["type"] == "missing" else show(first["input"])
    code, expected, next_step = _explain(first["type"], first["input"], first.get("ctx", {}))
    more = error.error_count() - 1
    message = f"The data of {event_type} cannot be used" + (f", and {more} more such places" if more else "")
    return EventError(
        code,
        message,
        place=place_in(place, where),
        expected=expected,
        found=found,
        next_step=next_step,
    )


def _explain(kind: str, found: object, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """(code, expected, next step) of one pydantic error."""
    if kind == "decimal":
        code = "SW-EVENT-022" if isinstance(found, float) else "SW-EVENT-023"
        return code, _MONEY, "send money as text, so that no digit is lost"
    if kind == "moment":
        expected = "a date that exists" if context["code"] == "SW-EVENT-024" else _TIME
        return context["code"], expected, "check the time in the source"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return _BY_PATTERN.get(pattern, ("SW-EVENT-025", f"text like {pattern}", "change the value"))
    if kind in _BY_ERROR:
        return _BY_ERROR[kind]
    limits = ", ".join(f"{name} {value}" for name, value in context.items())
    return "SW-EVENT-025", limits or "another value", "change the value"
