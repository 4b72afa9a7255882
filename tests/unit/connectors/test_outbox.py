"""The decisions about waiting messages: backoff, patience, leases. No store, no loop."""

import pytest

from connectors.channels.channel import Delivered, Permanent, Temporary
from connectors.channels.notification import Notification
from connectors.channels.outbox import (
    HOUR,
    MINUTE,
    SECOND,
    MarkFailed,
    MarkRetry,
    MarkSent,
    OutboxRow,
    RetryPolicy,
    backoff,
    decide,
    free_at,
)

POLICY = RetryPolicy()
NOTE = Notification(
    id="n1", channel="email", receiver="p", address="p@k.example", subject="s", text="t", reason="fired", at=0
)


def row(
    next_at: int = 0, attempts: int = 0, owner: str | None = None, lease_until: int | None = None
) -> OutboxRow:
    return OutboxRow(NOTE, 0, next_at, attempts=attempts, owner=owner, lease_until=lease_until)


def test_delivered_is_sent_with_its_receipt() -> None:
    assert decide(row(), Delivered("250 OK"), 5, POLICY) == MarkSent("250 OK")


def test_permanent_is_a_final_failure() -> None:
    assert decide(row(), Permanent("no such user"), 5, POLICY) == MarkFailed("no such user")


def test_waits_grow_and_are_capped() -> None:
    waits = [backoff("n1", attempt, POLICY, POLICY.cap) for attempt in range(1, 12)]
    assert waits[0] == pytest.approx(30 * SECOND, rel=0.2)
    assert waits[1] == pytest.approx(60 * SECOND, rel=0.2)
    assert max(waits) <= 1.2 * 30 * MINUTE
    assert backoff("n1", 10**9, POLICY, POLICY.cap) <= 1.2 * 30 * MINUTE


def test_jitter_depends_on_the_message_only() -> None:
    assert backoff("n1", 3, POLICY, POLICY.cap) == backoff("n1", 3, POLICY, POLICY.cap)
    assert len({backoff(f"n{number}", 3, POLICY, POLICY.cap) for number in range(50)}) == 50


def test_server_may_ask_for_a_longer_wait() -> None:
    decision = decide(row(), Temporary("greylisted", retry_after=7 * MINUTE), 100, POLICY)
    assert decision == MarkRetry(100 + 7 * MINUTE, "greylisted")


def test_trouble_of_the_channel_is_probed_more_often_than_trouble_of_the_message() -> None:
    tried = row(attempts=9)
    of_channel = decide(tried, Temporary("absent", scope="channel"), 0, POLICY)
    of_message = decide(tried, Temporary("later"), 0, POLICY)
    assert isinstance(of_channel, MarkRetry)
    assert isinstance(of_message, MarkRetry)
    assert of_channel.next_at <= 1.2 * POLICY.channel_cap < of_message.next_at


def test_last_attempt_is_made_when_patience_ends() -> None:
    decision = decide(row(attempts=200), Temporary("later"), 72 * HOUR - SECOND, POLICY)
    assert decision == MarkRetry(72 * HOUR, "later")


def test_given_up_when_patience_has_ended() -> None:
    decision = decide(row(attempts=9), Temporary("later"), 72 * HOUR, POLICY)
    assert decision == MarkFailed("given up after 72 h and 10 attempts; last: later")


@pytest.mark.parametrize(
    ("waiting", "owner", "instant"),
    [
        (row(next_at=7), "a", 7),
        (row(next_at=7, owner="a", lease_until=50), "a", 7),
        (row(next_at=7, owner="a", lease_until=50), "b", 50),
        (row(next_at=70, owner="a", lease_until=50), "b", 70),
    ],
)
def test_lease_keeps_others_away_until_it_ends(waiting: OutboxRow, owner: str, instant: int) -> None:
    assert free_at(waiting, owner) == instant
