"""Delivering workers share claims and limits by Redis, receipts by Kafka: all real, the clock an argument."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from connectors.channels.notification import Notification, encode_notification
from connectors.channels.outbox import MINUTE, SECOND
from deploy.local.kafka import Kafka
from deploy.local.redis import Redis
from stagewatch.service.messages import Message
from stagewatch.worker.incarnation import Incarnation
from stagewatch.worker.receipts import CLAIM, FRESH_SECONDS, ReceiptOutbox, Receipts
from stagewatch.worker.sharing import HELD, Gate
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.topics import ensure_topics
from streams.views.redis import Link
from tests.integration.cluster.trial import cluster_of, drop_topics

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

NOW = 1_700_000_000 * SECOND
LEASE = 4 * MINUTE


def note(name: str, channel: str = "email") -> Notification:
    return Notification(
        id=name, channel=channel, receiver="p", address="p@k.example", subject="s", text="t", reason="r", at=0
    )


class Worker:
    """The delivering side of one worker."""

    def __init__(self, name: str, cluster: Cluster, link: Link, per_minute: int) -> None:
        self.name = name
        self.settled: list[str] = []
        self.receipts = Receipts(cluster)
        self.told: list[Message] = []
        self.gate = Gate(link, {"email": per_minute})
        self.outbox = ReceiptOutbox(self.receipts, self.tell, self.settled.append, self.gate)

    async def tell(self, message: Message) -> None:
        self.told.append(message)

    def enter(self, name: str, channel: str = "email") -> None:
        """A message comes."""
        notification = note(name, channel)
        self.outbox.enter(json.loads(encode_notification(notification)), notification, NOW)

    async def claim(self, name: str, now: int) -> bool:
        return await self.outbox.claim(name, self.name, now + LEASE, now)


@asynccontextmanager
async def workers(
    kafka: Kafka, folder: Path, url: str, per_minute: int
) -> AsyncIterator[tuple[Worker, Worker]]:
    prefix = f"d{random.getrandbits(32):x}"
    cluster = cluster_of(kafka.address, folder, prefix, 2)
    with Link(url, prefix) as link:
        one, two = (Worker(name, cluster, link, per_minute) for name in ("w1", "w2"))
        try:
            await ensure_topics(cluster)
            await one.receipts.start()
            await two.receipts.start()
            yield one, two
        finally:
            await one.receipts.stop()
            await two.receipts.stop()
            await drop_topics(cluster)


async def test_a_message_that_went_to_another_worker_goes_out_once(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    async with workers(kafka, tmp_path, redis_server.url, 600) as (one, two):
        for worker in (one, two):
            worker.enter("m1")
            worker.enter("m2")
        assert await one.claim("m1", NOW)
        assert not await two.claim("m1", NOW + SECOND)
        assert await two.outbox.next_due("w2") == NOW
        assert two.outbox.waiting["m1"].next_at == NOW + SECOND + HELD
        assert two.outbox.waiting["m1"].attempts == 0
        await one.outbox.mark_sent("m1", "w1", "250 kept", NOW + 2 * SECOND)
        assert one.settled == ["m1"]
        assert [(m.id, m.state, m.note, m.attempts) for m in one.told] == [("m1", "sent", "250 kept", 1)]
        assert not await two.claim("m1", NOW + SECOND + HELD)
        assert two.settled == ["m1"]
        assert "m1" not in two.outbox.waiting

        assert await one.claim("m2", NOW)
        assert not await two.claim("m2", NOW + SECOND)
        await one.outbox.mark_retry("m2", "w1", NOW + MINUTE, "451 later")
        assert await two.claim("m2", NOW + SECOND + HELD)
        await two.outbox.mark_failed("m2", "w2", "550 unknown", NOW + MINUTE)
        assert two.settled == ["m1", "m2"]
        await one.receipts.catch_up()
        assert [(m.id, m.state, m.note, m.attempts) for m in two.told] == [("m2", "failed", "550 unknown", 1)]
        assert one.receipts.known == {"m1": "sent", "m2": "failed"}


async def test_a_worker_that_died_with_a_message_in_hands_holds_it_up_for_its_claim_only(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    async with workers(kafka, tmp_path, redis_server.url, 600) as (one, two):
        one.enter("m1")
        two.enter("m1")
        assert await one.claim("m1", NOW)
        assert not await two.claim("m1", NOW + CLAIM - 1)
        assert await two.claim("m1", NOW + CLAIM + HELD)


async def test_a_limit_holds_for_all_workers_together(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    async with workers(kafka, tmp_path, redis_server.url, 10) as pair:
        sent: list[int] = []
        names = [f"m{number:02}" for number in range(40)]
        for number, name in enumerate(names):
            pair[number % 2].enter(name)
            pair[number % 2].enter(f"x{name}", "wecom")
        for now in range(NOW, NOW + 5 * MINUTE, SECOND):
            for worker in pair:
                for row in await worker.outbox.due(now, 2, worker.name, ["wecom"]):
                    if await worker.claim(row.notification.id, now):
                        sent.append(now)
                        del worker.outbox.waiting[row.notification.id]
        assert len(sent) >= 39
        assert all(later - earlier >= MINUTE for earlier, later in zip(sent, sent[10:], strict=False))
        assert await pair[0].claim("xm00", NOW)
        assert await pair[1].claim("xm01", NOW)


async def test_without_redis_each_worker_goes_on_by_the_receipts(kafka: Kafka, tmp_path: Path) -> None:
    async with workers(kafka, tmp_path, "redis://127.0.0.1:1/0", 1) as (one, two):
        for name in ("m1", "m2", "m3"):
            one.enter(name)
            assert await one.claim(name, NOW)
        await one.outbox.mark_sent("m1", "w1", "250 kept", NOW)
        await two.receipts.catch_up()
        assert two.receipts.known == {"m1": "sent"}


@pytest.mark.parametrize("shared", [True, False])
async def test_who_was_cut_off_meanwhile_does_not_send_what_another_has_sent(
    kafka: Kafka, redis_server: Redis, tmp_path: Path, shared: bool
) -> None:
    url = redis_server.url if shared else "redis://127.0.0.1:1/0"
    async with workers(kafka, tmp_path, url, 600) as (one, two):
        for worker in (one, two):
            worker.enter("m1")
            await worker.receipts.catch_up()
        assert await one.claim("m1", NOW)
        await one.outbox.mark_sent("m1", "w1", "250 kept", NOW)
        if not shared:
            await asyncio.sleep(FRESH_SECONDS)
        assert not await two.claim("m1", NOW + SECOND)
        assert two.settled == ["m1"]


async def test_what_dead_workers_had_in_hands_is_free_when_their_folder_lives_again(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    async with workers(kafka, tmp_path, redis_server.url, 600) as (one, two):
        one.enter("m1")
        two.enter("m1")
        with closing(Incarnation(tmp_path, "w1")) as dead:
            assert await one.outbox.claim("m1", dead.name, NOW + LEASE, NOW)
        Incarnation(tmp_path, "w1").close()  # died before it could say so
        assert not await two.claim("m1", NOW + SECOND)
        with closing(Incarnation(tmp_path, "w1")) as living:
            await one.gate.free(living)
        assert await two.claim("m1", NOW + SECOND + HELD)


async def test_a_message_that_was_given_away_while_asked_for_is_not_sent(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    async with workers(kafka, tmp_path, redis_server.url, 600) as (one, two):
        one.enter("m1")
        two.enter("m1")
        waiting = one.claim("m1", NOW)
        one.outbox.forget(lambda name: False)
        assert not await waiting
        assert await two.claim("m1", NOW)
