"""The local servers: what is written survives a stop and a kill; a frozen server answers again when woken."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.process import NotStartedError, ServerProcess

TOPIC = TopicPartition("t", 0)


async def write(kafka: Kafka, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, enable_idempotence=True) as producer:
        await producer.send_and_wait(TOPIC.topic, value)


async def read(kafka: Kafka, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TOPIC])
        consumer.seek(TOPIC, 0)
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.real
async def test_what_is_written_survives_stop_and_kill(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka", session=3000) as kafka:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
        await admin.start()
        await admin.create_topics([NewTopic(TOPIC.topic, 1, 1)])
        await admin.close()
        await write(kafka, b"one")
        kafka.stop()
        assert not kafka.running
        kafka.start()
        await write(kafka, b"two")
        kafka.kill()
        kafka.start()
        assert await read(kafka, 2) == [b"one", b"two"]


class Broken(ServerProcess):
    def command(self) -> list[str]:
        return ["sh", "-c", "echo it went wrong; exit 3"]


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotStartedError, match="it went wrong"):
        Broken(tmp_path).start()
