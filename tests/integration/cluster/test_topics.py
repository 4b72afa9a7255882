"""Topics are made as the table says, and refused in plain words when they are otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.process import free_port
from schemas.errors import StreamError
from schemas.topics import changelog_of
from streams.runtimes.cluster.topics import ensure_topics
from tests.integration.cluster.trial import cluster_of, drop_topics

pytestmark = pytest.mark.real


async def test_topics_are_made_once_and_verified_afterwards(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "topics-a", 2)
    first = await ensure_topics(cluster)
    assert await ensure_topics(cluster) == first
    admin = AIOKafkaAdminClient(**cluster.options)
    await admin.start()
    names = set(await admin.list_topics())
    await admin.close()
    assert {cluster.name(topic.name) for topic in cluster.topics()} <= names
    await drop_topics(cluster)


async def test_another_number_of_partitions_is_refused(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "topics-b", 2)
    await ensure_topics(cluster)
    with pytest.raises(StreamError, match="3 partitions, as the settings say") as refused:
        await ensure_topics(replace(cluster, partitions=3))
    assert refused.value.code == "SW-STREAM-030"
    await drop_topics(cluster)


async def test_a_changelog_that_is_not_compacted_is_refused(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "topics-c", 2)
    name = cluster.name(changelog_of("account"))
    admin = AIOKafkaAdminClient(**cluster.options)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"cleanup.policy": "delete"})])
    await admin.close()
    with pytest.raises(StreamError, match=r"cleanup\.policy=compact") as refused:
        await ensure_topics(cluster)
    assert (refused.value.code, refused.value.place) == ("SW-STREAM-031", name)
    await drop_topics(cluster)


async def test_a_broker_that_does_not_answer_is_told(tmp_path: Path) -> None:
    cluster = cluster_of(f"127.0.0.1:{free_port()}", tmp_path, "topics-d", 2)
    with pytest.raises(StreamError) as refused:
        await ensure_topics(cluster)
    assert refused.value.code == "SW-STREAM-032"
