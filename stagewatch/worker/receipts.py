"""What became of each message, in a compacted topic: written at once, read before anything is sent.

The outbox of the cluster's delivery: rows in memory, as Kafka gives unsettled messages again; what is settled
is a receipt first. It decides nothing about messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.channels.memory_outbox import MemoryOutbox
from schemas.canonical import partition_of
from schemas.topics import RECEIPTS
from streams.runtimes.cluster.codec import encode, value_of
from streams.runtimes.cluster.config import Cluster

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

    async def write(self, notification: str, state: str, note: str, at: int) -> None:
        """Settle a message for good; returns when Kafka has it. Raises KafkaError."""
        await self._producer.send_and_wait(
            self._topic,
            key=notification.encode(),
            value=encode({"state": state, "note": note, "at": at}),
            partition=partition_of(notification, self._cluster.partitions),
        )
        self.known[notification] = state


class ReceiptOutbox(MemoryOutbox):
    """`connectors.channels.outbox.OutboxStore`: waiting rows in memory, receipts in Kafka.

    settled: called with the id of each message that is settled.
    """

    def __init__(self, receipts: Receipts, settled: Callable[[str], None]) -> None:
        super().__init__()
        self._receipts, self._settled = receipts, settled

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """See `OutboxStore.mark_sent`."""
        await self._receipts.write(notification, SENT, receipt, at)
        self.waiting.pop(notification, None)
        self._settled(notification)

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """See `OutboxStore.mark_failed`."""
        row = self.waiting.get(notification)
        if row is not None and row.owner == owner:
            await self._receipts.write(notification, FAILED, reason, at)
            self.waiting.pop(notification, None)
            self._settled(notification)

    def forget(self, wanted: Callable[[str], Any]) -> None:
        """Drop the rows that `wanted` (by id) does not keep: another worker has them now."""
        self.waiting = {name: row for name, row in self.waiting.items() if wanted(name)}
