"""Instants, days and durations. Instants are ``int`` microseconds since the Unix epoch, UTC ("us").

Text is read and written only here. Nothing here may ask what time it is now, and working time (working days,
holidays) does not belong here. All results are kept within ``MIN_INSTANT .. MAX_INSTANT``, so that an
ERP's "never" (9999-12-31) can be shifted or shown in any zone without an overflow.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from schemas.errors import EventError, RuleError, show

Precision = Literal["instant", "day"]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(Z|z|[+-][0-9]{2}:[0-9]{2})?"
)
_DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w|mo|q|y|wd|wh)")
_ELAPSED: Final = {"ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}
_MONTHS: Final = {"mo": 1, "q": 3, "y": 12}


def _from_datetime(moment: dt.datetime) -> int:
    since = moment - _EPOCH
    us = since.days * DAY + since.seconds * SECOND + since.microseconds
    return us if MIN_INSTANT <= us <= MAX_INSTANT else _inside(us)


def _inside(us: int) -> int:
    return min(max(us, MIN_INSTANT), MAX_INSTANT)


def _to_datetime(us: int, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    return (_EPOCH + dt.timedelta(microseconds=_inside(us))).astimezone(zone)


MIN_INSTANT: Final[int] = (dt.datetime(1, 1, 2, tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
MAX_INSTANT: Final[int] = (dt.datetime(9999, 12, 31, tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND


def _time_error(code: str, text: object, place: str, message: str) -> EventError:
    return EventError(
        code,
        message,
        place=place,
        expected="a time such as 2026-03-02T09:30:00Z or 2026-03-02T17:30:00+08:00",
        found=show(text),
        next_step="write the time as RFC 3339 with its offset from UTC",
    )


def parse_instant(text: str, *, place: str = "") -> int:
    """RFC 3339 text with an offset -> us. Digits beyond microseconds are cut; a leap second is refused.

    Raises:
        EventError: SW-EVENT-011 when the offset is missing, SW-EVENT-010 when it is no time at all.

    >>> parse_instant("1970-01-01T08:00:01.5+08:00")
    1500000
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise _time_error("SW-EVENT-010", text, place, "The time cannot be read")
    if match[1] is None:
        raise _time_error("SW-EVENT-011", text, place, "The time has no offset, so its instant is unknown")
    try:
        return _from_datetime(dt.datetime.fromisoformat(text.upper()))
    except ValueError as error:
        raise _time_error("SW-EVENT-010", text, place, f"The time does not exist: {error}") from None


def format_instant(us: int) -> str:
    """us -> RFC 3339 in UTC, with a fraction only if it is not zero.

    >>> format_instant(0), format_instant(1)
    ('1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000001Z')
    """
    return _to_datetime(us).replace(tzinfo=None).isoformat() + "Z"


def is_date(text: str) -> bool:
    """Whether the text has the shape of a date alone (it may still not exist, like 2026-02-30)."""
    return _DATE.fullmatch(text) is not None


