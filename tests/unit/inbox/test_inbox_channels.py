"""By which channels a person is told: those of the rule; the end comes by those of the beginning."""

from __future__ import annotations

from typing import Any

from schemas.time import DAY
from tests.unit.inbox.world import Inbox, notice

WECOM: dict[str, Any] = {"via": ["wecom"], "addresses": {"wecom": "w-li"}}
BOTH: dict[str, Any] = {"via": ["email", "wecom"], "addresses": {"wecom": "w-li"}}


def ways(records: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(r["reason"], r["channel"], r["address"]) for r in records]


def test_the_channels_of_the_notice_are_those_of_its_messages_and_reminders() -> None:
    inbox = Inbox()
    assert ways(inbox.take(notice(remind="1d", **WECOM))) == [("fired", "wecom", "w-li")]
    assert ways(inbox.advance(DAY)) == [("reminder", "wecom", "w-li")]


def test_a_channel_named_twice_is_one_message() -> None:
    made = Inbox().take(notice(via=["email", "email"]))
    assert ways(made) == [("fired", "email", "li@example.com")]


def test_the_end_comes_by_the_channels_of_the_beginning() -> None:
    inbox = Inbox()
    inbox.take(notice(**WECOM), notice("m1", alert="a2"))
    ends = (notice("n2", "resolved", addresses=WECOM["addresses"]), notice("m2", "resolved", alert="a2"))
    assert ways(inbox.take(*ends)) == [("resolved", "wecom", "w-li"), ("resolved", "email", "li@example.com")]


def test_an_alert_that_stands_again_is_told_as_before() -> None:
    inbox = Inbox()
    inbox.take(notice(**BOTH), notice("n2", "resolved"))
    again = inbox.take(notice("n3", "fired", addresses=BOTH["addresses"]))
    assert [r["channel"] for r in again] == ["email", "wecom"]


def test_an_item_ends_by_its_own_channel() -> None:
    inbox = Inbox()
    inbox.take(notice(), notice("n2", "approval", item="p1", **WECOM))
    ended = inbox.take(notice("n3", "voided", item="p1", addresses=WECOM["addresses"]))
    assert ways(ended) == [("voided", "wecom", "w-li")]


def test_who_has_no_account_there_is_told_by_the_rest_and_the_administrator_learns_it() -> None:
    inbox = Inbox()
    made = inbox.take(notice(via=["email", "wecom"]), notice("m1", alert="a2", via=["wecom"]))
    assert ways(made) == [("fired", "email", "li@example.com"), ("undeliverable", "email", "ops@example.com")]
    assert "no wecom account" in made[1]["text"]
    assert ways(inbox.take(notice("n2", "resolved"))) == [("resolved", "email", "li@example.com")]
