"""Reminders go on until somebody acts; the end is told once, to whoever was told; then the inbox forgets."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.time import DAY
from streams.stores.memory import MemoryStore
from tests.unit.inbox.world import HOUR, Inbox, notice


def reasons(records: list[dict[str, Any]]) -> list[str]:
    return [r["reason"] for r in records]


def test_reminders_come_every_interval_without_drift() -> None:
    inbox = Inbox()
    start = inbox.at
    inbox.take(notice(remind="3d"))
    assert inbox.advance(3 * DAY - 1) == []
    made = inbox.advance(1) + inbox.advance(7 * DAY)
    assert [(m["reason"], m["at"] - start) for m in made] == [("reminder", k * 3 * DAY) for k in (1, 2, 3)]
    assert [m["subject"] for m in made[:2]] == ["[Reminder 1] Stale deal", "[Reminder 2] Stale deal"]
    assert made[0]["wanted"] == made[2]["wanted"]


def test_reminders_may_be_given_in_microseconds_or_by_the_calendar() -> None:
    inbox = Inbox()
    inbox.take(notice("n1", remind=HOUR), notice("n2", alert="a2", remind="1mo", zone="Asia/Shanghai"))
    assert reasons(inbox.advance(HOUR)) == ["reminder"]
    assert [m["alert"] for m in inbox.advance(31 * DAY - HOUR)].count("a2") == 1


@pytest.mark.parametrize("kind", ["acted", "closed"])
def test_acting_and_closing_stop_reminders_silently(kind: str) -> None:
    inbox = Inbox()
    inbox.take(notice(remind="1d"), notice("n2", "task", item="k1", remind="2d"))
    assert inbox.take(notice("n3", kind)) == []
    assert inbox.advance(10 * DAY) == []


def test_ending_an_item_spares_the_others() -> None:
    inbox = Inbox()
    inbox.take(notice(remind="1d"), notice("n2", "task", item="k1", remind="1d"))
    inbox.take(notice("n3", "closed", item="k1"))
    assert len(inbox.advance(DAY)) == 1
    inbox.take(notice("n4", "task", item="k2", remind="1d"), notice("n5", "acted", about="alert"))
    assert [m["subject"] for m in inbox.advance(DAY)] == ["[Reminder 1] Stale deal"]


@pytest.mark.parametrize("kind", ["resolved", "withdrawn", "voided"])
def test_the_end_is_told_once_and_stops_reminders(kind: str) -> None:
    inbox = Inbox()
    inbox.take(notice(remind="1d"))
    assert reasons(inbox.take(notice("n2", kind), notice("n3", kind))) == [kind]
    assert inbox.advance(5 * DAY) == []


def test_the_end_is_not_told_to_whoever_was_never_told() -> None:
    inbox = Inbox()
    inbox.take(notice("n1", address=None, admin=None))
    assert inbox.take(notice("n2", "resolved"), notice("n9", "withdrawn", alert="never seen")) == []


def test_a_withdrawal_after_the_end_is_told_as_well() -> None:
    inbox = Inbox()
    inbox.take(notice())
    assert reasons(inbox.take(notice("n2", "resolved"), notice("n3", "withdrawn"))) == [
        "resolved",
        "withdrawn",
    ]


def test_an_alert_that_fires_again_is_resolved_again() -> None:
    inbox = Inbox()
    made = inbox.take(notice(), notice("n2", "resolved"), notice("n3"), notice("n4", "resolved"))
    assert reasons(made) == ["fired", "resolved", "fired", "resolved"]


def test_a_void_item_is_told_only_where_that_item_was_told() -> None:
    inbox = Inbox()
    inbox.take(notice(), notice("n2", "approval", item="p1"))
    assert inbox.take(notice("n3", "voided", item="p2")) == []
    assert reasons(inbox.take(notice("n4", "voided", item="p1"))) == ["voided"]


def test_a_missing_address_is_told_to_the_administrator_once_per_person_and_day() -> None:
    inbox = Inbox()
    lost = [notice(f"n{i}", alert=f"a{i}", address=None, zone="Asia/Shanghai") for i in range(3)]
    (record,) = inbox.take(*lost)
    assert (record["address"], record["receiver"], record["reason"]) == (
        "ops@example.com", "role:admin", "undeliverable",
    )  # fmt: skip
    assert "li" in record["subject"]
    assert "Stale deal" in record["text"]
    (other,) = inbox.take(notice("m1", receiver="wang", address=None))
    assert other["id"] != record["id"]
    inbox.advance(15 * HOUR)  # 23:00 in Shanghai
    assert inbox.take(notice("n7", alert="a7", address=None, zone="Asia/Shanghai")) == []
    inbox.advance(HOUR)
    (next_day,) = inbox.take(notice("n8", alert="a8", address=None, zone="Asia/Shanghai"))
    assert next_day["id"] != record["id"]


def test_reminders_of_what_could_not_be_sent_keep_asking_the_administrator() -> None:
    inbox = Inbox()
    inbox.take(notice(address=None, remind="1d"))
    assert reasons(inbox.advance(2 * DAY)) == ["undeliverable", "undeliverable"]


def test_closed_notices_are_forgotten_after_thirty_days_and_open_ones_are_not() -> None:
    inbox = Inbox()
    inbox.take(notice(), notice("n2", "closed"), notice("m1", alert="a2"))
    inbox.advance(29 * DAY)
    assert inbox.take(notice()) == []
    inbox.advance(DAY)
    assert inbox.rows() == len({"the notice m1", "the number of the next one"})
    assert inbox.take(notice("m1", alert="a2")) == []


class Counting(MemoryStore):
    """Counts how often rows are gone through."""

    scans = 0

    def scan(self, key: str, bucket: str) -> Iterator[tuple[str, Any]]:
        self.scans += 1
        return super().scan(key, bucket)


def test_one_more_notice_of_an_alert_does_not_go_through_those_before() -> None:
    store = Counting()
    inbox = Inbox(store)
    before = store.scans
    inbox.take(*(notice(f"n{n}", "approval", item="k1", via=["email"]) for n in range(40)))
    assert store.scans == before
    assert inbox.take(notice("end", "withdrawn", item="k1")) != []


def test_pruning_waits_for_what_closed_later() -> None:
    inbox = Inbox()
    inbox.take(
        notice("n1", "task", item="k1"), notice("n2", "task", item="k2"), notice("n3", "closed", item="k1")
    )
    inbox.advance(20 * DAY)
    inbox.take(notice("n4", "closed", item="k2"))
    inbox.advance(30 * DAY)
    assert inbox.rows() == 0
    assert inbox.store.next_due() is None
