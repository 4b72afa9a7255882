"""The worker as a Faust application: hosts services, and agents that read whole transactions only.

Faust's tables are not used: what they lose under kills is in the decision record. No agent is declared here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import faust
from faust.sensors.prometheus import FaustMetrics, PrometheusMonitor
from faust.transport.drivers import aiokafka as driver
from faust.types import EventT, StreamT
from prometheus_client import CollectorRegistry
from yarl import URL

from streams.runtimes.cluster.config import Cluster

GROUP = "stages"

Agent = Callable[[StreamT[Any]], Awaitable[None]]
"""Reads a stream until it ends."""


class _Thread(driver.AIOKafkaConsumerThread):
    """Faust reads uncommitted records unless it writes transactions itself; our topics hold aborted ones."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


def make_app(cluster: Cluster, folder: Path, registry: CollectorRegistry) -> faust.App:
    """An application without agents. folder: where Faust may write. Its sensors count in `registry`."""
    session = cluster.pace.session_ms / 1000
    address = [URL(f"kafka://{broker}") for broker in _brokers(cluster.options)]
    app = faust.App(
        cluster.name(GROUP),
        broker=address,
        broker_credentials=_credentials(cluster.options),
        broker_session_timeout=session,
        broker_heartbeat_interval=max(0.1, session / 10),
        broker_rebalance_timeout=max(session, 10.0),
        broker_commit_interval=0.5,
        store="memory://",
        datadir=folder,
        monitor=PrometheusMonitor(metrics=FaustMetrics.create(registry, "faust")),
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        loop=asyncio.get_running_loop(),
    )
    app.transport = _Transport(address, app)
    return app


def add_agent(app: faust.App, cluster: Cluster, name: str, topics: tuple[str, ...], agent: Agent) -> None:
    """Let an agent read topics, raw."""
    topic = app.topic(
        *map(cluster.name, topics),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    app.agent(topic, name=name)(agent)


async def pages(stream: StreamT[Any], size: int, seconds: float) -> AsyncIterator[list[EventT[Any]]]:
    """The stream's events, up to `size` at once; a page counts as read when the next is asked for."""
    events: faust.Stream[Any] = cast("faust.Stream[Any]", stream)
    async for page in events.take_events(size, within=seconds):
        yield list(page)


def _brokers(options: Mapping[str, Any]) -> list[str]:
    servers = options["bootstrap_servers"]
    return [servers] if isinstance(servers, str) else list(servers)


def _credentials(options: Mapping[str, Any]) -> Any:
    """Faust's form of what aiokafka's clients take."""
    context = options.get("ssl_context")
    if options.get("sasl_mechanism"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
