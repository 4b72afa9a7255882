"""The first start of a cluster whose topics have events already: none is taken before the rules are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from schemas.envelope import decode_event
from schemas.time import format_instant
from stagewatch.settings import load_settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS
from tests.integration.cluster.load import ZONE
from tests.integration.cluster.trial import read_all
from tests.integration.cluster.workers import Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(90)]

PARTITIONS, SENT = 3, 60


def quote(number: int) -> Entry:
    """A quote that the rule of the workspace fires for, at once or never."""
    event = {
        "specversion": "1.0", "id": f"q{number}", "source": "crm", "type": "quote.sent",
        "time": format_instant(1_780_000_000_000_000),
        "data": {"quote": f"q{number}", "account": f"a{number}", "owner": "li", "amount": 1},
    }  # fmt: skip
    return entry_of(decode_event(event, zone=ZONE), 0)


async def sent(cluster: Cluster, folder: Path, *numbers: int) -> None:
    """Quotes lie in the topics."""
    publisher = Publisher(cluster, folder)
    await publisher.start()
    try:
        places = await publisher.submit([quote(number) for number in numbers])
        assert all(place.startswith("crm.activity/") for place in places)
    finally:
        await publisher.stop()


async def fired(cluster: Cluster, count: int) -> list[str]:
    """Quotes that alerts fired for, once there are so many, or none has come for a while."""
    found: list[str] = []
    for _ in range(100):
        found = [one.value["key"] async for one in read_all(cluster, [ALERTS])]
        if len(found) >= count:
            break
        await asyncio.sleep(0.3)
    return sorted(found)


async def test_rules_are_there_before_the_events_that_came_before_the_workers(
    kafka: Kafka, tmp_path: Path
) -> None:
    folder = workspace(tmp_path / "ws", "first", kafka.address, PARTITIONS)
    place = Workspace(folder)
    cluster = cluster_of(place, load_settings(place.settings), Run())
    await ensure_topics(cluster)
    await sent(cluster, tmp_path / "sender", *range(SENT))
    early = sorted(f"q{number}" for number in range(SENT))
    with Worker(tmp_path / "a", folder) as one, Worker(tmp_path / "b", folder, ["machines"]):
        assert await fired(cluster, SENT) == early
        one.kill()
        await sent(cluster, tmp_path / "sender", SENT)
        assert await fired(cluster, SENT + 1) == sorted([*early, f"q{SENT}"])
