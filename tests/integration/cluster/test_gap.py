"""A cluster that nobody worked for a while says so in its log before time goes on, as one process does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from streams.kernel.contract import SHARED_CHANGE
from streams.topology import NOTICES, SALES_EVENTS
from tests.integration.cluster.load import append
from tests.integration.cluster.test_redis_lists import quotes, until
from tests.integration.cluster.trial import cluster_of, drop_topics, read_all
from tests.integration.cluster.workers import SkewedWorker, Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(180)]

AWAY = 3600


async def test_a_stop_of_an_hour_is_told_once_by_each_partition_that_stamps_time(
    kafka: Kafka, tmp_path: Path
) -> None:
    prefix = f"g{random.getrandbits(32):x}"
    cluster = cluster_of(kafka.address, tmp_path / "none", prefix, 2, trial=False)
    folder = workspace(tmp_path / "ws", prefix, kafka.address, 2)
    try:
        worker = Worker(tmp_path / "one", folder)
        with worker:
            await until(lambda: "quote-large" in worker.log.read_text("utf-8"), "the rule")
            await append(cluster, quotes(0, 3))
            await until(lambda: len(worker.metric("stagewatch_transactions_total")) >= 3, "all machines work")
        with Worker(tmp_path / "two", folder) as again:
            await until(lambda: len(again.metric("stagewatch_partition_owned")) == 6, "owned again")
        late = SkewedWorker(tmp_path / "three", folder, AWAY)  # to it an hour has passed
        with late:
            await until(lambda: len(late.metric("stagewatch_transactions_total")) >= 3, "it goes on")
        found = [r async for r in read_all(cluster, [SALES_EVENTS, NOTICES]) if r.kind == SHARED_CHANGE]
    finally:
        await drop_topics(cluster)
    gaps = [r for r in found if r.value["what"] == "gap"]
    assert len({r.value["from"] for r in gaps}) <= cluster.partitions
    for topic, number in ((SALES_EVENTS, 0), (SALES_EVENTS, 1), (NOTICES, 0), (NOTICES, 1)):
        here = [r for r in gaps if (r.topic, r.partition) == (topic, number)]
        assert len(here) == cluster.partitions, (topic, number)
        assert all(r.value["to"] - r.value["from"] > AWAY * 500_000 for r in here)
