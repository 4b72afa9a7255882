"""Texts for people with `{field}` in them: parsed once against declared fields, rendered in two languages.

    {opportunity.name}   a field in the form usual for its kind        {{ }}   literal braces
    {amount:money}       a field in a named form (FORMS); nothing else of Python's format language exists

Pure and bounded: no attribute access, no calls, no loops; a template, each value and the whole output have a
greatest length. Line breaks and control characters in values become spaces, so a customer's name cannot forge
a mail header.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo

from rules import words
from schemas.errors import RuleError, StagewatchError
from schemas.time import date_of, is_date, parse_date, parse_duration, parse_instant
from schemas.types import FieldType

MAX_TEMPLATE = 1_000
MAX_VALUE = 200
MAX_OUTPUT = 2_000
MISSING = "—"
CUT = "…"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its ISO 4217 currency."""

    amount: Decimal | int
    currency: str


Value = str | int | float | Decimal | bool | date | Money | None
"""A field's value as it stands in `data` (see FieldType), or as Python: Decimal, Money, date, us for time."""

TypeOf = Callable[[str], FieldType | None]
"""Path -> the field's type, None for a field that does not exist; `dict.get` will do."""


@dataclass(frozen=True, slots=True)
class Style:
    """How values are written: language, base currency, zone of dates (receiver's, else organisation's)."""

    language: Literal["zh", "en"]
    zone: ZoneInfo
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Slot:
    """One `{path:form}`; `form` is filled in from the kind when the text names none."""

    path: str
    kind: FieldType
    form: str


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: literal strings and slots in turn. `fields` are the paths it needs, in order."""

    source: str
    parts: tuple[str | Slot, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.path for part in self.parts if isinstance(part, Slot)))


ALERT_FIELDS: dict[str, FieldType] = {
    "due": FieldType.INSTANT,
    "silence": FieldType.DURATION,
    "title": FieldType.TEXT,
    "severity": FieldType.TEXT,
}
"""What an alert adds to the fields of its entity: when it fell due, how long nothing had happened by then,
the rule's title and severity. A field of the entity of the same name goes first."""

FORMS: dict[str, frozenset[FieldType]] = {
    "money": frozenset({FieldType.MONEY, FieldType.NUMBER}),
    "number": frozenset({FieldType.MONEY, FieldType.NUMBER}),
    "percent": frozenset({FieldType.NUMBER}),
    "date": frozenset({FieldType.DATE, FieldType.INSTANT}),
    "time": frozenset({FieldType.INSTANT}),
    "days": frozenset({FieldType.DURATION}),
}
"""The forms a template may name, with the kinds each is for. `percent` takes a ratio (0.25 is 25%)."""

_USUAL = {
    FieldType.NUMBER: "number",
    FieldType.MONEY: "money",
    FieldType.DATE: "date",
    FieldType.INSTANT: "time",
    FieldType.DURATION: "days",
    FieldType.BOOL: "flag",
}

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SLOT = re.compile(r"([A-Za-z_][\w.]*)(?::([a-z]+))?")
_WIDE = re.compile(r"[｛{]\s*([^{}｛｝]*?)\s*[｝}]")


def parse(text: str, type_of: TypeOf, names: Iterable[str] = (), place: str = "") -> Template:
    """Parse `text` against the declared fields; `names` feed suggestions, `place` says where the text stands.

    Raises RuleError: SW-RULE-061 (braces, length), 062 (unknown field), 063 (form not for the kind).

    >>> parse("跟进 {opportunity.name}", {"opportunity.name": FieldType.TEXT}.get).fields
    ('opportunity.name',)
    """
    if len(text) > MAX_TEMPLATE:
        raise _error(
            "SW-RULE-061", place, f"at most {MAX_TEMPLATE} characters", f"{len(text)}", "shorten the text"
        )
    _refuse_wide_braces(text, type_of, place)
    parts: list[str | Slot] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        parts.append(_part(token, type_of, names, place))
        end = token.end()
    parts.append(text[end:])
    return Template(text, _joined(parts))


def render(
    template: Template, value_of: Callable[[str], Value], style: Style, limit: int = MAX_OUTPUT
) -> str:
    """The text with values filled in, at most `limit` characters; a missing value (None) is written "—".

    value_of: path -> value, of the Python type that the field's Kind names. Raises nothing of its own.
    """
    out: list[str] = []
    for part in template.parts:
        out.append(part if isinstance(part, str) else _written(part, value_of(part.path), style))
    return _cut("".join(out), limit)