def parse_date(text: str, *, place: str = "") -> dt.date:
    """ISO 8601 ``YYYY-MM-DD`` -> date.

    Raises:
        EventError: SW-EVENT-024.
    """
    try:
        if is_date(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise EventError(
        "SW-EVENT-024",
        place=place,
        expected="a date such as 2026-03-02",
        found=show(text),
        next_step="write the date as year-month-day",
    )


def parse_day(text: str, zone: ZoneInfo, *, place: str = "") -> tuple[int, Literal["day"]]:
    """A date alone -> (that day's start in the zone, "day"). Raises EventError SW-EVENT-024."""
    return day_start(parse_date(text, place=place), zone), "day"


def parse_time(text: str, zone: ZoneInfo, *, place: str = "") -> tuple[int, Precision]:
    """An instant or a date alone -> (us, precision). Raises EventError as the two it is made of."""
    if is_date(text):
        return parse_day(text, zone, place=place)
    return parse_instant(text, place=place), "instant"


def date_of(us: int, zone: ZoneInfo) -> dt.date:
    """The calendar date of an instant in the zone."""
    return _to_datetime(us, zone).date()


def day_start(date: dt.date, zone: ZoneInfo) -> int:
    """The first instant of the date in the zone (01:00 where summer time skips midnight)."""
    return _from_datetime(dt.datetime(date.year, date.month, date.day, tzinfo=zone))


def start_of_day(us: int, zone: ZoneInfo) -> int:
    """The first instant of the day that holds ``us`` in the zone."""
    return day_start(date_of(us, zone), zone)


def end_of_day(us: int, zone: ZoneInfo) -> int:
    """The first instant of the next day in the zone: the day is [start, end)."""
    date = date_of(us, zone)
    return MAX_INSTANT if date == dt.date.max else day_start(date + dt.timedelta(days=1), zone)


class Duration(msgspec.Struct, frozen=True, order=False):
    """Elapsed time (``us``, microseconds) and calendar months (``months``); both may be zero.

    Months move the wall clock of a zone and are clipped to the month's end; elapsed time is added after.
    """

    us: int = 0
    months: int = 0

    def add(self, instant: int, zone: ZoneInfo) -> int:
        """The instant this much later; months by the wall clock of the zone."""
        return self._shift(instant, zone, 1)

    def subtract(self, instant: int, zone: ZoneInfo) -> int:
        """The instant this much earlier; months by the wall clock of the zone."""
        return self._shift(instant, zone, -1)

    def _shift(self, instant: int, zone: ZoneInfo, sign: int) -> int:
        if self.months:
            instant = _add_months(instant, sign * self.months, zone)
        return _inside(instant + sign * self.us)

    def __str__(self) -> str:
        """The largest exact unit, e.g. ``7d``, ``1q``, ``0s``; what ``parse_duration`` made, it reads
        back."""
        parts = [_largest(self.months, _MONTHS)] if self.months else []
        if self.us % 1000:
            parts.append(f"{self.us}us")
        elif self.us or not parts:
            parts.append(_largest(self.us, _ELAPSED) if self.us else "0s")
        return "+".join(parts)


def _largest(amount: int, units: dict[str, int]) -> str:
    unit, size = next((u, s) for u, s in reversed(units.items()) if amount % s == 0)
    return f"{amount // size}{unit}"


def _add_months(instant: int, months: int, zone: ZoneInfo) -> int:
    local = _to_datetime(instant, zone)
    index = local.year * 12 + local.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if year > dt.MAXYEAR:
        return MAX_INSTANT
    if year < dt.MINYEAR:
        return MIN_INSTANT
    day = min(local.day, calendar.monthrange(year, month)[1])
    return _from_datetime(local.replace(year=year, month=month, day=day, fold=0))


def parse_duration(text: str, *, place: str = "") -> Duration:
    """``500ms 90s 15m 24h 7d 2w`` (elapsed) or ``1mo 1q 1y`` (calendar) -> Duration.

    Raises:
        RuleError: SW-RULE-002 for working time (``2wd``, ``8wh``), SW-RULE-001 for anything else.

    >>> parse_duration("15m"), str(parse_duration("24h"))
    (Duration(us=900000000, months=0), '1d')
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise RuleError(
            "SW-RULE-001",
            place=place,
            expected="a whole number and a unit: 500ms 90s 15m 24h 7d 2w 1mo 1q 1y",
            found=show(text),
            next_step="write it in a smaller unit when it is not whole: 90m instead of 1.5h",
        )
    number, unit = int(match[1]), match[2]
    if unit in ("wd", "wh"):
        raise RuleError(
            "SW-RULE-002",
            place=place,
            expected="elapsed time (24h, 7d) or a calendar period (1mo)",
            found=show(text),
            next_step="use elapsed time, e.g. 2d instead of 2wd, until working time is built",
        )
    if unit in _MONTHS:
        return Duration(months=number * _MONTHS[unit])
    return Duration(us=number * _ELAPSED[unit])
