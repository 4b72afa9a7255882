"""The running workspace: engine, HTTP, delivery and watcher in one process; starts, serves and stops them.

The wiring is here and nowhere else; what is wired decides for itself. Signals are the caller's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from starlette.routing import Route

from connectors.channels.channel import AbsentChannel, Channel
from connectors.channels.delivery import Delivery
from connectors.channels.mail import MailChannel
from connectors.sources.http.intake import Intake, Limits, intake_route
from console.access import Access, EventGate, read_tokens
from console.api import Api
from console.app import Probes, create_app
from console.decisions import Decisions
from console.links import signed
from console.server import HttpServer
from schemas.envelope import Event
from schemas.errors import StagewatchError
from stagewatch import __version__
from stagewatch.metrics import Metrics
from stagewatch.service.engine import Engine
from stagewatch.service.local import local_client, local_routes
from stagewatch.service.observe import Observer
from stagewatch.service.opening import bring_in, end_history, open_runtime, read_files
from stagewatch.service.outbox import SqliteOutbox, UsedLinks
from stagewatch.service.ports import ReaderView, engine_commands
from stagewatch.service.receipts import Receipts
from stagewatch.service.secrets import Address, kept, signer, write_address
from stagewatch.service.wall import WallClock
from stagewatch.service.watcher import Watcher
from stagewatch.service.work import EngineWork
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.embedded.clock import Clock
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import entry_of
from streams.stores.sqlite_db import Database
from streams.topology import NOTIFICATIONS
from streams.views.sqlite import SqliteViewReader

GAUGE_SECONDS = 2.0
MAIL_SECONDS = 0.6
"""How long the message in flight is waited for when the server stops."""

log = structlog.get_logger("stagewatch.server")


@dataclass(frozen=True, slots=True)
class Run:
    """How to run. port: instead of the settings'. scale: logical time per wall time. clock: for tests and
    demos.

    channels: instead of mail, by name. heard: told of each batch in the thread that works it off, from the
    first on.
    """

    port: int | None = None
    scale: int | None = None
    clock: Clock | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    channels: Mapping[str, Channel] | None = None
    heard: Callable[[Committed], None] | None = None


class Server:
    """A workspace that runs.

    Example::

        async with Server(workspace, settings) as server:
            print(server.url)
            await asyncio.Event().wait()
    """

    def __init__(self, workspace: Workspace, settings: Settings, run: Run | None = None) -> None:
        self.workspace, self.settings = workspace, settings
        self._run = run or Run()
        self.metrics = Metrics(__version__)
        self.observer = Observer(self.metrics)
        self._stack = contextlib.AsyncExitStack()
        self._ends: list[Callable[[], Awaitable[None]]] = []
        self._unsent: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the workspace, bring its files in, serve.

        Raises:
            WorkspaceError, SettingsError: it cannot be opened, or the address cannot be used.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Take nothing more, answer what is in flight, finish the batch, close; within a second."""
        await asyncio.gather(*(end() for end in self._ends))  # both may have to wait for the other side
        await self._stack.aclose()
        log.info("stopped")

    # -- wiring ------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        run, settings, workspace = self._run, self.settings, self.workspace
        token = kept(workspace.token)
        runtime = open_runtime(workspace, settings, scale=run.scale, clock=run.clock)
        self.engine = Engine(runtime)
        self._stack.callback(self.engine.stop)
        self.engine.subscribe(self.observer.committed)
        if run.heard is not None:
            self.engine.subscribe(run.heard)
        self.clock: Clock = runtime.clock
        files = await asyncio.to_thread(read_files, workspace, settings)
        entries = await asyncio.to_thread(bring_in, workspace, runtime, files)
        if await asyncio.to_thread(end_history, runtime):
            log.warning("an import had not ended", next_step="import the same files again to bring the rest")
        self._database = Database(workspace.data, read_only=True)
        self._stack.callback(self._database.close)
        self.view = ReaderView(SqliteViewReader(self._database))
        self.commands = engine_commands(self.engine, self.view)
        self.watcher = Watcher(workspace, settings, self.engine)
        self.watcher.note(files)
        self._outbox(token)
        self.engine.start()
        await self._http(token)
        self._background(self.watcher.run(), self._gauges())
        await self._delivery()
        log.info("running", url=self.url, phase=runtime.phase, changed=len(entries), scale=self.clock.scale)

    def _outbox(self, token: str) -> None:
        sign = signer(self.workspace, self.settings, self._run.environment)
        self.signer = sign
        self.outbox = SqliteOutbox(self.workspace.data, lambda record: signed(record, sign, self.public_url))
        self._stack.callback(self.outbox.close)
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def told(batch: Committed) -> None:
            if any(logged.topic == NOTIFICATIONS for logged in batch.outputs):
                with contextlib.suppress(RuntimeError):  # the loop has ended: the next run takes them
                    loop.call_soon_threadsafe(self._news.set)

        self.engine.subscribe(told)

    @property
    def public_url(self) -> str:
        """Where people reach the web side."""
        return self.settings.http.public_url or self.url

    def ready(self) -> Sequence[str]:
        """Why nothing is taken, in words."""
        problem = self.engine.problem
        return [problem] if problem else []

    def warnings(self) -> Sequence[str]:
        """What does not stop the intake and still wants an administrator, in words."""
        return [*self.observer.warnings, *self._unsent]

    async def _http(self, token: str) -> None:
        settings, limits = self.settings, self.settings.limits
        given = self._run.environment.get(settings.http.tokens_env, "")
        clients = [*read_tokens(given, settings.http.tokens_env), local_client(token)]
        access = Access(clients, time.monotonic, limits.events_per_second, limits.burst)
        intake = Intake(
            self._sink,
            EventGate(access),
            self.ready,
            settings.tz,
            Limits(limits.event_bytes, limits.batch_bytes, limits.batch_events),
            self.metrics,
        )
        work = EngineWork(self.engine, self.watcher, self.clock.now)
        routes: list[Route] = [intake_route(intake), *local_routes(access, work.handlers())]
        links = UsedLinks(self.outbox)
        app = create_app(
            Probes(self.ready, self.metrics.render, self.warnings),
            api=Api(access, self.view, self.commands),
            decisions=Decisions(self.signer, self.view, self.commands, links, self.clock.now, settings.tz),
            routes=routes,
            observer=self.metrics,
        )
        port = settings.http.port if self._run.port is None else self._run.port
        server = HttpServer(app, settings.http.host, port)
        await server.start()
        self._stack.push_async_callback(server.stop)
        self._ends.append(server.stop)
        host = f"[{server.host}]" if ":" in server.host else server.host
        self.url = f"http://{host}:{server.port}"
        write_address(self.workspace, Address(os.getpid(), self.url))
        self._stack.callback(self.workspace.server.unlink, missing_ok=True)

    async def _sink(self, events: list[Event]) -> Sequence[int]:
        namespaces = self.watcher.settings.namespaces
        entries = [entry_of(event, 0, namespaces=namespaces) for event in events]
        first, last = await asyncio.wrap_future(self.engine.append(entries))
        return range(first, last + 1)

    # -- delivery ----------------------------------------------------------------------------------------

    async def _delivery(self) -> None:
        clock = WallClock()
        delivery = Delivery(
            self._channels(clock),
            self.outbox,
            clock,
            owner="stagewatch",
            observe=self.observer.attempt,
            trouble=_trouble,
        )
        await self.outbox.retry_now(clock.now())
        running = asyncio.create_task(delivery.run())

        async def end() -> None:
            delivery.stop()
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(MAIL_SECONDS):
                    await running

        self._stack.push_async_callback(end)
        self._ends.append(end)
        receipts = Receipts(self.outbox, self.settings, self.engine.append, _trouble)
        self._background(self._enter(delivery, clock), receipts.run())

    def _channels(self, clock: WallClock) -> Mapping[str, Channel]:
        if self._run.channels is not None:
            return self._run.channels
        mail = self.settings.mail
        if mail is None:
            self._unsent = ["no mail server is set up: messages wait in the outbox"]
            log.warning(self._unsent[0], settings="[mail]")
            return {"email": AbsentChannel("email")}
        return {"email": MailChannel(mail, now=clock.now, password=mail.password(self._run.environment))}

    async def _enter(self, delivery: Delivery, clock: WallClock) -> None:
        """Take messages from the log into the outbox whenever there are new ones."""
        while True:
            self._news.clear()
            try:
                if await self.outbox.enter(clock.now()):
                    delivery.wake()
            except Exception as error:
                _trouble(error)
                await asyncio.sleep(1)
                continue
            await self._news.wait()

    # -- metrics -----------------------------------------------------------------------------------------

    async def _gauges(self) -> None:
        while True:
            try:
                await self.engine.call(self._read_gauges)
                self.metrics.outbox(*await self.outbox.counts())
                room = await asyncio.to_thread(shutil.disk_usage, self.workspace.data)
                self.metrics.disk(room.free, room.total)
            except Exception as error:
                log.warning("gauges not read", error=str(error))
            self.metrics.ready(not self.ready())
            await asyncio.sleep(GAUGE_SECONDS)

    def _read_gauges(self, runtime: EmbeddedRuntime) -> None:
        self.observer.gauges(runtime, self.clock.now())

    def _background(self, *works: Coroutine[None, None, None]) -> None:
        for work in works:
            task = asyncio.create_task(work)
            self._stack.push_async_callback(_cancelled, task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _trouble(error: Exception) -> None:
    fields = error.to_dict() if isinstance(error, StagewatchError) else {"error": str(error)}
    log.warning("outbox in trouble, tried again", **fields)
