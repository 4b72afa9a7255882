"""The value side of a leaf: a constant, the date of today, or another field. Compiled to a `read(scope)`.

Must not know operators. All values are keys of the leaf's domain.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from rules.conditions.scope import Path, Scope
from rules.conditions.values import UNRATED, Key, Read, Reader, add, multiply
from schemas.time import DAY, Duration, date_of, parse_duration


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A literal, already a key of the leaf's domain."""

    key: Key

    def read(self, scope: Scope) -> Read:
        """The key."""
        return self.key


@dataclass(frozen=True, slots=True, eq=False)
class Today:
    """The local date of the judged instant, moved by `sign` times `offset` (days, weeks, months)."""

    offset: Duration
    sign: int = 1

    def read(self, scope: Scope) -> Read:
        """The day's ordinal."""
        return self.of(date_of(scope.at, scope.zone).toordinal())

    def of(self, today: int) -> int:
        """The moved day for a given today; monotone in `today`. Kept within the calendar."""
        months = self.sign * self.offset.months
        moved = _add_months(today, months) if months else today
        return min(max(moved + self.sign * (self.offset.us // DAY), 1), dt.date.max.toordinal())


def _add_months(ordinal: int, months: int) -> int:
    date = dt.date.fromordinal(ordinal)
    index = date.year * 12 + date.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if year > dt.MAXYEAR:
        return dt.date.max.toordinal()
    if year < dt.MINYEAR:
        return 1
    return dt.date(year, month, min(date.day, calendar.monthrange(year, month)[1])).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """The value of another field; `read` already holds `times` and `plus`."""

    path: Path
    read: Callable[[Scope], Read]


Operand = Constant | Today | Other


def other(path: Path, read: Reader, times: int | Decimal | None, plus: int | Decimal | None) -> Other:
    """An operand that reads another field, then multiplies and adds (numbers and money only)."""
    if times is None and plus is None:
        return Other(path, read)

    def computed(scope: Scope) -> Read:
        value = read(scope)
        if value is None or value is UNRATED or isinstance(value, str):
            return value
        product = value if times is None else multiply(value, times)
        return product if product is None or plus is None else add(product, plus)

    return Other(path, computed)


def parse_today(text: str) -> Today | None:
    """`today`, `today+7d`, `today-3d`, `today+1mo`; None for any other text or a unit shorter than a day.

    >>> parse_today("today+2w").of(100)
    114
    """
    text = text.strip()
    if text == "today":
        return Today(Duration())
    sign = {"+": 1, "-": -1}.get(text[5:6])
    if not text.startswith("today") or sign is None:
        return None
    offset = parse_duration(text[6:].strip())
    return None if offset.us % DAY else Today(offset, sign)
