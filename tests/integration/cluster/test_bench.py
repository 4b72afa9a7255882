"""The benchmark's own worker, on a real Kafka: it takes a small story, and its alerts are those expected."""

from pathlib import Path

import pytest

from bench.cluster.entrants import Servers, ours
from bench.cluster.ground import now
from bench.cluster.peers.deals import Story
from deploy.local.kafka import Kafka

pytestmark = [pytest.mark.real, pytest.mark.slow]


async def test_a_worker_takes_a_story(kafka: Kafka, tmp_path: Path) -> None:
    story = Story(20, 100, now())
    servers = Servers(kafka.address, "redis://127.0.0.1:1", tmp_path)
    async with ours(servers, "benchmark", story) as entrant:
        await entrant.warm()
        cost = await entrant.part(story.later())
    told = {alert for alert in entrant.ground.found if alert[1].startswith("C")}
    assert told == story.alerts()
    assert cost.cpu > 0
