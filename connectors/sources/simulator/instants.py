"""Working hours of the simulated organisation: instants (us, UTC) of a fixed zone eight hours ahead of UTC.

Pure arithmetic. China has no summer time, so a fixed offset is exact; public holidays are left out.
"""

from __future__ import annotations

from datetime import date
from random import Random

from schemas.time import DAY, SECOND

ZONE = "Asia/Shanghai"
HOUR = 3600 * SECOND
MINUTE = 60 * SECOND
OFFSET = 8 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()
OPENS = 9 * HOUR
CLOSES = 18 * HOUR + 30 * MINUTE


def midnight(at: int) -> int:
    """The start of the local day that holds `at`."""
    return at - (at + OFFSET) % DAY


def weekday(at: int) -> int:
    """0 Monday ... 6 Sunday, local."""
    return ((at + OFFSET) // DAY + 3) % 7


def date_text(at: int, days: int = 0) -> str:
    """The local date of `at`, `days` later, as YYYY-MM-DD."""
    return date.fromordinal(_EPOCH + (at + OFFSET) // DAY + days).isoformat()


def working(at: int, rng: Random) -> int:
    """`at` itself within working hours, else a random minute of the next working morning."""
    within = (at + OFFSET) % DAY
    if weekday(at) < 5 and OPENS <= within < CLOSES:
        return at
    day = midnight(at) if within < OPENS else midnight(at) + DAY
    while weekday(day) >= 5:
        day += DAY
    return day + OPENS + rng.randrange(3 * 3600) * SECOND
