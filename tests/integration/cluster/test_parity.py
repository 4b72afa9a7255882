"""The same scenarios through memory, embedded and cluster drivers: the same output per key, byte for byte.

Logical times are the scenarios'. What a log position is differs between drivers; no output contains one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from streams.topology import SINKS
from tests.integration.cluster.scenarios import (
    LINKS,
    Outputs,
    Scenario,
    in_embedded,
    in_memory,
    of_cases,
    of_packs,
    said,
)
from tests.integration.cluster.trial import Trial, cluster_of

ALL = (*of_cases(), *of_packs())
SOAK = os.environ.get("STAGEWATCH_SOAK") == "1"
CHOSEN = (*(ALL if SOAK else ALL[::3]), *of_packs(LINKS))
"""Every third scenario, each with another number of partitions, and those of links; STAGEWATCH_SOAK=1 plays
all with both.
"""

AT_ONCE = 3


async def in_cluster(scenario: Scenario, kafka: Kafka, folder: Path, prefix: str, partitions: int) -> Outputs:
    """What the cluster driver makes of it."""
    cluster = cluster_of(kafka.address, folder, prefix, partitions)
    async with Trial(cluster) as trial:
        await trial.play(scenario.steps)
        found: Outputs = {}
        for record in await trial.read(*SINKS):
            found.setdefault((record.topic, record.key), []).append(said(record.value))
    return found


async def differing(
    scenarios: Sequence[tuple[int, Scenario]], kafka: Kafka, folder: Path, prefix: str, partitions: int
) -> list[str]:
    """Names of the scenarios whose output differs."""
    door = asyncio.Semaphore(AT_ONCE)

    async def play(number: int, scenario: Scenario) -> str | None:
        async with door:
            found = await in_cluster(scenario, kafka, folder, f"{prefix}-{number}", partitions)
        return None if found == in_memory(scenario, partitions) else scenario.name

    names = await asyncio.gather(*(play(number, scenario) for number, scenario in scenarios))
    return [name for name in names if name is not None]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900 if SOAK else 120)
@pytest.mark.parametrize("partitions", [1, 3])
async def test_the_cluster_says_what_memory_says(kafka: Kafka, tmp_path: Path, partitions: int) -> None:
    numbered = list(enumerate(CHOSEN))
    mine = numbered if SOAK else numbered[0 if partitions == 3 else 1 :: 2]
    assert len(mine) > 10
    assert await differing(mine, kafka, tmp_path, f"parity{partitions}", partitions) == []


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_embedded_driver_says_what_memory_says(tmp_path: Path, partitions: int) -> None:
    different = []
    for number, scenario in enumerate(CHOSEN):
        folder = tmp_path / str(number)
        folder.mkdir()
        if in_embedded(scenario, folder, partitions) != in_memory(scenario, partitions):
            different.append(scenario.name)
    assert different == []


def test_scenarios_are_not_empty() -> None:
    outputs = [in_memory(scenario, 1) for scenario in ALL]
    assert len(ALL) > 70
    assert sum(1 for found in outputs if found) > 50
