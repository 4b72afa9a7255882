"""Mails from workers that die: a real mail server counts; a kill is aimed between its 250 and the receipt."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.process import HOST
from deploy.local.redis import Redis
from streams.runtimes.cluster.config import Cluster
from streams.topology import NOTIFICATIONS
from tests.integration.cluster.load import Load, append, until
from tests.integration.cluster.soak.balance import receipts
from tests.integration.cluster.soak.faults import KILL, Fault
from tests.integration.cluster.soak.mails import Mail, Mails, mail_server
from tests.integration.cluster.soak.place import MAIL, SoakWorker
from tests.integration.cluster.soak.report import told_twice
from tests.integration.cluster.trial import cluster_of, drop_topics, read_all
from tests.integration.cluster.workers import workspace

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

QUOTES, FEW = 60, 8
LATER_SECONDS = (0.0, 0.002, 0.02)
"""After the server has taken a mail, each kill comes so much later; the first before the server answers."""


ACKNOWLEDGED_SECONDS = 1.5
"""So long after a mail went, Kafka knows at the latest that it need not come again."""


class Aim:
    """Kills whoever has just sent a mail, now and then. later: after so many seconds, kill by kill.

    hit: messages, in the order of the kills. kills: those that were, by the name of the worker.
    """

    def __init__(self, later: Sequence[float]) -> None:
        self._later = later
        self.workers: dict[str, SoakWorker] = {}
        self.hit: list[str] = []
        self.kills: list[Fault] = []
        self.dead: asyncio.Queue[SoakWorker] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._taken = 0

    def __call__(self, mail: Mail) -> None:
        """A mail was taken."""
        self._taken += 1
        if self._taken % 12 or len(self.hit) == len(self._later):
            return
        later = self._later[len(self.hit)]
        self.hit.append(mail.message)
        if later:
            threading.Timer(later, self._kill, [mail.worker]).start()
        else:
            self._kill(mail.worker)

    def _kill(self, name: str) -> None:
        begun, worker = time.time(), self.workers[name]
        worker.kill()
        self.kills.append(Fault(KILL, name, begun, time.time()))
        self._loop.call_soon_threadsafe(self.dead.put_nowait, worker)

    async def revive(self) -> None:
        """Start again who was killed, for ever."""
        while True:
            await asyncio.to_thread((await self.dead.get()).start)


@contextlib.asynccontextmanager
async def delivering(
    kafka: Kafka, redis: Redis, folder: Path, aim: Aim
) -> AsyncIterator[tuple[Cluster, Mails]]:
    """Two workers that deliver, each by a mail server of its own."""
    prefix, mails = f"m{random.getrandbits(32):x}", Mails(aim)
    cluster = cluster_of(kafka.address, folder / "none", prefix, 2, trial=False)
    with contextlib.ExitStack() as servers:
        for name in "ab":
            port = servers.enter_context(mail_server(mails, name, HOST))
            its = workspace(folder / f"ws-{name}", prefix, kafka.address, 2, redis.url)
            with (its / "stagewatch.toml").open("a", encoding="utf-8") as settings:
                settings.write(MAIL.format(host=HOST, port=port))
            aim.workers[name] = SoakWorker(name, folder / name, its, None)
        reviving = asyncio.create_task(aim.revive())
        try:
            await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in aim.workers.values()))
            yield cluster, mails
        finally:
            reviving.cancel()
            for worker in aim.workers.values():
                worker.kill()
            await drop_topics(cluster)


async def test_a_mail_goes_twice_only_when_its_worker_dies_between_the_250_and_the_receipt(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    aim, load = Aim(LATER_SECONDS), Load()
    async with delivering(kafka, redis_server, tmp_path, aim) as (cluster, mails):
        await until(lambda: any(worker.brought_in("quote-large") for worker in aim.workers.values()))
        await append(cluster, load.quotes(range(QUOTES)))
        await until(lambda: len(mails.counts) == QUOTES and len(aim.hit) == len(LATER_SECONDS), 90)
        await until(lambda: mails.counts[aim.hit[0]] == 2)
        messages = {str(r.value["id"]) async for r in read_all(cluster, [NOTIFICATIONS])}
        settled = await receipts(cluster)
    assert set(mails.counts) == messages
    assert len(messages) == QUOTES
    within, beyond = told_twice(mails.copies(), aim.kills, settled)
    assert aim.hit[0] in within
    assert not beyond


async def test_a_mail_that_was_refused_is_not_passed_over_when_its_worker_dies(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    aim, load = Aim(()), Load()
    refused: list[str] = []

    def first(mail: Mail) -> bool:
        if not refused:
            refused.append(mail.message)
        return mail.message in refused

    async with delivering(kafka, redis_server, tmp_path, aim) as (cluster, mails):
        mails.refused = first
        await until(lambda: any(worker.brought_in("quote-large") for worker in aim.workers.values()))
        await append(cluster, load.quotes(range(FEW)))
        await until(lambda: len(mails.counts) == FEW - 1, 60)
        await asyncio.sleep(ACKNOWLEDGED_SECONDS)
        for worker in aim.workers.values():
            worker.kill()
        mails.refused = Mails.refused
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in aim.workers.values()))
        await until(lambda: mails.counts[refused[0]] == 1, 20)
