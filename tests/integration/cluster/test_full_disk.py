"""A worker whose disk is full says so and leaves its partitions to others; with room again it takes some."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from tests.integration.cluster.load import Load, append, settled, until
from tests.integration.cluster.trial import cluster_of, drop_topics
from tests.integration.cluster.workers import Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(150)]

PARTITIONS = 2
DEALS = 200


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room; the file to be removed."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def owned(worker: Worker) -> int:
    """How many partitions it has."""
    return len(worker.metric("stagewatch_partition_owned"))


async def test_a_full_disk_costs_partitions_and_nothing_else(kafka: Kafka, tmp_path: Path) -> None:
    prefix, load = f"d{random.getrandbits(32):x}", Load()
    folder = workspace(tmp_path / "ws", prefix, kafka.address, PARTITIONS)
    cluster = cluster_of(kafka.address, tmp_path / "none", prefix, PARTITIONS, trial=False)
    full, other = Worker(tmp_path / "a", folder, ["machines"]), Worker(tmp_path / "b", folder, ["machines"])
    with small_disk(tmp_path / "a" / "cluster") as disk:
        try:
            await asyncio.gather(asyncio.to_thread(full.start), asyncio.to_thread(other.start))
            await append(cluster, load.deals(range(DEALS // 2)))
            await settled(cluster, load, 30)
            await until(lambda: owned(full) == owned(other) == 3)
            ballast = fill(disk)
            await append(cluster, load.deals(range(DEALS // 2, DEALS)))
            await until(lambda: "partitions are left to others" in full.get("/readyz"), 60)
            await until(lambda: (owned(full), owned(other)) == (0, 6), 60)
            books, _ = await settled(cluster, load, 60)
            assert books.problems(load) == {}
            ballast.unlink()
            await until(lambda: owned(full) == owned(other) == 3, 60)
            assert not any("others" in why for why in json.loads(full.get("/readyz"))["warnings"])
        finally:
            full.kill()
            other.kill()
            await drop_topics(cluster)
