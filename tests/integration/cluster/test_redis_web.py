"""What people ask of a worker by HTTP: lists from Redis, commands whose result comes by Kafka, used links."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from stagewatch.worker.web import RedisLinks
from streams.views.redis import Link
from tests.integration.cluster.load import append
from tests.integration.cluster.test_redis_lists import quotes, until
from tests.integration.cluster.trial import cluster_of, drop_topics
from tests.integration.cluster.workers import Worker, workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(180)]

TOKEN = "ops-token-0123456789abcdef-0123"


class AskedWorker(Worker):
    """A worker with a token for lists and commands."""

    def environment(self) -> Mapping[str, str]:
        """Ours, with that token."""
        return {**os.environ, "STAGEWATCH_TOKENS": f"ops:read+commands={TOKEN}"}

    def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"http://{self.address}{path}"
        return httpx2.request(method, url, json=body, headers=headers, timeout=20)

    def alerts(self, query: str = "") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask("GET", f"/v1/alerts{query}").json().get("alerts", [])
        return rows


async def test_alerts_are_listed_and_acknowledged_through_any_worker(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    prefix = f"h{random.getrandbits(32):x}"
    cluster = cluster_of(kafka.address, tmp_path / "none", prefix, 2, trial=False)
    folder = workspace(tmp_path / "ws", prefix, kafka.address, 2, redis_server.url)
    machines = Worker(tmp_path / "machines", folder, ["machines", "views"])
    edge = AskedWorker(tmp_path / "edge", folder, ["intake"])
    try:
        with machines, edge:
            await until(lambda: "quote-large" in machines.log.read_text("utf-8"), "the rule")
            await append(cluster, quotes(0, 3))
            await until(lambda: len(edge.alerts()) == 3, "the alerts")
            page = edge.ask("GET", "/v1/alerts?limit=2").json()
            rest = edge.ask("GET", f"/v1/alerts?limit=2&cursor={page['cursor']}").json()
            assert len({row["id"] for row in [*page["alerts"], *rest["alerts"]]}) == 3
            alert = page["alerts"][0]
            command = {"command": "ack", "alert": alert["id"], "by": "li", "seen": alert["n"]}
            done = await asyncio.to_thread(edge.ask, "POST", "/v1/commands", command)
            assert (done.status_code, done.json()["status"], done.json()["state"]) == (
                200, "done", "acknowledged",
            )  # fmt: skip
            assert [row["id"] for row in edge.alerts("?state=acknowledged")] == [alert["id"]]
            stale = await asyncio.to_thread(edge.ask, "POST", "/v1/commands", command)
            assert stale.status_code >= 400
            assert edge.ask("GET", "/v1/alerts/none").status_code == 404
            assert edge.ask("GET", "/d/1.none.none").status_code in (400, 404, 410)
            assert machines.get("/healthz")
            with pytest.raises(httpx2.HTTPStatusError, match="404"):
                machines.get("/v1/alerts")
    finally:
        await drop_topics(cluster)


async def test_a_link_is_used_once_by_all_workers(redis_server: Redis) -> None:
    prefix, until_then = f"k{random.getrandbits(32):x}", time.time_ns() // 1000 + 60_000_000
    with Link(redis_server.url, prefix) as one, Link(redis_server.url, prefix) as two:
        first, second = RedisLinks(one), RedisLinks(two)
        assert await first.claim("digest", until_then)
        assert not await second.claim("digest", until_then)
        assert not await first.claim("digest", until_then)
        await second.release("digest")
        assert not await second.claim("digest", until_then)
        await first.release("digest")
        assert await second.claim("digest", until_then)


async def test_without_redis_links_work_and_the_machine_decides() -> None:
    with Link("redis://127.0.0.1:1/0", "nowhere") as link:
        assert await RedisLinks(link).claim("digest", 2)
