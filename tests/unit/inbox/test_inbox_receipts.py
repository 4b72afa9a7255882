"""What became of a message is noted, and a final failure is told to the administrator once a day."""

from __future__ import annotations

from typing import Any

from streams.machines.inbox.receipt import KIND, Receipt
from tests.unit.inbox.world import HOUR, Inbox, notice


def send(inbox: Inbox, message: dict[str, Any], state: str = "failed", **more: Any) -> list[dict[str, Any]]:
    """Hand in the receipt of a message; what went out."""
    fields: dict[str, Any] = {
        "message": message["id"], "state": state, "note": "550 no such user", "channel": message["channel"],
        "receiver": message["receiver"], "reason": message["reason"], "attempts": 1, "settled": 5,
        "alert": message["alert"], "of": message.get("of", ""), "subject": message["subject"],
        "admin": "ops@example.com",
    }  # fmt: skip
    return inbox.take_raw((message["receiver"], Receipt.from_dict(fields | more).to_dict()), kind=KIND)


def row(inbox: Inbox) -> dict[str, Any]:
    found: dict[str, Any] = dict(inbox.store.scan("person:li", "a/a1"))["n1"]
    return found


def test_a_message_that_was_taken_is_noted_and_nobody_is_told() -> None:
    inbox = Inbox()
    [message] = inbox.take(notice())
    assert "sent" not in row(inbox)
    assert send(inbox, message, "sent") == []
    assert row(inbox)["sent"] == 5


def test_a_failure_is_told_to_the_administrator_once_per_person_channel_and_day() -> None:
    inbox = Inbox()
    first, second = inbox.take(notice(), notice("m1", alert="a2"))
    [told] = send(inbox, first)
    assert (told["receiver"], told["address"]) == ("role:admin", "ops@example.com")
    assert "550 no such user" in told["text"]
    assert "Stale deal" in told["text"]
    assert row(inbox)["lost"] == "550 no such user"
    assert send(inbox, second) == []
    inbox.advance(24 * HOUR)
    [again] = send(inbox, second)
    assert again["id"] != told["id"]


def test_a_message_to_the_administrator_that_fails_is_not_told_to_the_administrator() -> None:
    inbox = Inbox()
    [lost] = inbox.take(notice(address=None))
    assert lost["reason"] == "undeliverable"
    assert send(inbox, lost) == []


def test_without_an_administrator_it_is_only_noted_and_repeats_change_nothing() -> None:
    inbox = Inbox()
    [message] = inbox.take(notice())
    for _ in range(2):
        assert send(inbox, message, admin=None) == []
    assert row(inbox)["lost"] == "550 no such user"


def test_the_end_of_a_notice_that_is_forgotten_is_no_fault() -> None:
    inbox = Inbox()
    [message] = inbox.take(notice())
    assert send(inbox, message, "sent", alert="gone") == []
    assert inbox.errors() == []
