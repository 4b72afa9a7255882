"""The wiring of a worker: Faust application, partitions, agents, HTTP; starts, serves and stops them.

The wiring is here and nowhere else. Signals are the caller's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from starlette.routing import Route

from connectors.channels.channel import Channel
from connectors.channels.mail import MailChannel
from connectors.sources.http.intake import Intake, Limits, intake_route
from console.access import Access, EventGate, read_tokens
from console.app import Probes, create_app
from console.links import signed
from console.server import HttpServer
from schemas.envelope import Event
from schemas.errors import StreamError
from schemas.topics import EVENTS, RECEIPTS, changelog_of, slots_of
from stagewatch import __version__
from stagewatch.metrics import Metrics
from stagewatch.service.local import cluster_token, local_client, local_routes
from stagewatch.service.observe import Observer
from stagewatch.service.receipts import receipt_entry
from stagewatch.service.secrets import kept, signer
from stagewatch.service.wall import WallClock
from stagewatch.settings import Settings
from stagewatch.worker import hosting, stages
from stagewatch.worker.delivering import Delivering
from stagewatch.worker.files import WatchedFiles
from stagewatch.worker.gauges import GaugesService
from stagewatch.worker.incarnation import Incarnation
from stagewatch.worker.lists import ACCOUNT, ListsService, Own, others_url
from stagewatch.worker.machines import MachinesService, tell_of, trouble_of
from stagewatch.worker.sharing import Gate
from stagewatch.worker.web import ResultsService, Web, web_of
from stagewatch.worker.work import ClusterWork
from stagewatch.worker_metrics import WorkerMetrics
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.app import add_agent, make_app
from streams.runtimes.cluster.config import Cluster, Pace
from streams.runtimes.cluster.owner import Slots
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.cluster.topics import ensure_topics
from streams.runtimes.memory import entry_of
from streams.topology import NOTIFICATIONS
from streams.views.port import OPEN_STATES
from streams.views.redis.entities import RedisEntities
from streams.views.redis.link import Link
from streams.views.redis.messages import RedisMessages
from streams.views.redis.view import RedisView

AWAY, AWAY_SECONDS = "SW-STREAM-032", 1.0
"""Kafka does not answer: a worker that starts waits for it."""

ROLES = ("intake", "machines", "views", "delivery")
APPENDING = frozenset({"intake", "machines", "delivery"})
"""Roles that append entries: the others may not write to any topic, and Kafka refuses them a producer."""

log = structlog.get_logger("stagewatch.worker")


@dataclass(frozen=True, slots=True)
class Run:
    """How to run. listen: address and port instead of the settings'. data: folder of local files.

    channels: instead of mail, by name.
    """

    roles: Sequence[str] = ROLES
    listen: str | None = None
    data: Path | None = None
    channels: Mapping[str, Channel] | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def cluster_of(workspace: Workspace, settings: Settings, run: Run) -> Cluster:
    """The cluster that the settings name.

    Raises:
        SettingsError: SW-SET-140 to -143.
    """
    asked = settings.need_cluster()
    return Cluster(
        asked.kafka.options(run.environment),
        (run.data or workspace.data) / "cluster",
        asked.prefix,
        asked.partitions,
        asked.replication,
        zone=settings.tz,
        namespaces=settings.namespaces,
        trial=asked.trial,
        files=True,
        pace=Pace(session_ms=asked.session_ms, tick_ms=asked.tick_ms),
    )


class WorkerServer:
    """A worker that runs.

    Example::

        async with WorkerServer(workspace, settings, Run()) as worker:
            print(worker.url)
            await asyncio.Event().wait()
    """

    def __init__(self, workspace: Workspace, settings: Settings, run: Run) -> None:
        self.workspace, self.settings, self._run = workspace, settings, run
        self.cluster = cluster_of(workspace, settings, run)
        self.metrics = Metrics(__version__)
        self.observer = Observer(self.metrics)
        self.told = WorkerMetrics(self.metrics, self.cluster.partitions)
        self._stack = contextlib.AsyncExitStack()
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._appends = not APPENDING.isdisjoint(run.roles)
        self._slots: Slots | None = None
        self.url = ""

    async def __aenter__(self) -> WorkerServer:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Take up work, as soon as Kafka answers.

        Raises:
            StagewatchError: it cannot; what had begun is ended.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Hand over and close; about a second at most."""
        await self._stack.aclose()
        log.info("stopped")

    # -- wiring ------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        roles = self._run.roles
        self.publisher = Publisher(self.cluster, self.cluster.data / "outbox")
        self.told.outbox(self.publisher.outbox)
        if self._appends:
            await self.publisher.start()
        self._stack.push_async_callback(self.publisher.stop)
        redis = self.settings.need_cluster().redis
        self.link = Link(redis.url, self.cluster.prefix, redis.options(self._run.environment))
        self._messages = RedisMessages(self.link)
        self._view = RedisView(self.link, 0, self.settings.limits.closed_items)
        self._stack.callback(self.link.close)
        web = await self._http()
        cluster_id = await self._topics()
        self.app = make_app(self.cluster, self.cluster.data / "faust", self.metrics.registry)
        if web is not None:
            self.app.service(hosting.hosted(ResultsService, self.cluster, web.told))
        self._agents()
        if "machines" in roles:
            slots = Slots(self.cluster, cluster_id, tell_of(self.told), trouble_of(self.told))
            self._slots = slots
            files = WatchedFiles(self.workspace, self.settings)
            self.app.service(hosting.hosted(MachinesService, slots, self.publisher, self.told, files))
        delivering = await self._delivery()
        outbox = None if delivering is None else delivering.counts
        self.app.service(
            hosting.hosted(
                GaugesService, self.cluster, self.metrics, self.ready, self._slots, outbox, self.cluster.data
            )
        )
        own = Own(self._name, {"url": others_url(self.url), "roles": list(roles)}, "views" in roles)
        kept_too = self._entities()
        self.app.service(
            hosting.hosted(ListsService, self.cluster, self.link, self._view, kept_too, self.told, own)
        )
        await self.app.start()
        self._stack.push_async_callback(self.app.stop)
        log.info("running", url=self.url, roles=list(roles), partitions=self.cluster.partitions)

    async def _topics(self) -> str:
        """Make or verify the topics, as soon as Kafka answers; meanwhile events wait in the outbox."""
        while True:
            try:
                return await ensure_topics(self.cluster)
            except StreamError as error:
                if error.code != AWAY:
                    raise
                log.warning("Kafka is waited for", **error.to_dict())
                await asyncio.sleep(AWAY_SECONDS)

    def _agents(self) -> None:
        roles, cluster, app = self._run.roles, self.cluster, self.app
        add_agent(app, cluster, "quiet", (slots_of(cluster.machines[0].name),), stages.quiet)
        if "intake" in roles:
            agent = stages.intake(cluster, self.publisher, self.metrics)
            add_agent(app, cluster, "intake", (EVENTS,), agent)
        if "views" in roles:
            agent = stages.projection(cluster, self._view)
            add_agent(app, cluster, "projection", tuple(OPEN_STATES), agent)
            add_agent(app, cluster, "messages", (RECEIPTS,), stages.messages(cluster, self._messages))
            if (kept_too := self._entities()) is not None:
                add_agent(app, cluster, "entities", (changelog_of(ACCOUNT),), stages.entities(kept_too))

    def _entities(self) -> RedisEntities | None:
        return RedisEntities(self.link) if self.settings.need_cluster().redis.entities else None

    async def _delivery(self) -> Delivering | None:
        channels = self._channels()
        if "delivery" not in self._run.roles or not channels:
            return None
        sign = signer(self.workspace, self.settings, self._run.environment)
        base = self.settings.http.public_url or self.url
        mail = self.settings.mail
        limits = {} if mail is None or mail.per_minute is None else {"email": mail.per_minute}
        gate, incarnation = Gate(self.link, limits), Incarnation(self.cluster.data, self._name)
        self._stack.callback(incarnation.close)
        await gate.free(incarnation)
        delivering = Delivering(
            self.cluster,
            channels,
            lambda record: signed(record, sign, base),
            lambda message: self.publisher.submit([receipt_entry(message, self.settings)]),
            self.observer.attempt,
            incarnation.name,
            gate,
            self._messages,
        )
        await delivering.start(self.app)
        self._stack.push_async_callback(delivering.stop)
        add_agent(self.app, self.cluster, "delivery", (NOTIFICATIONS,), delivering.agent)
        return delivering

    def _channels(self) -> Mapping[str, Channel]:
        if self._run.channels is not None:
            return self._run.channels
        mail, clock = self.settings.mail, WallClock()
        if mail is None:
            return {}
        return {"email": MailChannel(mail, now=clock.now, password=mail.password(self._run.environment))}

    def ready(self) -> Sequence[str]:
        """Why nothing is taken, in words."""
        publisher = self.publisher
        return [] if publisher.connected or not publisher.full else ["Kafka is away and the outbox is full"]

    def warnings(self) -> Sequence[str]:
        """What wants somebody though the worker goes on."""
        publisher = self.publisher.warnings if self._appends else []
        return [*publisher, *self.observer.warnings, *self.told.warnings]

    async def _http(self) -> Web | None:
        settings, limits, run = self.settings, self.settings.limits, self._run
        given = run.environment.get(settings.http.tokens_env, "")
        tokens = {kept(self.workspace.token), cluster_token(self.workspace, settings, run.environment)}
        clients = [*read_tokens(given, settings.http.tokens_env), *map(local_client, tokens)]
        access = Access(clients, time.monotonic, limits.events_per_second, limits.burst)
        work = ClusterWork(self.publisher, self._view, lambda: self._slots)
        routes: list[Route] = local_routes(access, work.handlers(intake="intake" in run.roles))
        web: Web | None = None
        if "intake" in run.roles:
            bounds = Limits(limits.event_bytes, limits.batch_bytes, limits.batch_events)
            gate = EventGate(access)
            intake = Intake(self._sink, gate, self.ready, settings.tz, bounds, self.metrics)
            routes.append(intake_route(intake))
            sign = signer(self.workspace, settings, run.environment)
            web = web_of(access, self.link, self.publisher, sign, settings.tz)
        api, decisions = (None, None) if web is None else (web.api, web.decisions)
        probes = Probes(self.ready, self.metrics.render, self.warnings)
        host, _, port = (run.listen or settings.need_cluster().listen).rpartition(":")
        server = HttpServer(
            create_app(probes, api=api, decisions=decisions, routes=routes, observer=self.metrics),
            host.strip("[]"),
            int(port),
        )
        await server.start()
        self._stack.push_async_callback(server.stop)
        host = f"[{server.host}]" if ":" in server.host else server.host
        self.url = f"http://{host}:{server.port}"
        return web

    async def _sink(self, events: list[Event]) -> Sequence[str]:
        namespaces = self.settings.namespaces
        return await self.publisher.submit([entry_of(event, 0, namespaces=namespaces) for event in events])
