"""The delivery loop: takes due rows from the outbox, sends each once through its channel, and notes what
came of it.

Nothing is lost: a row leaves the outbox only with a receipt or a final failure. Nothing is sent twice
while this process lives: a receipt that could not be written is kept and written before anything else.
Only a crash between the server's acceptance and `mark_sent` can double a message. Makes no decisions
itself: see `outbox.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Protocol

from connectors.channels.channel import Channel, Delivered, Outcome, Permanent, Temporary
from connectors.channels.outbox import (
    MINUTE,
    SECOND,
    Decision,
    MarkFailed,
    MarkRetry,
    MarkSent,
    OutboxRow,
    OutboxStore,
    RetryPolicy,
    backoff,
    decide,
)

BATCH = 100


class Clock(Protocol):
    """Where the loop gets its time from; the one of production is the wall clock."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    async def sleep(self, us: int) -> None:
        """Return after `us` microseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished attempt, for metrics, logs and alarms: the row as it was, what happened, what was
    decided; how long (us) it took.
    """

    row: OutboxRow
    outcome: Outcome
    decision: Decision
    at: int
    took: int = 0


@dataclass(slots=True)
class _Pause:
    """How long a channel rests after trouble that concerns all its messages."""

    failures: int = 0
    until: int = 0


class Delivery:
    """Sends what is due. One `run_once` is one round; `run` repeats until `stop`.

    Args:
        channels: by `Notification.channel`; a row for an unknown channel fails for good, visibly.
        store: the durable rows. owner: this process's name in leases; must be unique among living processes.
        lease: microseconds a claim lasts; an attempt is cut off after half of it.
        observe: called after each finished attempt. trouble: called by `run` with each error of the store;
            `run` then rests and goes on.
        clock: must run like the wall clock, also when the workspace's logical time is scaled: leases,
        time-outs
            and the pauses between attempts are about real servers.

    An `owner` that comes back after a crash finds its own leases free at once.

    While a channel is in trouble as a whole (server absent, login refused) one message at a time probes it
    with growing pauses; the other rows wait untouched and keep their attempts.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        store: OutboxStore,
        clock: Clock,
        *,
        owner: str,
        policy: RetryPolicy | None = None,
        lease: int = 4 * MINUTE,
        observe: Callable[[Attempt], None] | None = None,
        trouble: Callable[[Exception], None] | None = None,
    ) -> None:
        self._channels = channels
        self._store = store
        self._clock = clock
        self._owner = owner
        self._policy = policy if policy is not None else RetryPolicy()
        self._lease = lease
        self._observe = observe
        self._trouble = trouble
        self._pauses = {name: _Pause() for name in channels}
        self._receipts: dict[str, tuple[str, int]] = {}
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was put into the outbox: look now instead of at the next round."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` after the message in flight."""
        self._stop.set()
        self._wake.set()

    async def run(self, longest_rest: int = 5 * SECOND) -> None:
        """Rounds until `stop`; between them rests until the next row is due, at most `longest_rest`
        microseconds.
        """
        try:
            while not self._stop.is_set():
                self._wake.clear()
                if not await self._round_or_trouble():
                    await self._rest(longest_rest)
        finally:
            for channel in self._channels.values():
                await channel.aclose()

    async def run_once(self) -> int:
        """One round over the due rows; returns how many attempts were made.

        Raises what the store raises; the rows are then as the store left them, and the next round goes on.
        """
        await self._write_receipts()
        attempts = 0
        now = self._clock.now()
        for row in await self._store.due(now, BATCH, self._owner, self._closed(now)):
            if self._stop.is_set():
                break
            attempts += await self._one(row)
        return attempts

    async def next_round(self) -> int | None:
        """The instant, in microseconds, at which `run_once` may have something to do; None when nothing
        waits.
        """
        now = self._clock.now()
        if self._receipts:
            return now
        closed = self._closed(now)
        instants = [self._gate(name, now) for name in closed]
        due = await self._store.next_due(self._owner, closed)
        if due is not None:
            instants.append(due)
        return min(instants, default=None)

    async def _round_or_trouble(self) -> bool:
        try:
            return await self.run_once() > 0
        except Exception as error:
            if self._trouble is None:
                raise
            self._trouble(error)
            return False

    async def _one(self, row: OutboxRow) -> int:
        now = self._clock.now()
        channel = self._channels.get(row.notification.channel)
        if channel is not None and self._gate(row.notification.channel, now) > now:
            return 0
        if not await self._store.claim(row.notification.id, self._owner, now + self._lease, now):
            return 0
        outcome = await self._send(channel, row) if channel is not None else _no_channel(row)
        await self._settle(row, outcome, now)
        return 1

    async def _send(self, channel: Channel, row: OutboxRow) -> Outcome:
        limit = self._lease / 2 / SECOND
        try:
            async with asyncio.timeout(limit):
                return await channel.send(row.notification)
        except TimeoutError:
            return Temporary(f"no result within {limit:g} s", scope="channel")
        except Exception as error:  # a fault in the channel must not hold up the messages behind this one
            return Temporary(f"channel fault: {type(error).__name__}: {error}", alarm=True)

    async def _settle(self, row: OutboxRow, outcome: Outcome, began: int) -> None:
        now = self._clock.now()
        decision = decide(row, outcome, now, self._policy)
        self._note_channel(row, outcome, now)
        if self._observe is not None:
            self._observe(Attempt(row, outcome, decision, now, max(0, now - began)))
        await self._write(row.notification.id, decision, now)

    async def _write(self, notification: str, decision: Decision, now: int) -> None:
        match decision:
            case MarkSent(receipt):
                self._receipts[notification] = (receipt, now)
                await self._write_receipts()
            case MarkRetry(next_at, reason):
                await self._store.mark_retry(notification, self._owner, next_at, reason)
            case MarkFailed(reason):
                await self._store.mark_failed(notification, self._owner, reason, now)

    async def _write_receipts(self) -> None:
        for notification, (receipt, at) in list(self._receipts.items()):
            await self._store.mark_sent(notification, self._owner, receipt, at)
            del self._receipts[notification]

    def _closed(self, now: int) -> frozenset[str]:
        return frozenset(name for name in self._channels if self._gate(name, now) > now)

    def _gate(self, name: str, now: int) -> int:
        return max(self._pauses[name].until, self._channels[name].ready_at(now))

    def _note_channel(self, row: OutboxRow, outcome: Outcome, now: int) -> None:
        pause = self._pauses.get(row.notification.channel)
        if pause is None:
            return
        if isinstance(outcome, Temporary) and outcome.scope == "channel":
            pause.failures += 1
            rest = backoff(row.notification.channel, pause.failures, self._policy, self._policy.channel_cap)
            pause.until = now + max(rest, outcome.retry_after or 0)
        elif isinstance(outcome, Delivered):
            pause.failures, pause.until = 0, 0

    async def _rest(self, longest: int) -> None:
        try:
            due = await self.next_round()
        except Exception as error:
            if self._trouble is None:
                raise
            self._trouble(error)
            due = None
        rest = longest if due is None else min(longest, max(due - self._clock.now(), 0))
        await _first_of(self._wake.wait(), self._clock.sleep(rest))


def _no_channel(row: OutboxRow) -> Outcome:
    return Permanent(f"no channel named {row.notification.channel!r} is set up")


async def _first_of(*waits: Coroutine[None, None, object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
