"""Records that Kafka refuses for themselves: kept, shown, tried again; what is behind them goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.kafka import Kafka
from schemas.topics import EVENTS, MAX_BYTES, dlq_of
from streams.runtimes.cluster import publisher as publishing
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.topics import ensure_topics
from tests.integration.cluster.test_letters import limit
from tests.integration.cluster.trial import cluster_of, drop_topics

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

LETTERS = dlq_of(EVENTS)


async def until(holds: Callable[[], bool], publisher: Publisher) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(publisher.warnings)


async def values(cluster: Cluster, topic: str, count: int) -> list[bytes]:
    """The first values of a topic."""
    consumer = AIOKafkaConsumer(**cluster.options)
    await consumer.start()
    try:
        tp = TopicPartition(cluster.name(topic), 0)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        found = [await asyncio.wait_for(consumer.getone(), 10) for _ in range(count)]
    finally:
        await consumer.stop()
    return [record.value or b"" for record in found]


async def test_a_letter_too_large_for_its_topic_holds_nothing_up_and_comes_later(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "REFUSED_SECONDS", 0.2)
    cluster = cluster_of(kafka.address, tmp_path, f"p{random.getrandbits(32):x}", 1)
    await ensure_topics(cluster)
    publisher = Publisher(cluster, tmp_path / "outbox")
    large = b"x" * 3_000_000
    try:
        await limit(cluster, LETTERS, 100_000)
        await publisher.start()
        await publisher.append(LETTERS, 0, (b"k", large, []))
        for n in range(3):
            await publisher.append(EVENTS, 0, (b"k", b"%d" % n, []))
            await publisher.append(LETTERS, 0, (b"k", b"%d" % n, []))
        await until(lambda: not publisher.waiting, publisher)
        assert publisher.warnings == [
            "Kafka refuses 1 entries of the outbox: events.dlq: MessageSizeTooLargeError"
        ]
        assert await values(cluster, EVENTS, 3) == [b"0", b"1", b"2"]
        assert sorted(await values(cluster, LETTERS, 3)) == [b"0", b"1", b"2"]
        await publisher.stop()

        publisher = Publisher(cluster, tmp_path / "outbox")
        assert (publisher.outbox.waiting, publisher.outbox.refused) == (0, 1)
        await limit(cluster, LETTERS, 2 * MAX_BYTES)
        await publisher.start()
        await until(lambda: not publisher.outbox.refused, publisher)
        assert publisher.warnings == []
        assert large in await values(cluster, LETTERS, 4)
    finally:
        await publisher.stop()
        await drop_topics(cluster)
