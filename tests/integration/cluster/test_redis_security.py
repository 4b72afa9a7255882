"""TLS and logins to a real Kafka and Redis; a worker of each role with the rights of the docs, no more.

No secret is told by settings, errors, logs or metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiosmtpd.controller import Controller

from deploy.local.kafka import Kafka
from schemas.cloudevents import encode_kafka
from schemas.envelope import decode_event
from schemas.errors import StreamError
from schemas.time import format_instant
from stagewatch.service.carried import keep_links
from stagewatch.settings import KafkaSettings, RedisSettings
from stagewatch.workspace.init import init_workspace
from streams.kernel.contract import StorageError
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.topics import ensure_topics
from streams.stores.sqlite_db import Database
from streams.views.redis import Link, RedisViewReader
from tests.integration.cluster.load import ZONE
from tests.integration.cluster.secure import (
    SUPER,
    Authority,
    SecureRedis,
    allow,
    password,
    redis_user,
    secure_kafka,
)
from tests.integration.cluster.workers import Worker, workspace
from tests.integration.migration.played import begin, busiest
from tests.integration.run.house import Inbox

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

PARTITIONS = 2
REDIS_SECRET = "redis-hunter2"
LINKS = "0123456789abcdef0123456789abcdef"

TABLES = """\
security = "sasl_tls"
sasl_mechanism = "PLAIN"
username = "{user}"
ca_file = "{ca}"

[cluster.redis]
url = "{redis}"
username = "stagewatch"
ca_file = "{ca}"

