"""`stagewatch status` of a cluster, as people call it: workers found by Redis or named, some of them gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from console.app import Probes, create_app
from console.server import HttpServer
from deploy.local.redis import Redis
from schemas.time import SECOND
from stagewatch.metrics import Metrics
from stagewatch.service.asking import ask
from stagewatch.worker_metrics import WorkerMetrics
from streams.runtimes.cluster.telling import Stand
from streams.views.redis import Link, RedisView
from streams.views.redis.sharing import Members
from tests.contract.view_contract import transition
from tests.integration.run.house import cli


@asynccontextmanager
async def worker(*partitions: int, reason: str = "") -> AsyncIterator[str]:
    """The web side of a worker that has these partitions; its URL."""
    metrics, now = Metrics("0", process=False), time.time_ns() // 1000
    told = WorkerMetrics(metrics, partitions=3)
    told.stands([Stand("account", number, "running", now, 0, 0, 2, 0, 0, 1) for number in partitions], now)
    probes = Probes(lambda: [reason] if reason else [], metrics.render, lambda: ["look at this"])
    server = HttpServer(create_app(probes), "127.0.0.1", 0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


@pytest.fixture
def workspace(tmp_path: Path, redis_server: Redis) -> Path:
    root = tmp_path / "cluster"
    cli("init", str(root))
    settings = root / "stagewatch.toml"
    table = f'\n[cluster]\nprefix = "status"\npartitions = 3\n[cluster.redis]\nurl = "{redis_server.url}"\n'
    settings.write_text(settings.read_text(encoding="utf-8") + table, encoding="utf-8")
    return root


async def status(workspace: Path, *options: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        await asyncio.to_thread(cli, "status", "-w", str(workspace), "--json", *options, code=code)
    )
    return answer


async def test_the_workers_that_redis_knows_are_asked(workspace: Path, redis_server: Redis) -> None:
    now = time.time_ns() // 1000
    with Link(redis_server.url, "status") as link:
        list(RedisView(link, 0).fill([transition("a", 1), transition("b", 1, "resolved")], "w", lambda: 0, 2))
        async with worker(0, 2) as first, worker(reason="Kafka is away") as second:
            members = Members(link)
            members.announce("w1", {"url": first, "roles": ["machines"]}, now + 60 * SECOND)
            members.announce("w2", {"url": second, "roles": ["intake"]}, now + 60 * SECOND)
            found = await status(workspace)
            shown = await asyncio.to_thread(cli, "status", "-w", str(workspace), "--lang", "zh")
        gone = await status(workspace, code=1)
    assert [(one["url"], one["ready"], one["reasons"]) for one in found["workers"]] == [
        (first, True, []),
        (second, False, ["Kafka is away"]),
    ]
    account = found["machines"]["account"]
    assert (account["owners"], account["unowned"], account["backlog"]) == ({"0": first, "2": first}, [1], 4)
    assert found["lists"]["state"] == "whole"
    assert found["lists"]["open"] == {"alerts": 1, "tasks": 0, "approvals": 0}
    assert "集群 status" in shown
    assert "未就绪" in shown
    assert all(one["problem"] for one in gone["workers"])


async def test_workers_can_be_named_when_redis_is_away(workspace: Path, redis_server: Redis) -> None:
    settings = workspace / "stagewatch.toml"
    text = settings.read_text(encoding="utf-8").replace(redis_server.url, "redis://127.0.0.1:1/0")
    settings.write_text(text, encoding="utf-8")
    async with worker(0, 1, 2) as url:
        found = await status(workspace, "--worker", url)
    assert [one["url"] for one in found["workers"]] == [url]
    assert found["machines"]["account"]["unowned"] == []
    assert found["lists"]["state"] == "away"
    assert found["workers"][0]["warnings"] == ["look at this"]


async def test_who_is_no_worker_is_said_to_be_none() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await asyncio.to_thread(ask, f"http://127.0.0.1:{port}")
    assert answer.problem
    assert answer.ready is None
    assert (await asyncio.to_thread(ask, f"http://127.0.0.1:{port}")).problem
