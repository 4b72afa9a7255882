"""Messages of this worker's partitions go to their channels; each is settled by a receipt at once.

A message is acknowledged to Kafka only when it is settled, so it comes again after a crash; the receipts,
read to their end before anything is sent, say what was sent already. Only a crash between the mail server's
250 and the receipt sends twice, with the same Message-ID. What became of a message is an entry of the log,
too. It decides nothing about messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import faust
import msgspec
import structlog
from faust.types import EventT, StreamT

from connectors.channels.channel import Channel
from connectors.channels.delivery import Attempt, Delivery
from connectors.channels.notification import decode_notification
from schemas.errors import StagewatchError
from stagewatch.service.wall import WallClock
from stagewatch.worker.acking import InOrder
from stagewatch.worker.receipts import ReceiptOutbox, Receipts, Tell
from stagewatch.worker.sharing import Gate
from stagewatch.worker.stages import told_of
from streams.kernel.contract import StorageError
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.config import Cluster
from streams.views.redis.messages import RedisMessages

STOP_SECONDS = 0.8

Sign = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes the wanted links of a message's record into signed ones."""

log = structlog.get_logger("stagewatch.delivery")


class Delivering:
    """`start`, the agent, `stop`. sign: at the moment of sending; what is stored holds no valid link.

    tell: what became of a message, into the log. gate: claims and limits that all workers share. view: told
    of each message that waits, if Redis is there.
    """

    def __init__(
        self,
        cluster: Cluster,
        channels: Mapping[str, Channel],
        sign: Sign,
        tell: Tell,
        observe: Callable[[Attempt], None],
        owner: str,
        gate: Gate,
        view: RedisMessages,
    ) -> None:
        self._cluster, self._view = cluster, view
        self._sign = sign
        self._events: dict[str, EventT[Any]] = {}
        self._acks: InOrder[EventT[Any]] = InOrder()
        self._receipts = Receipts(cluster)
        self._outbox = ReceiptOutbox(self._receipts, tell, self._settled, gate)
        self._delivery = Delivery(
            channels, self._outbox, WallClock(), owner=owner, observe=observe, trouble=_trouble
        )
        self._stale = True
        self._running: asyncio.Task[None] | None = None

    async def start(self, app: faust.App) -> None:
        """Begin to send what the agent brings."""
        await self._receipts.start()
        app.on_partitions_assigned.connect(self._assigned)
        self._running = asyncio.create_task(self._delivery.run())

    async def stop(self) -> None:
        """End after the message in flight."""
        self._delivery.stop()
        if self._running is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._running
        await self._receipts.stop()

    def counts(self) -> tuple[int, int]:
        """(waiting, failed) messages: of this worker's partitions; of all receipts that it has seen."""
        return len(self._outbox.waiting), self._receipts.failed

    async def agent(self, stream: StreamT[Any]) -> None:
        """Take messages; each stays unacknowledged until it is settled."""
        events = cast("faust.Stream[Any]", stream).noack().events()
        async for event in events:
            self._acks.took(event)
            if self._stale:
                self._stale = False
                await self._receipts.catch_up()
            try:
                if self._take(event):
                    await self._show(event)
            except (msgspec.ValidationError, StagewatchError) as error:
                log.warning("message not readable", error=str(error))
                self._acks.settled(event)

    # -- inside ------------------------------------------------------------------------------------------

    async def _show(self, event: EventT[Any]) -> None:
        told = told_of(self._cluster, event.message, event.message.timestamp)
        with contextlib.suppress(StorageError):
            await asyncio.to_thread(self._view.project, [] if told is None else [told])

    def _take(self, event: EventT[Any]) -> bool:
        """Whether it is to be sent."""
        record = value_of(event.message.value)
        notification = decode_notification(dict(self._sign(record)))
        if notification.id in self._receipts.known:
            self._acks.settled(event)
            return False
        self._events[notification.id] = event
        self._outbox.enter(record, notification, int(event.message.timestamp * 1_000_000))
        self._delivery.wake()
        return True

    def _settled(self, notification: str) -> None:
        event = self._events.pop(notification, None)
        if event is not None:
            self._acks.settled(event)

    async def _assigned(self, app: Any, /, *assigned: Any, signal: object = None, **_: Any) -> None:
        """Others may have sent meanwhile; what went to others is theirs."""
        self._stale = True
        self._acks.forget()
        numbers = {tp.partition for tps in assigned for tp in tps}

        def ours(name: str) -> bool:
            event = self._events.get(name)
            return event is not None and event.message.partition in numbers

        self._outbox.forget(ours)
        self._events = {name: event for name, event in self._events.items() if ours(name)}


def _trouble(error: Exception) -> None:
    log.warning("delivery in trouble, tried again", error=f"{type(error).__name__}: {error}")
