"""A clock that jumps, a row dated 2062: nothing fires for it, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import StreamError
from schemas.time import DAY, SECOND, parse_instant
from tests.integration.faults.desk import STALE, START, Desk, deals, event, person

YEAR_2062 = parse_instant("2062-05-01T00:00:00Z")


@pytest.mark.parametrize("jump", [30 * DAY, -30 * DAY])
def test_a_jump_of_the_clock_and_back_fires_nothing_and_loses_nothing(tmp_path: Path, jump: int) -> None:
    desk = Desk(tmp_path, [STALE])
    desk.send([person(), *deals(3)])
    desk.advance(6 * DAY)
    desk.clock.jump(jump)
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        desk.runtime.tick()
    with pytest.raises(StreamError, match="SW-STREAM-020"):
        desk.send([event("a1", "activity.logged", START, activity="a1", opportunity="O1")])
    desk.settle()
    assert desk.states() == []
    desk.clock.jump(-jump)
    desk.runtime.confirm_clock()
    desk.send([event("a1", "activity.logged", START + 6 * DAY, activity="a1", opportunity="O1")])
    desk.advance(DAY)
    assert desk.states() == [("O0", "firing"), ("O2", "firing")]
    desk.advance(6 * DAY)
    assert desk.states() == [("O0", "firing"), ("O2", "firing"), ("O1", "firing")]
    desk.runtime.close()


def test_a_row_dated_2062_counts_from_its_arrival(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [STALE])
    desk.send(
        [person(), *deals(2), event("a1", "activity.logged", YEAR_2062, activity="a1", opportunity="O0")]
    )
    desk.advance(3 * DAY)
    desk.send([event("a2", "activity.logged", YEAR_2062, activity="a2", opportunity="O1")])
    desk.advance(4 * DAY)
    assert desk.states() == [("O0", "firing")]
    desk.advance(3 * DAY - SECOND)
    assert desk.states() == [("O0", "firing")]
    desk.advance(SECOND)
    assert desk.states() == [("O0", "firing"), ("O1", "firing")]
    assert desk.runtime.at < YEAR_2062
    desk.runtime.close()


def test_history_with_a_row_from_2062_ends_now(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [STALE], now=START + 10 * DAY)
    far = deals(1, YEAR_2062)
    desk.runtime.append_history([person(), *deals(3)[1:], *far])
    desk.runtime.finish_history()
    desk.settle()
    assert desk.runtime.at == START + 10 * DAY
    assert sorted(desk.states()) == [("O1", "firing"), ("O2", "firing")]
    desk.advance(7 * DAY)
    assert desk.states()[-1] == ("O0", "firing")
    desk.runtime.close()
