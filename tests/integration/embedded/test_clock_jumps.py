"""The wall clock jumps: the intake stops until the clock is right again, or is said to be right as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import StreamError
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from tests.integration.embedded.machines import HOUR, MACHINES, START

MINUTE = HOUR // 60


def some(count: int, name: str = "e") -> list[Entry]:
    value = {"deal": 0, "amount": 5, "wait": 2}
    return [
        Entry("crm.activity", f"deal:{n}", "event", {**value, "id": f"{name}{n}", "account": n}, 0)
        for n in range(count)
    ]


def ready(runtime: EmbeddedRuntime) -> bool:
    return runtime.ready and runtime.problem is None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def runtime(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedRuntime]:
    made = EmbeddedRuntime(tmp_path, clock=clock, options=Options(machines=MACHINES))
    yield made
    made.close()


@pytest.mark.parametrize("jump", [11 * MINUTE, -11 * MINUTE])
def test_a_jump_of_the_clock_stops_the_intake_until_confirmed(
    tmp_path: Path, clock: ManualClock, jump: int
) -> None:
    options = Options(machines=MACHINES)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=options)
    runtime.append(some(3))
    clock.jump(jump)
    for action in (partial(runtime.append, some(1)), runtime.tick, runtime.tick):
        with pytest.raises(StreamError, match="SW-STREAM-020"):
            action()
    assert runtime.process().entries == 3
    assert not ready(runtime)
    runtime.close()
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=options)
    assert not ready(runtime)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        runtime.append(some(1))
    runtime.confirm_clock()
    assert ready(runtime)
    runtime.append(some(1, "f"))
    assert runtime.at == START + max(jump, 0)
    runtime.close()


@pytest.mark.parametrize("jump", [3 * HOUR, -3 * HOUR])
def test_a_clock_that_is_right_again_is_not_asked_about(
    tmp_path: Path, clock: ManualClock, jump: int
) -> None:
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=Options(machines=MACHINES))
    runtime.append(some(3))
    clock.jump(jump)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        runtime.tick()
    clock.advance(MINUTE)
    clock.jump(-jump)
    runtime.tick()
    assert ready(runtime)
    runtime.append(some(1, "f"))
    assert runtime.at == START + MINUTE
    runtime.close()


@pytest.mark.parametrize(
    ("jump", "later", "right"),
    [
        (3 * HOUR, -2 * HOUR, True),
        (3 * HOUR, MINUTE, False),
        (-3 * HOUR, 3 * HOUR, True),
        (-3 * HOUR, HOUR, False),
    ],
)
def test_nor_after_a_restart(
    tmp_path: Path, clock: ManualClock, jump: int, later: int, *, right: bool
) -> None:
    options = Options(machines=MACHINES)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=options)
    runtime.append(some(3))
    clock.jump(jump)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        runtime.tick()
    runtime.close()
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START + jump + later), options=options)
    assert not ready(runtime)
    for _ in range(2):
        with nullcontext() if right else pytest.raises(StreamError, match="SW-STREAM-020"):
            runtime.tick()
    assert ready(runtime) is right
    runtime.close()
    again = EmbeddedRuntime(tmp_path, clock=ManualClock(START + jump + later), options=options)
    assert ready(again) is right
    again.close()


def test_small_steps_of_the_clock_are_absorbed(runtime: EmbeddedRuntime, clock: ManualClock) -> None:
    runtime.append(some(1))
    for _ in range(5):
        clock.jump(-9 * MINUTE)
        runtime.append(some(1))
    assert runtime.at == START
    clock.advance(46 * MINUTE)
    runtime.append(some(1))
    assert runtime.at == START + MINUTE


def test_a_clock_set_back_while_nothing_ran_stops_the_intake(tmp_path: Path, clock: ManualClock) -> None:
    options = Options(machines=MACHINES)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=options)
    runtime.append(some(1))
    runtime.close()
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START - HOUR), options=options)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        runtime.append(some(1))
    runtime.close()
