"""Poison at every stage: a letter each, in the transaction of the position; and when none can be written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.kafka import Kafka
from schemas.topics import MAX_BYTES, dlq_of
from streams.runtimes.cluster.codec import PLACE
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import letters_of
from streams.topology import INTAKE, NOTICES, RESOLVE, SALES_EVENTS
from tests.integration.cluster.houses import called
from tests.integration.cluster.load import Load, append, settled
from tests.integration.cluster.trial import Trial, cluster_of, drop_topics
from tests.integration.cluster.workers import Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

STAGES = (*INTAKE, RESOLVE, SALES_EVENTS, NOTICES)
TOPIC = "crm.activity"
TRACE = ("trace", b"t1")


@pytest.fixture
def cluster(kafka: Kafka, tmp_path: Path) -> Cluster:
    return cluster_of(kafka.address, tmp_path / "none", f"p{random.getrandbits(32):x}", 2)


async def test_poison_at_every_stage_is_one_letter_with_reason_place_and_headers(cluster: Cluster) -> None:
    async with Trial(cluster, keep=True) as trial:
        for topic in STAGES:
            headers = [(PLACE, b"event 1 0 0 "), TRACE]
            await trial.producer.send_and_wait(cluster.name(topic), b"no json", b"k", 1, headers=headers)
        await trial.settle()
        first = await letters_of(cluster)
    async with Trial(cluster) as trial:
        await trial.settle()
        again = await letters_of(cluster)
    assert sorted(letter.value["topic"] for letter in first) == sorted(STAGES)
    for letter in first:
        assert letter.code == "SW-STREAM-041"
        assert letter.value["position"] == {"topic": letter.value["topic"], "partition": 1, "offset": 0}
        assert "trace" in dict(letter.value["raw"]["headers"])
    assert [letter.name for letter in again] == [letter.name for letter in first]


async def test_a_record_too_large_for_a_letter_does_not_hold_up_what_is_behind_it(cluster: Cluster) -> None:
    async with (
        Trial(cluster) as trial,
        AIOKafkaProducer(max_request_size=MAX_BYTES, **cluster.options) as large,
    ):
        body = b"x" * (MAX_BYTES - 1000)
        await large.send_and_wait(cluster.name(TOPIC), body, b"k", 1, headers=[TRACE])
        await trial.producer.send_and_wait(cluster.name(TOPIC), b"no json", b"k", 1, headers=[TRACE])
        await trial.settle()
        letters = await letters_of(cluster)
    assert [letter.value["position"]["offset"] for letter in letters] == [0, 1]


async def test_letters_are_brought_back_while_redis_is_away(
    kafka: Kafka, cluster: Cluster, tmp_path: Path
) -> None:
    root = workspace(tmp_path / "ws", cluster.prefix, kafka.address, cluster.partitions)
    body = b"no json" * 300_000
    async with (
        Trial(cluster, keep=True) as trial,
        AIOKafkaProducer(max_request_size=MAX_BYTES, **cluster.options) as large,
    ):
        await large.send_and_wait(cluster.name(TOPIC), body, b"k", 1)
        await trial.settle()
    code, out, err = await asyncio.to_thread(called, root, "dlq", "replay", "--all", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert len(answer["replayed"]) == 1
    assert answer["unseen"]["code"] == "SW-STREAM-023"
    async with Trial(cluster) as trial:
        await trial.settle()
        letters = await letters_of(cluster)
    assert [letter.replayed for letter in letters] == [True, False]


async def limit(cluster: Cluster, topic: str, size: int) -> None:
    """Let the broker refuse larger records of a topic; the end of a transaction must find room."""
    admin = AIOKafkaAdminClient(**cluster.options)
    await admin.start()
    try:
        config = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, cluster.name(topic), config)])
    finally:
        await admin.close()


@contextlib.asynccontextmanager
async def one_worker(kafka: Kafka, folder: Path, prefix: str) -> AsyncIterator[tuple[Worker, Cluster]]:
    cluster = cluster_of(kafka.address, folder / "none", prefix, 2, trial=False)
    worker = Worker(folder / "a", workspace(folder / "ws", prefix, kafka.address, 2))
    try:
        await asyncio.to_thread(worker.start)
        yield worker, cluster
    finally:
        worker.kill()
        await drop_topics(cluster)


def stuck(worker: Worker) -> list[str]:
    """What readiness says about partitions that do not get on."""
    return [why for why in json.loads(worker.get("/readyz"))["warnings"] if "does not get on" in why]


async def until_stuck(worker: Worker, wanted: bool) -> None:
    """Wait until readiness says so."""
    for _ in range(400):
        if bool(stuck(worker)) is wanted:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(worker.get("/readyz"))


async def test_letters_that_are_refused_hold_the_position_and_show_in_readiness(
    kafka: Kafka, tmp_path: Path
) -> None:
    load = Load()
    async with one_worker(kafka, tmp_path, f"p{random.getrandbits(32):x}") as (worker, cluster):
        await append(cluster, load.deals(range(10)))
        await settled(cluster, load, 30)
        await limit(cluster, dlq_of(TOPIC), 1000)
        async with AIOKafkaProducer(**cluster.options) as producer:
            await producer.send_and_wait(cluster.name(TOPIC), b"poison" * 500, b"k", 1)
        await until_stuck(worker, True)
        [why] = stuck(worker)
        assert why.startswith("identity-1 does not get on")
        assert await letters_of(cluster) == []
        await limit(cluster, dlq_of(TOPIC), MAX_BYTES)
        await until_stuck(worker, False)
        await append(cluster, load.deals(range(10, 20)))
        books, _ = await settled(cluster, load, 30)
        assert set(load.sent) <= set(books.events)
        assert [letter.value["position"]["topic"] for letter in await letters_of(cluster)] == [TOPIC]
