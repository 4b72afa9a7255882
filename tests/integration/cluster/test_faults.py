"""Workers that lie about the time, are down for a while or hand over: nobody is blamed, nothing is lost.

Real processes on a real Kafka. What is killed, frozen or cut off is in `test_soak.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.memory import rule_entry, settings_entry
from streams.runtimes.pipeline import Entry
from tests.integration.cluster.load import RULE, WITHIN, Load, append, books, person, rules, settled, until
from tests.integration.cluster.trial import Trial, cluster_of, drop_topics
from tests.integration.cluster.workers import SkewedWorker, Worker, workspace

DEALS = 200
RATE = 300.0
SECOND = 1_000_000

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
def place(tmp_path: Path, kafka: Kafka) -> tuple[Path, Cluster]:
    """A workspace and the cluster that it names."""
    prefix = f"f{random.getrandbits(32):x}"
    folder = workspace(tmp_path / "workspace", prefix, kafka.address, 4)
    rules(folder)
    return folder, cluster_of(kafka.address, tmp_path / "none", prefix, 4, trial=False)


@contextlib.asynccontextmanager
async def running(cluster: Cluster, *workers: Worker) -> AsyncIterator[None]:
    """Workers, up and with the rule in force; killed at the end."""
    try:
        for worker in workers:
            await asyncio.to_thread(worker.start)
        yield
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                worker.wake()
                worker.kill()
        with contextlib.suppress(Exception):
            await drop_topics(cluster)


async def begin(cluster: Cluster, workers: Sequence[Worker], load: Load, deals: int) -> None:
    """Have the rule in force and all deals known."""
    async with asyncio.timeout(30):
        await until(lambda: any(worker.brought_in("no-reply") for worker in workers))
        await append(cluster, load.deals(range(deals)))
        await settled(cluster, load, 30)


def talk(load: Load, first: int, last: int) -> list[Entry]:
    """Calls of these deals, and the replies that answer some."""
    numbers = range(first, last)
    return [*load.calls(numbers), *load.replies(numbers)]


async def test_clocks_that_differ_change_nothing(place: tuple[Path, Cluster], tmp_path: Path) -> None:
    folder, cluster = place
    workers = [SkewedWorker(tmp_path / "fast", folder, 60), SkewedWorker(tmp_path / "slow", folder, -60)]
    load = Load()
    async with running(cluster, *workers):
        await begin(cluster, workers, load, DEALS)
        begun = time.time_ns() // 1000
        await append(cluster, talk(load, 0, DEALS))
        found, _ = await settled(cluster, load, 40)
        ended = time.time_ns() // 1000
    assert found.problems(load) == {}
    assert all(begun + WITHIN * SECOND <= alert["at"] <= ended for alert in found.alerts)


async def test_a_backlog_is_read_before_anybody_is_blamed(
    place: tuple[Path, Cluster], tmp_path: Path
) -> None:
    folder, cluster = place
    worker, load = Worker(tmp_path / "a", folder), Load()
    async with running(cluster, worker):
        await begin(cluster, [worker], load, DEALS)
        await asyncio.to_thread(worker.stop)
        await append(cluster, load.calls(range(DEALS)))
        await asyncio.sleep(1)
        await append(cluster, load.replies(range(DEALS)))
        await asyncio.sleep(2 * WITHIN)
        assert (await books(cluster)).fired == {}
        await asyncio.to_thread(worker.start)
        found, _ = await settled(cluster, load, 40)
        assert found.problems(load) == {}


async def test_while_identity_alone_is_down_nobody_is_blamed(kafka: Kafka, tmp_path: Path) -> None:
    cluster = cluster_of(kafka.address, tmp_path, "noidentity", 3, trial=False)
    load = Load()
    async with Trial(cluster) as trial:
        await trial.append([settings_entry({}, 0), rule_entry("no-reply", RULE, 0), person("li")])
        await trial.append(load.deals(range(DEALS)))
        await settled(cluster, load, 30)
        await trial.close("identity")
        await append(cluster, load.calls(range(DEALS)))
        await asyncio.sleep(1)
        await append(cluster, load.replies(range(DEALS)))
        await asyncio.sleep(2 * WITHIN)
        assert (await books(cluster)).fired == {}
        await trial.open("identity")
        found, _ = await settled(cluster, load, 40)
    assert found.problems(load) == {}


async def test_a_worker_that_stops_hands_over_within_a_second(
    place: tuple[Path, Cluster], tmp_path: Path
) -> None:
    folder, cluster = place
    workers = [Worker(tmp_path / name, folder) for name in ("a", "b")]
    load = Load()
    async with running(cluster, *workers):
        await begin(cluster, workers, load, DEALS)
        sending = asyncio.create_task(append(cluster, talk(load, 0, DEALS), RATE))
        await asyncio.sleep(0.4)
        begun = time.monotonic()
        await asyncio.to_thread(workers[0].stop)
        stopped = time.monotonic() - begun
        await sending
        found, took = await settled(cluster, load, 40)
        assert found.problems(load) == {}
        assert stopped < 2.5
        assert took < WITHIN + 8
