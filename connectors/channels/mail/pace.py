"""A limit of messages per minute: a sliding window over the instants of the last sends. Time is an
argument.
"""

from __future__ import annotations

from collections import deque

MINUTE = 60_000_000


class Pace:
    """At most `per_minute` sends in any 60 seconds; None means no limit.

    Example:
        >>> pace = Pace(1)
        >>> pace.note(0)
        >>> pace.ready_at(1)
        60000000
    """

    def __init__(self, per_minute: int | None) -> None:
        self._limit = per_minute
        self._sends: deque[int] = deque(maxlen=per_minute)

    def ready_at(self, now: int) -> int:
        """The earliest instant, in microseconds, at which one more send keeps the limit; `now` when at
        once.
        """
        if self._limit is None or len(self._sends) < self._limit:
            return now
        return max(now, self._sends[0] + MINUTE)

    def note(self, now: int) -> None:
        """One message was handed over at `now`."""
        if self._limit is not None:
            self._sends.append(now)
