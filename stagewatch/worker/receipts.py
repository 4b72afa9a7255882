"""What became of each message: an entry of the log for the inbox of its receiver, and a receipt in a
compacted topic, which is read before anything is sent.

The entry comes first: without the receipt the message is sent again, and each sending has its entry; the
other way round one could get lost. The outbox of the cluster's delivery: rows in memory, as Kafka gives
unsettled messages again. It decides nothing about messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Notification
from schemas.canonical import partition_of
from schemas.topics import RECEIPTS
from stagewatch.service.messages import Message, waiting_message
from stagewatch.worker.sharing import Gate
from streams.runtimes.cluster.codec import encode, value_of
from streams.runtimes.cluster.config import Cluster

Tell = Callable[[Message], Awaitable[object]]
"""Brings what became of a message into the log, durably."""

SENT, FAILED = "sent", "failed"


class Receipts:
    """The topic. known: notification -> state, of all that was read or written here."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._topic = cluster.name(RECEIPTS)
        self._tps = [TopicPartition(self._topic, number) for number in range(cluster.partitions)]
        self._read = dict.fromkeys(self._tps, 0)
        self.known: dict[str, str] = {}

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(enable_idempotence=True, **self._cluster.options)
        await self._producer.start()

    async def stop(self) -> None:
        """Close."""
        await self._producer.stop()

    @property
    def failed(self) -> int:
        """Messages that were given up."""
        return sum(1 for state in self.known.values() if state == FAILED)

    async def catch_up(self) -> None:
        """Read what others wrote, to the end as of now."""
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            **self._cluster.options,
        )
        await consumer.start()
        try:
            consumer.assign(self._tps)
            for tp, offset in self._read.items():
                consumer.seek(tp, offset)
            ends = await consumer.end_offsets(self._tps)
            while any([await consumer.position(tp) < ends[tp] for tp in self._tps]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        self.known[(record.key or b"").decode()] = str(value_of(record.value)["state"])
            self._read = {tp: await consumer.position(tp) for tp in self._tps}
        finally:
            await consumer.stop()

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
        self._elsewhere: set[str] = set()
        self._messages: dict[str, Message] = {}
        self._in_hand: dict[str, Message] = {}

    def enter(self, record: Mapping[str, Any], notification: Notification, now: int) -> None:
        """A message came, perhaps once more; it is due at once. record: as the log has it. now: us."""
        if self.put(notification, now):
            self._messages[notification.id] = waiting_message(record, now)

    async def claim(self, notification: str, owner: str, until: int, now: int) -> bool:
        """See `OutboxStore.claim`. What another worker had in its hands is sent only if it has no receipt."""
        row = self.waiting.get(notification)
        if row is None or not await super().claim(notification, owner, until, now):
            return False
        rest, elsewhere = await self._gate.wait(row.notification, owner, until, now)
        if notification not in self.waiting:  # given away meanwhile
            await self._gate.release(notification, owner)
            return False
        if rest:
            if elsewhere:
                self._elsewhere.add(notification)
            self.waiting[notification] = replace(row, next_at=now + rest)
            return False
        if await self._settled_elsewhere(notification, owner):
            return False
        self._in_hand[notification] = replace(self._messages[notification], attempts=row.attempts + 1)
        return True

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """See `OutboxStore.mark_sent`."""
        await self._settle(notification, SENT, receipt, at)
        self._drop(notification)
        await self._gate.release(notification, owner)

    async def mark_retry(self, notification: str, owner: str, next_at: int, reason: str) -> None:
        """See `OutboxStore.mark_retry`."""
        self._in_hand.pop(notification, None)
        await super().mark_retry(notification, owner, next_at, reason)
        await self._gate.release(notification, owner)

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """See `OutboxStore.mark_failed`."""
        row = self.waiting.get(notification)
        if row is not None and row.owner == owner:
            await self._settle(notification, FAILED, reason, at)
            self._drop(notification)
            await self._gate.release(notification, owner)

    def forget(self, wanted: Callable[[str], Any]) -> None:
        """Drop the rows that `wanted` (by id) does not keep: another worker has them now."""
        self.waiting = {name: row for name, row in self.waiting.items() if wanted(name)}
        self._messages = {name: one for name, one in self._messages.items() if wanted(name)}
        self._elsewhere &= self.waiting.keys()

    async def _settle(self, notification: str, state: str, note: str, at: int) -> None:
        """Also of a message that was given away while it was in hand."""
        message = self._in_hand.get(notification)
        if message is not None:
            message = replace(message, state=state, note=note, settled=at)
            await self._tell(message)
            await self._receipts.write(message)
            del self._in_hand[notification]

    async def _settled_elsewhere(self, notification: str, owner: str) -> bool:
        """Whether the worker that had the message before has settled it."""
        if notification not in self._elsewhere:
            return False
        await self._receipts.catch_up()
        self._elsewhere.discard(notification)
        if notification not in self._receipts.known:
            return False
        self._drop(notification)
        await self._gate.release(notification, owner)
        return True

    def _drop(self, notification: str) -> None:
        self.waiting.pop(notification, None)
        self._messages.pop(notification, None)
        self._settled(notification)
