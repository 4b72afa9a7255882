"""The guard against jumps, with a clock that runs faster than the wall."""

from __future__ import annotations

import pytest

from schemas.errors import StreamError
from schemas.time import SECOND
from streams.runtimes.embedded.clock import JUMP, ClockGuard, ManualClock


def fast(scale: int) -> ManualClock:
    """A clock by hand that calls itself scaled."""
    clock = ManualClock(1_000 * SECOND)
    clock.scale = scale
    return clock


def test_a_pause_between_the_readings_of_a_scaled_clock_is_no_jump() -> None:
    clock = fast(10_000)
    guard = ClockGuard(clock, 0)
    guard.read()
    clock.jump(10_000 * SECOND)  # the process slept a second between wall and monotonic time
    assert guard.read() == 11_000 * SECOND


@pytest.mark.parametrize("scale", [1, 10_000])
def test_a_jump_is_one_by_the_clocks_own_measure(scale: int) -> None:
    clock = fast(scale)
    guard = ClockGuard(clock, 0)
    guard.read()
    clock.jump(scale * JUMP + 1)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        guard.read()
