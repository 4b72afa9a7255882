"""A workspace that is moved into a cluster, a larger one and back says what it would have said without."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import Kafka
from schemas.errors import StagewatchError
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.migration.cluster_reading import read
from streams.runtimes.migration.cluster_source import ClusterSource, take_back
from streams.runtimes.migration.cluster_target import ClusterTarget
from streams.runtimes.migration.copying import Copied, Copy
from streams.runtimes.migration.embedded import EmbeddedSource, EmbeddedTarget
from tests.integration.cluster.scenarios import Outputs, Scenario, in_memory
from tests.integration.cluster.trial import Trial, cluster_of, drop_topics
from tests.integration.migration.played import (
    Steps,
    all_messages,
    begin,
    busiest,
    go_on,
    moved,
    outputs,
    thirds,
    without_results,
)

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SCENARIOS = busiest(2)


async def play(cluster: Cluster, steps: Steps) -> None:
    """The cluster lives through the steps."""
    async with Trial(cluster, keep=True) as trial:
        await trial.play(steps)


async def into_cluster(old: Path, cluster: Cluster) -> Copied:
    with EmbeddedSource(old) as source:
        async with ClusterTarget(cluster) as target:
            return await moved(source, target, all_messages(source))


async def into_workspace(cluster: Cluster, new: Path, partitions: int) -> Copied:
    async with ClusterSource(cluster) as source:
        with EmbeddedTarget(new, partitions) as target:
            return await moved(source, target, source.unsent())


async def there_and_back(scenario: Scenario, folder: Path, cluster: Cluster) -> Outputs:
    """What came out of a workspace, the cluster it was moved to, a larger one, and a workspace again.

    Nothing was sent on the way, so all messages are taken along, too.
    """
    first, second, third = thirds(scenario)
    larger = replace(cluster, prefix=f"{cluster.prefix}-more", partitions=3)
    half = len(second) // 2
    begin(folder / "old", first, 1)
    await into_cluster(folder / "old", cluster)
    await play(cluster, second[:half])
    async with ClusterSource(cluster) as source, ClusterTarget(larger) as target:
        await moved(source, target, source.unsent())
    await play(larger, second[half:])
    await into_workspace(larger, folder / "new", 1)
    go_on(folder / "new", third)
    await drop_topics(cluster)
    await drop_topics(larger)
    return outputs(folder / "new")


async def test_into_a_cluster_into_a_larger_one_and_back(kafka: Kafka, tmp_path: Path) -> None:
    async def differs(number: int, scenario: Scenario) -> str | None:
        folder = tmp_path / str(number)
        folder.mkdir()
        cluster = cluster_of(kafka.address, folder / "data", f"move-{number}", 2)
        found = await there_and_back(scenario, folder, cluster)
        return None if found == without_results(in_memory(scenario, 1)) else scenario.name

    names = await asyncio.gather(*(differs(number, one) for number, one in enumerate(SCENARIOS)))
    assert [name for name in names if name is not None] == []


async def refusal(cluster: Cluster) -> str:
    """The code with which a worker of the cluster refuses to start."""
    with pytest.raises(StagewatchError) as refused:
        await ensure_topics(cluster)
    return refused.value.code


async def append(cluster: Cluster, topic: str) -> None:
    """A record that nobody works off."""
    async with AIOKafkaProducer(**cluster.options) as producer:
        await producer.send_and_wait(cluster.name(topic), b"{}", partition=0)


async def test_what_is_moved_or_not_whole_is_refused(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path / "data", "move-refused", 2)
    begin(tmp_path / "old", SCENARIOS[0].steps, 1)
    with EmbeddedSource(tmp_path / "old") as source:
        async with ClusterTarget(cluster) as target:
            await Copy(source, target, all_messages(source), lambda done, total: None).run()
    assert await refusal(cluster) == "SW-STREAM-071"
    with pytest.raises(StagewatchError) as refused:
        await into_workspace(cluster, tmp_path / "new", 1)
    assert refused.value.code == "SW-STREAM-071"
    begun = time.time() * 1000 - 60_000
    first = await into_cluster(tmp_path / "old", cluster)
    stamps = [one.timestamp for number in range(2) async for one in read(cluster, "notifications", number)]
    assert stamps
    assert min(stamps) > begun, "Kafka deletes old messages, whenever they were appended"
    with pytest.raises(StagewatchError) as refused:
        await into_cluster(tmp_path / "old", cluster)
    assert refused.value.code == "SW-STREAM-070"
    back = await into_workspace(cluster, tmp_path / "new", 1)
    assert (back.waits, back.records, back.epoch) == (first.waits, first.records, 2)
    assert await refusal(cluster) == "SW-STREAM-070"
    await take_back(cluster)
    with pytest.raises(StagewatchError, match="was not moved"):
        await take_back(cluster)
    await ensure_topics(cluster)
    for topic in ("crm.activity", "events"):
        await append(cluster, topic)
        with pytest.raises(StagewatchError, match=f"1 records of {topic}") as refused:
            await into_workspace(cluster, tmp_path / "more", 1)
        assert refused.value.code == "SW-STREAM-073"
        await ensure_topics(cluster)  # it is in use as before
    begin(tmp_path / "other", SCENARIOS[0].steps, 1)
    with pytest.raises(StagewatchError) as refused:
        await into_cluster(tmp_path / "other", cluster)
    assert refused.value.code == "SW-STREAM-072"
    await drop_topics(cluster)
