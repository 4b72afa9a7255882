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
from streams.views.redis.entities import RedisEntities
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


class Place:
    """A worker that keeps lists and entities, its Redis, and what is read there."""

    def __init__(self, kafka: Kafka, folder: Path, server: Redis) -> None:
        self.prefix = f"l{random.getrandbits(32):x}"
        self.cluster = cluster_of(kafka.address, folder / "none", self.prefix, 3, trial=False)
        self.workspace = workspace(folder / "workspace", self.prefix, kafka.address, 3, server.url)
        with (self.workspace / "stagewatch.toml").open("a", encoding="utf-8") as settings:
            settings.write("entities = true\n")
        self.server = server
        self.link = Link(server.url, self.prefix)
        self.view, self.reader = RedisView(self.link, 0), RedisViewReader(self.link)
        self.entities = RedisEntities(self.link)
        self.worker = Worker(folder / "worker", self.workspace, ROLES)

    def gauge(self, name: str, labels: str = "") -> float:
        return self.worker.metric(f"stagewatch_{name}")[labels]

    def whole(self) -> bool:
        return self.view.standing().state == "whole"

    def alive(self) -> dict[str, dict[str, object]]:
        return Members(self.link).alive(time.time_ns() // 1000)


async def test_lists_come_are_lost_and_come_again(kafka: Kafka, tmp_path: Path) -> None:
    with Redis(tmp_path / "redis") as server:
        place = Place(kafka, tmp_path, server)
        try:
            with place.worker:
                await lists_come(place)
                await lists_are_lost_and_filled(place)
                await redis_is_away_and_back(place)
                await status_is_told(place)
            assert place.alive() == {}
        finally:
            place.link.close()
            await drop_topics(place.cluster)


async def lists_come(place: Place) -> None:
    reader, entities = place.reader, place.entities
    await until(lambda: "quote-large" in place.worker.log.read_text("utf-8"), "the rule")
    await append(place.cluster, quotes(0, 20))
    await until(lambda: reader.count_open("alerts") == 20, "the alerts")
    await until(place.whole, "an empty view is whole soon")
    [about] = place.alive().values()
    assert about == {"url": f"http://{place.worker.address}", "roles": list(ROLES)}
    await until(lambda: len(entities.of("account:A0")) == 5, "A0 and its four quotes")
    quote = entities.get("quote", "Q5")
    assert quote is not None
    assert (quote.home, quote.row["d"]["amount"]) == ("account:A0", "7")


async def lists_are_lost_and_filled(place: Place) -> None:
    reader, entities = place.reader, place.entities
    before, quote = reader.items("alerts"), entities.get("quote", "Q5")
    redis.Redis.from_url(place.server.url).flushall()
    await append(place.cluster, quotes(20, 25))
    await until(place.whole, "filled again")
    await until(lambda: reader.count_open("alerts") == 25, "the old and the new")
    assert reader.items("alerts", newest_first=False)[:20] == before[::-1]
    assert entities.get("quote", "Q5") == quote
    await until(lambda: len(entities.of("account:A0")) == 6, "the new quote of A0")


async def redis_is_away_and_back(place: Place) -> None:
    place.server.kill()
    await append(place.cluster, quotes(25, 30))
    await until(lambda: place.gauge("server_up", '{server="redis"}') == 0, "away")
    assert "redis does not answer" in json.loads(place.worker.get("/readyz"))["warnings"]
    await asyncio.to_thread(place.server.start)
    await until(lambda: place.reader.count_open("alerts") == 30, "what came meanwhile")
    await until(lambda: place.gauge("view_whole") == 1, "the gauge")


async def status_is_told(place: Place) -> None:
    await until(lambda: place.gauge("rules_active") == 1, "the rules")
    assert place.gauge("events_total", '{topic="crm.activity"}') >= 30
    assert place.gauge("disk_free_bytes") > 0
    found = json.loads(await asyncio.to_thread(cli, "status", "-w", str(place.workspace), "--json"))
    assert [one["url"] for one in found["workers"]] == [f"http://{place.worker.address}"]
    unowned = {name: row["unowned"] for name, row in found["machines"].items()}
    assert unowned == {"identity": [], "account": [], "inbox": []}
    assert found["lists"]["open"]["alerts"] == 30