def _part(token: re.Match[str], type_of: TypeOf, names: Iterable[str], place: str) -> str | Slot:
    whole, inside = token.group(0), token.group(1)
    if whole in ("{{", "}}"):
        return whole[0]
    if inside is None:
        raise _error("SW-RULE-061", place, "`{field}`", whole, f"write `{whole * 2}` for a literal `{whole}`")
    return _slot(inside, type_of, names, place)


def _slot(inside: str, type_of: TypeOf, names: Iterable[str], place: str) -> Slot:
    match = _SLOT.fullmatch(inside)
    if match is None:
        step = "only a field's path and one of the forms may stand in braces; `{{` writes a brace"
        raise _error("SW-RULE-061", place, "`{field}` or `{field:form}`", f"{{{inside}}}", step)
    path, form = match.group(1), match.group(2)
    kind = type_of(path)
    if kind is None:
        close = get_close_matches(path, list(names), n=1, cutoff=0.5)
        step = f"did you mean `{{{close[0]}}}`?" if close else "see the fields of the watched entity"
        raise _error("SW-RULE-062", place, "a field declared for the watched entity", f"{{{path}}}", step)
    if form is not None and kind not in FORMS.get(form, ()):
        fitting = [name for name, kinds in FORMS.items() if kind in kinds]
        expected = f"a form for {kind} fields: {', '.join(fitting) or 'none'}"
        raise _error("SW-RULE-063", place, expected, f"{{{inside}}}", f"write `{{{path}}}`")
    return Slot(path, kind, form or _USUAL.get(kind, "text"))


def _refuse_wide_braces(text: str, type_of: TypeOf, place: str) -> None:
    for match in _WIDE.finditer(text):
        whole, path = match.group(0), match.group(1).partition(":")[0]
        if ("｛" in whole or "｝" in whole) and type_of(path) is not None:
            raise _error("SW-RULE-061", place, "half-width braces", whole, f"write `{{{match.group(1)}}}`")


def _error(code: str, place: str, expected: str, found: str, next_step: str) -> RuleError:
    return RuleError(
        code,
        "the text template cannot be used",
        place=place,
        expected=expected,
        found=found,
        next_step=next_step,
    )


def _joined(parts: list[str | Slot]) -> tuple[str | Slot, ...]:
    """Neighbouring literals in one, empty ones dropped."""
    out: list[str | Slot] = []
    for part in parts:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part != "":
            out.append(part)
    return tuple(out)


def _written(slot: Slot, value: Value, style: Style) -> str:
    if value is None or value == "":
        return MISSING
    try:
        text = _WRITERS[slot.form](value, style)
    except (ValueError, ArithmeticError, StagewatchError):
        text = str(value)  # a value not of its declared type is shown as it stands: the notice must go out
    return _cut(_clean(text), MAX_VALUE)


def _money(value: Value, style: Style) -> str:
    if isinstance(value, Money):
        return words.money(value.amount, value.currency, style.language)
    return words.money(_decimal(value), style.currency, style.language)


def _number(value: Value, style: Style) -> str:
    return words.number(_decimal(value.amount if isinstance(value, Money) else value))


def _percent(value: Value, style: Style) -> str:
    return f"{words.number((_decimal(value) * 100).quantize(Decimal('0.1')))}%"


def _date(value: Value, style: Style) -> str:
    return words.day(_day_of(value, style.zone), style.language)


def _time(value: Value, style: Style) -> str:
    at = parse_instant(value) if isinstance(value, str) else _whole(value)
    return words.instant(at, style.zone, style.language)


def _days(value: Value, style: Style) -> str:
    return words.duration(
        parse_duration(value).us if isinstance(value, str) else _whole(value), style.language
    )


_WRITERS: dict[str, Callable[[Value, Style], str]] = {
    "text": lambda value, style: str(value),
    "flag": lambda value, style: words.flag(bool(value), style.language),
    "money": _money,
    "number": _number,
    "percent": _percent,
    "date": _date,
    "time": _time,
    "days": _days,
}


def _decimal(value: Value) -> Decimal:
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise ValueError(number)
    return number


def _day_of(value: Value, zone: ZoneInfo) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return parse_date(value) if is_date(value) else date_of(parse_instant(value), zone)
    return date_of(_whole(value), zone)


def _whole(value: Value) -> int:
    return int(str(value))


def _clean(text: str) -> str:
    """Control characters, line separators and direction overrides become spaces."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c for c in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - 1)] + CUT