[mail]
host = "127.0.0.1"
port = {mail}
tls = "none"
sender = "Stagewatch <watch@example.com>"
"""


@dataclass(frozen=True)
class Place:
    """The servers, the prefix, the files of the authority."""

    folder: Path
    prefix: str
    authority: Authority
    kafka: Kafka
    redis: SecureRedis

    @property
    def redis_settings(self) -> RedisSettings:
        url = f"rediss://{self.redis.address}/0"
        return RedisSettings(url=url, username="stagewatch", ca_file=self.authority.ca)

    def options(self, user: str, secret: str | None = None) -> dict[str, Any]:
        """What a client of this user takes."""
        settings = KafkaSettings(
            brokers=(self.kafka.address,), security="sasl_tls", sasl_mechanism="PLAIN", username=user,
            ca_file=self.authority.ca,
        )  # fmt: skip
        return settings.options({"STAGEWATCH_KAFKA_PASSWORD": secret or password(user)})

    def cluster(self, user: str, secret: str | None = None) -> Cluster:
        return Cluster(self.options(user, secret), self.folder, self.prefix, PARTITIONS)

    def link(self, secret: str = REDIS_SECRET) -> Link:
        options = self.redis_settings.options({"STAGEWATCH_REDIS_PASSWORD": secret})
        return Link(self.redis_settings.url, self.prefix, options)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    prefix, authority = f"s{random.getrandbits(32):x}", Authority(tmp_path / "authority")
    with (
        secure_kafka(tmp_path / "kafka", authority) as kafka,
        SecureRedis(tmp_path / "redis", authority, redis_user(prefix, REDIS_SECRET)) as redis,
    ):
        yield Place(tmp_path, prefix, authority, kafka, redis)


class SecureWorker(Worker):
    """A worker of one role that logs in as that role."""

    def __init__(self, place: Place, role: str, mail: int) -> None:
        folder = place.folder / f"ws-{role}"
        super().__init__(place.folder / role, workspace(folder, place.prefix, place.kafka.address, 2), [role])
        self.role = role
        settings = folder / "stagewatch.toml"
        text = settings.read_text("utf-8").partition("\n[cluster.redis]")[0]
        redis, ca = place.redis_settings.url, place.authority.ca
        settings.write_text(text + TABLES.format(user=role, ca=ca, redis=redis, mail=mail), "utf-8")

    def environment(self) -> Mapping[str, str]:
        """Its secrets."""
        return {
            **os.environ,
            "STAGEWATCH_KAFKA_PASSWORD": password(self.role),
            "STAGEWATCH_REDIS_PASSWORD": REDIS_SECRET,
            "STAGEWATCH_SECRET": LINKS,
        }


async def until(holds: Callable[[], bool], what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, what()
        await asyncio.sleep(0.2)


async def ready(place: Place) -> int:
    """Wait for the broker, put the access lists into force; how many entries."""
    for _ in range(100):
        try:
            return await allow(place.options(SUPER), place.prefix)
        except KafkaError:
            await asyncio.sleep(0.2)
    raise TimeoutError


async def bring(place: Place, count: int) -> None:
    """Quotes, written to Kafka by a source of somebody's own."""
    async with AIOKafkaProducer(**place.options("source")) as producer:
        for n in range(count):
            event = {
                "specversion": "1.0", "id": f"q{n}", "source": "crm", "type": "quote.sent",
                "time": format_instant(time.time_ns() // 1000),
                "data": {"quote": f"Q{n}", "account": f"A{n}", "amount": 7, "owner": "li"},
            }  # fmt: skip
            headers, value = encode_kafka(decode_event(event, zone=ZONE))
            await producer.send_and_wait(f"{place.prefix}.events", value=value, headers=headers)


async def test_a_worker_of_each_role_has_the_rights_it_needs(place: Place) -> None:
    assert await ready(place) > 50
    await ensure_topics(place.cluster("setup"))
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    mail = Controller(inbox, hostname="127.0.0.1", port=port)
    workers = [SecureWorker(place, role, port) for role in ("machines", "intake", "views", "delivery")]

    def said() -> str:
        return "\n".join(worker.log.read_text("utf-8")[-3000:] for worker in workers)

    with ExitStack() as stack, place.link() as link:
        mail.start()
        stack.callback(mail.stop)
        for worker in workers:
            stack.enter_context(worker)
        reader = RedisViewReader(link)
        await until(lambda: "quote-large" in workers[0].log.read_text("utf-8"), said)
        await bring(place, 3)
        await until(lambda: reader.count_open("alerts") == 3, said)
        await until(lambda: len(inbox.to("li@example.com")) == 3, said)
        sending = workers[3]
        await until(lambda: sending.metric("stagewatch_outbox_messages")['{state="waiting"}'] == 0, said)
        told = "".join(worker.get("/readyz") + worker.get("/metrics") for worker in workers)
    told += "".join(worker.log.read_text("utf-8") for worker in workers)
    assert "AuthorizationFailed" not in told  # nobody asks for what its role may not
    assert "hunter2" not in told
    assert LINKS not in told


async def test_a_workspace_is_moved_there_and_back_with_the_rights_of_the_list(place: Place) -> None:
    await ready(place)
    worker = SecureWorker(place, "migrate", 25)
    here, again = place.folder / "ws-migrate", place.folder / "again"
    begin(here / "data", busiest(1)[0].steps, 1)
    with contextlib.closing(Database(here / "data")) as database:
        keep_links(database, [("digest", time.time_ns() // 1000 + 600_000_000)])
    init_workspace(again)
    command = [sys.executable, "-m", "stagewatch", "migrate", "-w", str(here), "--json"]
    for words in (["--to", "cluster"], ["--to", "embedded", "--into", str(again)]):
        done = await asyncio.to_thread(
            subprocess.run, [*command, *words], env=worker.environment(), capture_output=True, text=True
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0, told
        assert json.loads(done.stdout)["links"] == 1
        assert "AuthorizationFailed" not in told
        assert "hunter2" not in told


async def refused_holds_nothing_up(place: Place) -> None:
    """A topic that a login may not write, between two records of one that it may."""
    publisher = Publisher(place.cluster("source"), place.folder / "outbox")
    await publisher.start()
    try:
        for topic in ("events", "crm.activity", "events"):
            await publisher.append(topic, 0, (b"k", b"x", []))
        await until(lambda: not publisher.waiting, lambda: publisher.warnings)
        refused = "Kafka refuses 1 entries of the outbox: crm.activity: TopicAuthorizationFailedError"
        assert publisher.warnings == [refused]
    finally:
        await publisher.stop()


async def test_nobody_may_do_what_is_not_in_the_list(place: Place) -> None:
    await ready(place)
    await ensure_topics(place.cluster("setup"))
    for user, topic in (("views", "alerts"), ("delivery", "alerts"), ("source", "crm.activity")):
        async with AIOKafkaProducer(**place.options(user)) as producer:
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait(f"{place.prefix}.{topic}", value=b"x")
    await refused_holds_nothing_up(place)
    reader = AIOKafkaConsumer(f"{place.prefix}.sales.events", **place.options("source"))
    await reader.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await asyncio.wait_for(reader.getone(), 20)
    finally:
        await reader.stop()


async def test_who_has_no_login_or_a_wrong_one_is_refused_and_no_secret_told(place: Place) -> None:
    await ready(place)
    with pytest.raises(StreamError, match="SW-STREAM-032") as wrong:
        await ensure_topics(place.cluster("setup", "wrong-hunter2"))
    assert "hunter2" not in str(wrong.value) + repr(place.cluster("setup"))
    plain = Cluster(KafkaSettings(brokers=(place.kafka.address,)).options({}), place.folder, place.prefix)
    with pytest.raises(StreamError, match="SW-STREAM-032"):
        await asyncio.wait_for(ensure_topics(plain), 60)
    strange = Authority(place.folder / "strange")
    other = place.options("setup") | {
        "ssl_context": KafkaSettings(security="tls", ca_file=strange.ca).context()
    }
    with pytest.raises(StreamError, match="SW-STREAM-032"):
        await ensure_topics(Cluster(other, place.folder, place.prefix, PARTITIONS))


def test_redis_wants_the_login_and_the_right_certificate(place: Place) -> None:
    with place.link() as link:
        assert RedisViewReader(link).count_open("alerts") == 0
    with place.link("wrong-hunter2") as link, pytest.raises(StorageError) as wrong:
        RedisViewReader(link).count_open("alerts")
    assert "hunter2" not in str(wrong.value)
    strange = Authority(place.folder / "strange")
    settings = place.redis_settings.model_copy(update={"ca_file": strange.ca})
    options = settings.options({"STAGEWATCH_REDIS_PASSWORD": REDIS_SECRET})
    with Link(settings.url, place.prefix, options) as link, pytest.raises(StorageError, match="certificate"):
        RedisViewReader(link).count_open("alerts")
