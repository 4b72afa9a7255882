"""After a time in which nobody was there, a reminder comes once, however many were missed, and goes on as
before.
"""

from __future__ import annotations

from typing import Any

from schemas.time import DAY
from streams.kernel.contract import SHARED, SHARED_CHANGE, Record
from streams.machines.gaps import gap_value
from tests.unit.inbox.world import HOUR, MARCH, Inbox, notice


def down(inbox: Inbox, days: int) -> list[dict[str, Any]]:
    """Nobody is there for some days; what goes out when time comes back."""
    value = gap_value(inbox.at + 1, inbox.at + days * DAY)
    inbox.partition.receive(Record("notices", SHARED, SHARED_CHANGE, value, inbox.at, 0, 0))
    return inbox.advance(days * DAY)


def told(records: list[dict[str, Any]]) -> list[tuple[str, str, float]]:
    return [(r["alert"], r["subject"][:12], (r["at"] - MARCH) / DAY) for r in records]


def test_only_the_newest_of_the_missed_reminders_is_said() -> None:
    inbox = Inbox()
    inbox.take(notice(remind="1d"), notice("m1", alert="a2", remind="3d"))
    assert told(inbox.advance(DAY)) == [("a1", "[Reminder 1]", 1)]
    assert told(down(inbox, 10)) == [("a2", "[Reminder 1]", 9), ("a1", "[Reminder 2]", 11)]


def test_the_distance_stays_what_it_was() -> None:
    inbox = Inbox()
    inbox.take(notice(remind="36h"))
    assert told(down(inbox, 4)) == [("a1", "[Reminder 1]", 3)]
    assert told(inbox.advance(2 * DAY)) == [("a1", "[Reminder 2]", 4.5), ("a1", "[Reminder 3]", 6)]


def test_what_was_told_after_the_gap_is_not_reminded_of_at_once() -> None:
    inbox = Inbox()
    value = gap_value(inbox.at + HOUR, inbox.at + 5 * DAY)
    inbox.partition.receive(Record("notices", SHARED, SHARED_CHANGE, value, inbox.at, 0, 0))
    inbox.advance(DAY)
    inbox.take(notice(remind="1d", at=inbox.at))  # it fell due in the gap, and is told after it
    assert told(inbox.advance(4 * DAY)) == []
    assert told(inbox.advance(DAY)) == [("a1", "[Reminder 1]", 6)]


def test_it_does_not_matter_how_often_the_clock_comes() -> None:
    def run(pieces: int) -> list[dict[str, Any]]:
        inbox = Inbox()
        inbox.take(notice(remind="7h"), notice("m1", alert="a2", remind="30h"))
        value = gap_value(inbox.at + HOUR, inbox.at + 3 * DAY)
        inbox.partition.receive(Record("notices", SHARED, SHARED_CHANGE, value, inbox.at, 0, 0))
        return [record for _ in range(pieces) for record in inbox.advance(6 * DAY // pieces)]

    assert len(run(1)) > 5
    assert run(1) == run(9) == run(144)
