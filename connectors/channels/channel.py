"""The port through which messages leave: what a channel is, what came of a message, and a channel in memory.

A channel tries once and says what happened. It never retries, never stores and never raises for a message
that could not be sent: that is the outbox's business (`outbox.py`, `delivery.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from connectors.channels.notification import Notification


@dataclass(frozen=True, slots=True)
class Delivered:
    """The next system has taken responsibility; `receipt` is its answer, in one line."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Temporary:
    """Not now, perhaps later.

    `retry_after` is the least wait in microseconds that the other side asked for. `scope` says what is in
    trouble: "message" (this one only) or "channel" (nothing gets through just now, so others need not be
    tried). `alarm` marks trouble that waiting does not cure, such as a refused login: an administrator has
    to act.
    """

    reason: str
    retry_after: int | None = None
    scope: Literal["message", "channel"] = "message"
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Permanent:
    """Never: the same message to the same address would be refused again."""

    reason: str


Outcome = Delivered | Temporary | Permanent


@runtime_checkable
class Channel(Protocol):
    """A way to reach people. Implementations: `MailChannel`, `MemoryChannel`."""

    @property
    def name(self) -> str:
        """The name that `Notification.channel` carries, for example "email"."""
        ...

    def ready_at(self, now: int) -> int:
        """The earliest instant (microseconds, UTC) at which the channel may send; `now` or earlier: at
        once.
        """
        ...

    async def send(self, notification: Notification) -> Outcome:
        """Try once to send; returns what happened and raises only when cancelled."""
        ...

    async def aclose(self) -> None:
        """Give back connections; the channel may be used again afterwards."""
        ...


def always_delivered(notification: Notification) -> Outcome:
    """The plan of a `MemoryChannel` that accepts everything."""
    return Delivered(f"kept {notification.id}")


@dataclass(slots=True)
class MemoryChannel:
    """A channel that keeps its messages in a list; `plan` decides what becomes of each.

    Example:
        >>> channel = MemoryChannel("email")
        >>> channel.sent
        []
    """

    name: str
    plan: Callable[[Notification], Outcome] = always_delivered
    sent: list[Notification] = field(default_factory=list)
    tried: int = 0

    def ready_at(self, now: int) -> int:
        """Always ready."""
        return now

    async def send(self, notification: Notification) -> Outcome:
        """Ask the plan; keep the message if it says delivered."""
        self.tried += 1
        outcome = self.plan(notification)
        if isinstance(outcome, Delivered):
            self.sent.append(notification)
        return outcome

    async def aclose(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True, slots=True)
class AbsentChannel:
    """A channel that could be set up and is not: it is never ready, so its messages wait until it is.

    A message for a channel that nobody knows does not wait: it fails, with the reason.
    """

    name: str

    def ready_at(self, now: int) -> int:
        """Not for another hour."""
        return now + 3_600_000_000

    async def send(self, notification: Notification) -> Outcome:
        """Not now."""
        return Temporary(f"the channel {self.name} is not set up", scope="channel")

    async def aclose(self) -> None:
        """Nothing to give back."""


class PreparingChannel:
    """A channel that completes each message just before it is sent, for example with freshly signed links.

    `prepare` gets the stored notification and returns the one to send. When it fails nothing is sent: the
    outcome is temporary, with an alarm.
    """

    def __init__(self, inner: Channel, prepare: Callable[[Notification], Notification]) -> None:
        self._inner = inner
        self._prepare = prepare

    @property
    def name(self) -> str:
        """The inner channel's name."""
        return self._inner.name

    def ready_at(self, now: int) -> int:
        """As the inner channel."""
        return self._inner.ready_at(now)

    async def send(self, notification: Notification) -> Outcome:
        """Prepare, then send by the inner channel."""
        try:
            ready = self._prepare(notification)
        except Exception as error:
            return Temporary(f"prepare: {type(error).__name__}: {error}", alarm=True)
        return await self._inner.send(ready)

    async def aclose(self) -> None:
        """As the inner channel."""
        await self._inner.aclose()
