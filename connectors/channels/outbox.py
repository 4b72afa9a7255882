"""What to do next with a message that waits in the outbox: pure decisions and the port to the durable rows.

No clock, no randomness, no I/O: `now` is an argument and the jitter comes from the notification's id, so a
replay decides the same. The rows themselves live in a store behind `OutboxStore`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.channels.channel import Delivered, Outcome, Permanent
from connectors.channels.notification import Notification

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again and when to give up; all times in microseconds.

    The wait before attempt n+1 is `first * factor**(n-1)`, at most `cap`, give or take `jitter` (a fraction).
    `channel_cap` is the longest wait when the channel as a whole is in trouble: one message probes it then.
    """

    first: int = 30 * SECOND
    factor: float = 2.0
    cap: int = 30 * MINUTE
    channel_cap: int = 2 * MINUTE
    jitter: float = 0.2
    give_up_after: int = 72 * HOUR


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One durable row: the message, when it entered, how often it was tried and who is trying it now.

    `attempts` counts finished attempts. `owner` and `lease_until` are set while somebody is sending it.
    """

    notification: Notification
    entered: int
    next_at: int
    attempts: int = 0
    last_reason: str | None = None
    owner: str | None = None
    lease_until: int | None = None


@dataclass(frozen=True, slots=True)
class MarkSent:
    """Decision: it is delivered; keep the receipt."""

    receipt: str


@dataclass(frozen=True, slots=True)
class MarkRetry:
    """Decision: try again at `next_at` (microseconds, UTC)."""

    next_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class MarkFailed:
    """Decision: final failure, to be shown to people."""

    reason: str


Decision = MarkSent | MarkRetry | MarkFailed


class OutboxStore(Protocol):
    """The durable rows. Every method commits before it returns.

    A row is in exactly one of the states waiting, sent, failed. Times are microseconds, UTC, of the
    delivery's clock.
    """

    async def due(
        self, now: int, limit: int, owner: str, excluding: Collection[str] = ()
    ) -> Sequence[OutboxRow]:
        """At most `limit` waiting rows with `next_at <= now`, by (next_at, notification id).

        Left out: rows that somebody other than `owner` leases beyond `now`, and rows of the channels
        `excluding`.
        """
        ...

    async def next_due(self, owner: str, excluding: Collection[str] = ()) -> int | None:
        """The earliest instant at which `due` can return a row (`next_at`, or the end of another's lease),
        or None.
        """
        ...

    async def claim(self, notification: str, owner: str, until: int, now: int) -> bool:
        """Lease the waiting row to `owner` until `until`, if `free_at <= now`; whether it was
        leased.
        """
        ...

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """The row is sent for ever. Asking twice is harmless; it wins over a lease that ran out."""
        ...

    async def mark_retry(self, notification: str, owner: str, next_at: int, reason: str) -> None:
        """One more attempt is over: `attempts + 1`, the lease given back; ignored unless `owner` holds the
        lease.
        """
        ...

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """Final failure, kept with its reason; ignored unless `owner` holds the lease."""
        ...


def free_at(row: OutboxRow, owner: str) -> int:
    """The earliest instant at which `owner` may try the row: due, and nobody else's lease running."""
    if row.lease_until is None or row.owner == owner:
        return row.next_at
    return max(row.next_at, row.lease_until)


def spread(notification: str, attempt: int) -> float:
    """A number in [-1, 1) that depends only on the message and the attempt, evenly spread over messages."""
    digest = hashlib.blake2b(f"{notification}/{attempt}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1.0


def backoff(name: str, attempts: int, policy: RetryPolicy, cap: int) -> int:
    """The wait in microseconds after `attempts` (1 or more) failures: exponential up to `cap`, with jitter.

    `name` is what the jitter is drawn from: the notification's id, so that messages spread.
    """
    steps = min(max(attempts, 1) - 1, 60)
    base = min(float(cap), policy.first * policy.factor**steps)
    return max(SECOND, int(base * (1.0 + policy.jitter * spread(name, attempts))))


def decide(row: OutboxRow, outcome: Outcome, now: int, policy: RetryPolicy) -> Decision:
    """What the outcome of an attempt that ended at `now` means for the row.

    A temporary failure is retried after the backoff or after what the other side asked for, whichever is
    longer, but not beyond the end of patience (`entered + give_up_after`), where a last attempt is made; a
    temporary failure at or after that instant is final.
    """
    if isinstance(outcome, Delivered):
        return MarkSent(outcome.receipt)
    if isinstance(outcome, Permanent):
        return MarkFailed(outcome.reason)
    patience = row.entered + policy.give_up_after
    if now >= patience:
        hours = policy.give_up_after / HOUR
        return MarkFailed(
            f"given up after {hours:g} h and {row.attempts + 1} attempts; last: {outcome.reason}"
        )
    cap = policy.channel_cap if outcome.scope == "channel" else policy.cap
    wait = max(backoff(row.notification.id, row.attempts + 1, policy, cap), outcome.retry_after or 0)
    return MarkRetry(min(now + wait, max(patience, now + SECOND)), outcome.reason)
