"""What became of each message: an entry of the log for the inbox of its receiver, and a receipt in a
compacted topic, which is read before anything is sent.

The entry comes first: without the receipt the message is sent again, and each sending has its entry; the
other way round one could get lost. The outbox of the cluster's delivery: rows in memory, as Kafka gives
unsettled messages again. It decides nothing about messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Notification
from connectors.channels.outbox import MINUTE, SECOND
from schemas.canonical import partition_of
from schemas.topics import RECEIPTS
from stagewatch.service.messages import Message, waiting_message
from stagewatch.worker.sharing import Gate
from streams.runtimes.cluster.codec import encode, value_of
from streams.runtimes.cluster.config import Cluster

Tell = Callable[[Message], Awaitable[object]]
"""Brings what became of a message into the log, durably."""

SENT, FAILED = "sent", "failed"

FRESH_SECONDS = 1.0
"""So old may be what is known of others' receipts when a message is sent."""

CLAIM = MINUTE
"""A claim ends so long (us) after its worker died; while an attempt goes on, it is prolonged."""


class Receipts:
    """The topic. known: notification -> state, of all that was read or written here."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._topic = cluster.name(RECEIPTS)
        self._tps = [TopicPartition(self._topic, number) for number in range(cluster.partitions)]
        self._one_by_one = asyncio.Lock()
        self._read_at = float("-inf")
        self.known: dict[str, str] = {}

    async def start(self) -> None:
        """Connect."""
        options = self._cluster.options
        self._producer = AIOKafkaProducer(enable_idempotence=True, **options)
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50, **options
        )
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign(self._tps)

    async def stop(self) -> None:
        """Close."""
        await self._producer.stop()
        await self._consumer.stop()

    @property
    def failed(self) -> int:
        """Messages that were given up."""
        return sum(1 for state in self.known.values() if state == FAILED)

    async def catch_up(self) -> None:
        """Read what others wrote, to the end as of now. Raises KafkaError."""
        async with self._one_by_one:
            asked, consumer = time.monotonic(), self._consumer
            ends = await consumer.end_offsets(self._tps)
            while any([await consumer.position(tp) < ends[tp] for tp in self._tps]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        self.known[(record.key or b"").decode()] = str(value_of(record.value)["state"])
            self._read_at = asked

    async def freshen(self) -> None:
        """As `catch_up`, unless that was a moment ago: a worker that was frozen or cut off finds out."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            await self.catch_up()

    async def write(self, message: Message) -> None:
        """Settle a message for good; returns when Kafka has it. Raises KafkaError."""
        await self._producer.send_and_wait(
            self._topic,
            key=message.id.encode(),
            value=encode(asdict(message)),
            partition=partition_of(message.id, self._cluster.partitions),
        )
        self.known[message.id] = message.state


class ReceiptOutbox(MemoryOutbox):
    """`connectors.channels.outbox.OutboxStore`: waiting rows in memory, receipts in Kafka.

    tell: into the log. settled: called with the id of each message that is settled. gate: shared by all
    workers.
    """

    def __init__(self, receipts: Receipts, tell: Tell, settled: Callable[[str], None], gate: Gate) -> None:
        super().__init__()
        self._receipts, self._tell, self._settled, self._gate = receipts, tell, settled, gate
        self._messages: dict[str, Message] = {}
        self._in_hand: dict[str, Message] = {}
        self._attempts: dict[str, asyncio.Task[None]] = {}

    def enter(self, record: Mapping[str, Any], notification: Notification, now: int) -> None:
        """A message came, perhaps once more; it is due at once. record: as the log has it. now: us."""
        if self.put(notification, now):
            self._messages[notification.id] = waiting_message(record, now)

    async def claim(self, notification: str, owner: str, until: int, now: int) -> bool:
        """See `OutboxStore.claim`. What others may have had in their hands is sent only without a receipt."""
        row = self.waiting.get(notification)
        if row is None or not await super().claim(notification, owner, until, now):
            return False
        rest, elsewhere = await self._gate.wait(row.notification, owner, now + CLAIM, now)
        await (self._receipts.catch_up() if elsewhere else self._receipts.freshen())
        if notification in self._receipts.known:
            self._drop(notification)
            return False
        if notification not in self.waiting:  # given away meanwhile
            await self._gate.release(notification, owner)
            return False
        if rest:
            self.waiting[notification] = replace(row, next_at=now + rest)
            return False
        self._in_hand[notification] = replace(self._messages[notification], attempts=row.attempts + 1)
        self._attempts[notification] = asyncio.create_task(self._prolong(notification, owner, now))
        return True

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """See `OutboxStore.mark_sent`. The claim stays: who had the message before may not know yet."""
        await self._settle(notification, SENT, receipt, at)
        self._drop(notification)

    async def mark_retry(self, notification: str, owner: str, next_at: int, reason: str) -> None:
        """See `OutboxStore.mark_retry`."""
        self._over(notification)
        await super().mark_retry(notification, owner, next_at, reason)
        await self._gate.release(notification, owner)

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """See `OutboxStore.mark_failed`."""
        row = self.waiting.get(notification)
        if row is not None and row.owner == owner:
            await self._settle(notification, FAILED, reason, at)
            self._drop(notification)

    def forget(self, wanted: Callable[[str], Any]) -> None:
        """Drop the rows that `wanted` (by id) does not keep: another worker has them now."""
        self.waiting = {name: row for name, row in self.waiting.items() if wanted(name)}
        self._messages = {name: one for name, one in self._messages.items() if wanted(name)}

    async def _settle(self, notification: str, state: str, note: str, at: int) -> None:
        """Also of a message that was given away while it was in hand."""
        message = self._in_hand.get(notification)
        if message is not None:
            message = replace(message, state=state, note=note, settled=at)
            await self._tell(message)
            await self._receipts.write(message)
            self._over(notification)

    async def _prolong(self, notification: str, owner: str, now: int) -> None:
        """Keep the claim for as long as the attempt goes on."""
        begun = time.monotonic()
        while True:
            await asyncio.sleep(CLAIM / SECOND / 4)
            at = now + int((time.monotonic() - begun) * SECOND)
            await self._gate.prolong(notification, owner, at + CLAIM, at)

    def _over(self, notification: str) -> None:
        """It is in our hands no longer."""
        del self._in_hand[notification]
        self._attempts.pop(notification).cancel()

    def _drop(self, notification: str) -> None:
        self.waiting.pop(notification, None)
        self._messages.pop(notification, None)
        self._settled(notification)
