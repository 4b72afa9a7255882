"""The clock port: wall clock, scaled clock, a clock by hand for tests, and the guard against jumps.

Only these read a real clock; everything behind the log lives on logical time.
"""

from __future__ import annotations

import time
from typing import Protocol

from schemas.errors import StreamError
from schemas.time import SECOND, format_instant

JUMP = 600 * SECOND
"""A wall clock that goes astray by more than that (us) against the monotonic clock stops the intake.

A scaled clock may go astray by so much more: a pause between its two readings counts as often.
"""


class Clock(Protocol):
    """Wall time and monotonic time in us. `scale` is 1 for real time."""

    scale: int

    def now(self) -> int:
        """Wall time, us since the epoch, UTC."""
        ...

    def monotonic(self) -> int:
        """Time passed since some start, us; never steps."""
        ...


class SystemClock:
    """The machine's clock."""

    scale = 1

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> int:
        return time.monotonic_ns() // 1000


class ScaledClock:
    """Runs `scale` times as fast as the wall, from `start` (us; None: from now). For trials and the demo."""

    def __init__(self, scale: int, start: int | None = None) -> None:
        self.scale = scale
        self._begin = time.monotonic_ns() // 1000
        self._start = time.time_ns() // 1000 if start is None else start
        self._stopped: int | None = None

    def now(self) -> int:
        return self._start + self.monotonic()

    def monotonic(self) -> int:
        if self._stopped is not None:
            return self._stopped
        return (time.monotonic_ns() // 1000 - self._begin) * self.scale

    def stop(self) -> None:
        """No more time passes."""
        self._stopped = self.monotonic()


class ManualClock:
    """Goes only when told: for tests and simulations."""

    scale = 1

    def __init__(self, now: int) -> None:
        self._now = now
        self._monotonic = 0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> int:
        return self._monotonic

    def advance(self, us: int) -> None:
        """Time passes."""
        self._now += us
        self._monotonic += us

    def jump(self, us: int) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._now += us


class ClockGuard:
    """Compares the wall with the monotonic clock at each reading; a clock that is right again passes.

    not_before: the newest logical time (us) in the log; a wall clock far behind it has been set back. jump:
    (expected, found) us of a jump that stopped an earlier process: after one ahead, a clock that shows what
    was found or later has not been set right since.
    """

    def __init__(self, clock: Clock, not_before: int, jump: tuple[int, int] | None = None) -> None:
        self._clock = clock
        self._not_before = not_before
        self._offset: int | None = None
        self.jump = jump

    def read(self) -> int:
        """Now, in us.

        Raises:
            StreamError: SW-STREAM-020, the wall clock has jumped by more than ten minutes.
        """
        now, monotonic = self._clock.now(), self._clock.monotonic()
        expected = self._expected(now) if self._offset is None else monotonic + self._offset
        if abs(now - expected) > JUMP * self._clock.scale:
            self.jump = (expected, now)
            raise StreamError(
                "SW-STREAM-020",
                "The wall clock has jumped; the intake is stopped",
                expected=f"about {format_instant(expected)}",
                found=format_instant(now),
                next_step="set the clock right: it goes on by itself; if it is right as it is, run"
                " `stagewatch confirm-clock`",
            )
        self._offset, self.jump = now - monotonic, None
        return now

    def _expected(self, now: int) -> int:
        """What the clock should show (us) as far as a process can know that has not read it before."""
        if self.jump is not None and self.jump[0] < self.jump[1] <= now:
            return self.jump[0]
        return max(now, self._not_before)

    def confirm(self) -> None:
        """The wall clock is right as it is."""
        self._not_before = self._clock.now()
        self._offset, self.jump = None, None
