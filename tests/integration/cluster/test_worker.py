"""A worker from outside: CloudEvents of anybody, HTTP while Kafka is away, roles and refusals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import Kafka
from deploy.local.process import NotStartedError
from schemas.cloudevents import encode_kafka, encode_kafka_binary
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.topology import SALES_EVENTS
from tests.integration.cluster.load import ZONE
from tests.integration.cluster.trial import cluster_of, read_all
from tests.integration.cluster.workers import TOKEN, Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(90)]


def deal(number: int) -> dict[str, object]:
    return {
        "specversion": "1.0", "id": f"w{number}", "source": "crm", "type": "opportunity.created",
        "time": format_instant(1_780_000_000_000_000),
        "data": {"opportunity": f"w{number}", "account": f"a{number}", "owner": "li"},
    }  # fmt: skip


def post(worker: Worker, *numbers: int) -> list[str]:
    """Send deals by HTTP; where they were stored."""
    answer = httpx2.post(
        f"http://{worker.address}/v1/events",
        content=json.dumps([deal(number) for number in numbers]).encode(),
        headers={"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {TOKEN}"},
        timeout=20,
    )
    positions: list[str] = answer.raise_for_status().json()["positions"]
    return positions


@pytest.fixture
def own_kafka() -> Iterator[Kafka]:
    """A broker that may be stopped."""
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        Kafka(Path(folder) / "k", session=3000) as broker,
    ):
        yield broker


async def running(worker: Worker) -> None:
    """Wait until it has begun."""
    for _ in range(300):
        if any(line["message"] == "running" for line in worker.said()):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError


async def known(
    kafka: Kafka, prefix: str, partitions: int, wanted: set[str], seconds: float = 30
) -> set[str]:
    """Ids of events that came through, once all wanted have or the time is over."""
    cluster = cluster_of(kafka.address, Path("/nowhere"), prefix, partitions)
    found: list[str] = []
    for _ in range(int(seconds / 0.3)):
        found = [r.value["id"] async for r in read_all(cluster, [SALES_EVENTS]) if r.kind == "event"]
        if wanted <= set(found):
            break
        await asyncio.sleep(0.3)
    assert len(found) == len(set(found))
    return set(found)


async def test_events_of_anybody_come_in_by_kafka_and_http(kafka: Kafka, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "ws", "w1", kafka.address, 2)
    with Worker(tmp_path / "a", folder) as worker:
        async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
            for number, encode in ((1, encode_kafka), (2, encode_kafka_binary)):
                headers, value = encode(decode_event(deal(number), zone=ZONE))
                await producer.send_and_wait("w1.events", value=value, key=b"mine", headers=headers)
            await producer.send_and_wait("w1.events", value=b"rubbish", key=b"mine")
        places = await asyncio.to_thread(post, worker, 3, 4)
        assert all(place.startswith("crm.activity/") for place in places)
        wanted = {"w1", "w2", "w3", "w4"}
        assert await known(kafka, "w1", 2, wanted) == wanted
        cluster = cluster_of(kafka.address, tmp_path, "w1", 2)
        letters = [r.value async for r in read_all(cluster, ["events.dlq"])]
        assert [letter["position"]["topic"] for letter in letters] == ["events"]
        assert worker.metric("stagewatch_dead_letters_total")
        listed = json.loads(command(folder, "list", "--json"))["letters"]
        refused = [(letter["topic"], letter["position"]) for letter in listed]
        assert refused == [("events", letters[0]["position"]["offset"])]
        chosen = str(listed[0]["number"])
        assert json.loads(command(folder, "show", chosen))["record"]


def command(folder: Path, *words: str) -> str:
    """What `stagewatch dlq` says."""
    done = subprocess.run(
        [sys.executable, "-m", "stagewatch", "dlq", *words, "-w", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


async def test_events_wait_on_disk_while_kafka_is_away(own_kafka: Kafka, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "ws", "w2", own_kafka.address, 2)
    with Worker(tmp_path / "a", folder) as worker:
        await asyncio.to_thread(post, worker, 1)
        await running(worker)
        own_kafka.kill()
        places = await asyncio.to_thread(post, worker, 2, 3)
        assert places == ["outbox/1", "outbox/2"]
        assert json.loads(worker.get("/readyz"))["warnings"]
        worker.kill()
        await asyncio.to_thread(worker.start)
        assert await asyncio.to_thread(post, worker, 4) == ["outbox/3"]
        await asyncio.to_thread(own_kafka.start)
        wanted = {"w1", "w2", "w3", "w4"}
        assert await known(own_kafka, "w2", 2, wanted) == wanted


async def test_a_worker_without_intake_takes_no_events(kafka: Kafka, tmp_path: Path) -> None:
    folder = workspace(tmp_path / "ws", "w3", kafka.address, 2)
    with Worker(tmp_path / "a", folder, ["machines"]) as worker:
        with pytest.raises(httpx2.HTTPStatusError, match="404"):
            await asyncio.to_thread(post, worker, 1)
        assert json.loads(worker.get("/readyz"))["ready"] is True


def test_partitions_that_differ_are_refused_in_plain_words(kafka: Kafka, tmp_path: Path) -> None:
    with Worker(tmp_path / "a", workspace(tmp_path / "ws", "w4", kafka.address, 2)):
        pass
    other = Worker(tmp_path / "b", workspace(tmp_path / "ws3", "w4", kafka.address, 3))
    with contextlib.suppress(NotStartedError):
        other.start()
    assert other.ended(20) == 1
    assert "SW-STREAM-030" in other.log.read_text("utf-8")
