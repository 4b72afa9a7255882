"""Times as rule tests write them: a beginning, and elapsed time added or taken away.

    0d   7d   7d - 1us   -2h            from the test's `start`
    2026-03-02                          that day's start in the settings' zone
    2026-03-02 09:00   2026-03-02 09:00 + 30d - 1us
    2026-03-02T09:00:00+08:00           RFC 3339

Units: us ms s m h d w, elapsed (a day is 24 hours).
"""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from schemas.errors import EventError, RuleError, show
from schemas.time import DAY, SECOND, day_start, parse_date, parse_instant

UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": DAY,
    "w": 7 * DAY,
}

_TERM = re.compile(r"\s*([+-]?)\s*([0-9]{1,9})(us|ms|s|m|h|d|w)(?![a-z])")
_LOCAL = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?"
)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})")


def read_time(text: str, start: int | None, zone: ZoneInfo, place: str = "") -> int:
    """The instant (us) that `text` means; `start` (us) is where offsets count from, None: there is none yet.

    Raises:
        RuleError: SW-RULE-071.
    """
    base, rest = _begin(text, zone, place)
    if base is None:
        if start is None:
            raise _error(text, place, "`start` itself is a date or time")
        base = start
    return base + _elapsed(rest, text, place)


def _begin(text: str, zone: ZoneInfo, place: str) -> tuple[int | None, str]:
    """The absolute beginning, if there is one, and what follows it."""
    try:
        if match := _INSTANT.match(text):
            return parse_instant(match[0]), text[match.end() :]
        if match := _LOCAL.match(text):
            day = parse_date(match[1])
            if match[2] is None:
                return day_start(day, zone), text[match.end() :]
            local = datetime.combine(day, time.fromisoformat(match[2]), zone)
            return parse_instant(local.isoformat()), text[match.end() :]
    except (EventError, ValueError):
        raise _error(text, place, "write a day and time that exist") from None
    return None, text


def _elapsed(rest: str, text: str, place: str) -> int:
    total, end = 0, 0
    while match := _TERM.match(rest, end):
        sign = -1 if match[1] == "-" else 1
        total += sign * int(match[2]) * UNITS[match[3]]
        end = match.end()
    if rest[end:].strip() or (end == 0 and rest == text):
        raise _error(
            text, place, "write for example 7d, 7d - 1us, 2026-03-02 09:00 or 2026-03-02T09:00:00+08:00"
        )
    return total


def _error(text: str, place: str, next_step: str) -> RuleError:
    expected = "a time, or elapsed time from the test's start"
    return RuleError("SW-RULE-071", place=place, expected=expected, found=show(text), next_step=next_step)
