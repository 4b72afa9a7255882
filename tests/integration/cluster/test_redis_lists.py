"""The lists in Redis: filled as alerts come, flushed and filled again, Redis away and back; who is alive.

A real worker on a real Kafka and a Redis of this test's own.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.kernel.contract import StorageError
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.views.redis import Link, RedisView, RedisViewReader
from streams.views.redis.sharing import Members
from tests.integration.cluster.load import append
from tests.integration.cluster.trial import cluster_of, drop_topics
from tests.integration.cluster.workers import Worker, workspace
from tests.integration.run.house import cli

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(180)]

ZONE = ZoneInfo("Asia/Shanghai")
ROLES = ("intake", "machines", "views")


def quotes(first: int, last: int) -> list[Entry]:
    """Quotes; each fires an alert."""
    now = format_instant(time.time_ns() // 1000)
    return [
        entry_of(
            decode_event(
                {
                    "specversion": "1.0", "id": f"q{n}", "source": "crm", "type": "quote.sent", "time": now,
                    "data": {"quote": f"Q{n}", "account": f"A{n % 5}", "amount": 7, "owner": "li"},
                },
                zone=ZONE,
            ),
            0,
        )
        for n in range(first, last)
    ]  # fmt: skip


async def until(holds: Callable[[], bool], what: str, seconds: float = 40) -> None:
    """Poll; Redis may be away meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if await asyncio.to_thread(holds):
                return
        except StorageError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError(what)


async def test_lists_come_are_lost_and_come_again(kafka: Kafka, tmp_path: Path) -> None:
    prefix = f"l{random.getrandbits(32):x}"
    cluster = cluster_of(kafka.address, tmp_path / "none", prefix, 3, trial=False)
    with Redis(tmp_path / "redis") as server, Link(server.url, prefix) as link:
        folder = workspace(tmp_path / "workspace", prefix, kafka.address, 3, server.url)
        view, reader = RedisView(link, 0), RedisViewReader(link)
        worker = Worker(tmp_path / "worker", folder, ROLES)
        try:
            with worker:
                await until(lambda: "quote-large" in worker.log.read_text("utf-8"), "the rule")
                await append(cluster, quotes(0, 20))
                await until(lambda: reader.count_open("alerts") == 20, "the alerts")
                await until(lambda: view.standing().state == "whole", "an empty view is whole soon")
                before = reader.items("alerts")
                [about] = Members(link).alive(time.time_ns() // 1000).values()
                assert about == {"url": f"http://{worker.address}", "roles": list(ROLES)}

                redis.Redis.from_url(server.url).flushall()
                await append(cluster, quotes(20, 25))
                await until(lambda: view.standing().state == "whole", "filled again")
                await until(lambda: reader.count_open("alerts") == 25, "the old and the new")
                assert reader.items("alerts", newest_first=False)[:20] == before[::-1]

                server.kill()
                await append(cluster, quotes(25, 30))
                await until(lambda: worker.metric("stagewatch_server_up")['{server="redis"}'] == 0, "away")
                await asyncio.to_thread(server.start)
                await until(lambda: reader.count_open("alerts") == 30, "what came meanwhile")
                await until(lambda: worker.metric("stagewatch_view_whole")[""] == 1, "the gauge")
                await until(lambda: worker.metric("stagewatch_rules_active")[""] == 1, "the rules")
                assert worker.metric("stagewatch_events_total")['{topic="crm.activity"}'] >= 30
                assert worker.metric("stagewatch_disk_free_bytes")[""] > 0

                found = json.loads(await asyncio.to_thread(cli, "status", "-w", str(folder), "--json"))
                assert [one["url"] for one in found["workers"]] == [f"http://{worker.address}"]
                assert {name: row["unowned"] for name, row in found["machines"].items()} == {
                    "identity": [], "account": [], "inbox": [],
                }  # fmt: skip
                assert found["lists"]["open"]["alerts"] == 30
            assert Members(link).alive(time.time_ns() // 1000) == {}
        finally:
            await drop_topics(cluster)
