"""Reading raw JSON values as comparable keys, one small reader per domain.

A domain is a set of values with one meaning of "equal" and "less": texts, numbers, money in base currency,
days (proleptic ordinals), instants (us), durations (us), booleans. A value that cannot be read in its
domain counts as missing. No operator and no rule is known here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from enum import Enum
from zoneinfo import ZoneInfo

from rules.conditions.scope import Path, Scope
from schemas.errors import StagewatchError
from schemas.time import date_of, is_date, parse_day, parse_duration, parse_instant
from schemas.types import FieldType

Key = str | int | Decimal | bool


class Unrated(Enum):
    """The amount is there but its currency has no rate in force."""

    UNRATED = "unrated"


UNRATED = Unrated.UNRATED
Read = Key | Unrated | None
Reader = Callable[[Scope], Read]

ARITHMETIC = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
"""Wide enough that no amount of the vocabulary is rounded; never raises (a NaN counts as missing)."""


class Domain(Enum):
    """How two values are compared."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DAY = "day"
    INSTANT = "instant"
    DURATION = "duration"
    BOOL = "bool"


DOMAIN_OF: dict[FieldType, Domain] = {
    FieldType.TEXT: Domain.TEXT,
    FieldType.ID: Domain.TEXT,
    FieldType.NUMBER: Domain.NUMBER,
    FieldType.MONEY: Domain.MONEY,
    FieldType.DATE: Domain.DAY,
    FieldType.INSTANT: Domain.INSTANT,
    FieldType.DURATION: Domain.DURATION,
    FieldType.BOOL: Domain.BOOL,
}
"""The domain of a field's own values; lists and maps have none."""


def number(raw: object) -> Decimal | int | None:
    """An int, a decimal text or a float (by its shortest text) as an exact number, else None.

    >>> number("1054.00") == 1054, number(True), number("n/a")
    (True, None, None)
    """
    if type(raw) is int:
        return raw
    if type(raw) is str or type(raw) is float:
        try:
            value = Decimal(raw if type(raw) is str else repr(raw))
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    return raw if isinstance(raw, Decimal) and raw.is_finite() else None


def day(raw: object, zone: ZoneInfo) -> int | None:
    """A date text, or the local date of an instant (RFC 3339 text or int us), as an ordinal."""
    if type(raw) is str:
        try:
            if is_date(raw):
                return dt.date.fromisoformat(raw).toordinal()
            return date_of(parse_instant(raw), zone).toordinal()
        except (ValueError, StagewatchError):
            return None
    return date_of(raw, zone).toordinal() if type(raw) is int else None


def instant(raw: object, zone: ZoneInfo) -> int | None:
    """RFC 3339 text, a date text (its start in the zone) or int us, as us."""
    if type(raw) is str:
        try:
            return parse_day(raw, zone)[0] if is_date(raw) else parse_instant(raw)
        except StagewatchError:
            return None
    return raw if type(raw) is int else None


def duration(raw: object) -> int | None:
    """Int us (a derived duration) or a text like `15m`, as us. Calendar periods have no length: None."""
    if type(raw) is str:
        try:
            length = parse_duration(raw)
        except StagewatchError:
            return None
        return None if length.months else length.us
    return raw if type(raw) is int else None


def _text_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        raw = scope.get(path)
        return raw if type(raw) is str else None

    return read


def _bool_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        raw = scope.get(path)
        return raw if type(raw) is bool else None

    return read


def _number_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        return number(scope.get(path))

    return read


def _day_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        raw = scope.get(path)
        return None if raw is None else day(raw, scope.zone)

    return read


def _instant_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        raw = scope.get(path)
        return None if raw is None else instant(raw, scope.zone)

    return read


def _duration_reader(path: Path) -> Reader:
    def read(scope: Scope) -> Read:
        return duration(scope.get(path))

    return read


_READERS: dict[Domain, Callable[[Path], Reader]] = {
    Domain.TEXT: _text_reader,
    Domain.BOOL: _bool_reader,
    Domain.NUMBER: _number_reader,
    Domain.DAY: _day_reader,
    Domain.INSTANT: _instant_reader,
    Domain.DURATION: _duration_reader,
}


def reader(path: Path, domain: Domain, currencies: tuple[Path, ...] = ()) -> Reader:
    """A function from a scope to the key at `path`: None when missing or unreadable, UNRATED without a rate.

    currencies: for money, where its currency may stand; the first that is there counts, none means base.
    """
    if domain is Domain.MONEY:
        return _money_reader(path, currencies)
    return _READERS[domain](path)


def _money_reader(path: Path, currencies: tuple[Path, ...]) -> Reader:
    def read(scope: Scope) -> Read:
        amount = number(scope.get(path))
        if amount is None:
            return None
        for place in currencies:
            currency = scope.get(place)
            if type(currency) is str:
                rate = scope.rate(currency)
                if rate is None:
                    scope.missing_rate(currency)
                    return UNRATED
                return amount if rate == 1 else multiply(amount, rate)
        return amount

    return read


def multiply(left: Decimal | int, right: Decimal | int) -> Decimal | None:
    """The product, None when it is no finite number."""
    product = ARITHMETIC.multiply(Decimal(left), Decimal(right))
    return product if product.is_finite() else None


def add(left: Decimal | int, right: Decimal | int) -> Decimal | None:
    """The sum, None when it is no finite number."""
    total = ARITHMETIC.add(Decimal(left), Decimal(right))
    return total if total.is_finite() else None
