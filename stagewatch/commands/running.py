"""`stagewatch run`: the server in this process until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Literal, cast, get_args

from stagewatch.commands.arguments import one_of
from stagewatch.logs import configure_logs
from stagewatch.service.secrets import kept
from stagewatch.service.server import Run, Server
from stagewatch.settings import Settings, load_settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.collector import collect_when_idle, spare_old_objects

Style = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

TIDY_SECONDS = 600.0
"""How often garbage in cycles is looked for."""


def run(root: Path, port: int | None, scale: int | None, style: str, level: str) -> int:
    """Run the workspace; returns when it was stopped."""
    one_of(style, ("auto", *get_args(Style)), "--log")
    one_of(level, get_args(Level), "--log-level")
    workspace = Workspace.find(root)
    settings = load_settings(workspace.settings)
    chosen = ("console" if sys.stderr.isatty() else "json") if style == "auto" else style
    configure_logs(cast(Style, chosen), cast(Level, level), secrets=secrets_of(workspace, settings))
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it says what we say better
    asyncio.run(_serve(workspace, settings, Run(port, scale)))
    return 0


def secrets_of(workspace: Workspace, settings: Settings) -> list[str]:
    """What must never stand in a log."""
    names = [settings.http.tokens_env, settings.http.secret_env]
    if settings.mail is not None and settings.mail.password_env is not None:
        names.append(settings.mail.password_env)
    if settings.cluster is not None:
        names += [settings.cluster.kafka.password_env, settings.cluster.redis.password_env]
    given = [os.environ[name] for name in names if os.environ.get(name)]
    tokens = [entry.partition("=")[2] for text in given for entry in text.replace(",", " ").split()]
    return [*given, *(token for token in tokens if token), kept(workspace.token)]


async def _serve(workspace: Workspace, settings: Settings, how: Run) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(workspace, settings, how)
    if not await started(server.start(), stopping):
        return
    try:
        spare_old_objects()
        if sys.stdout.isatty():
            sys.stdout.write(f"Stagewatch {workspace.root} at {server.url} — Ctrl-C stops it\n")
        while not stopping.is_set():
            await _tidy(server, stopping)
    finally:
        await server.stop()


async def started(start: Coroutine[None, None, None], stopping: asyncio.Event) -> bool:
    """Start, unless it is told to stop before it has come so far; whether it runs."""
    starting = asyncio.create_task(start)
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    return not starting.cancelled()


async def _tidy(server: Server, stopping: asyncio.Event) -> None:
    """Let some minutes pass, then take away garbage in cycles, if no event waits just then."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), TIDY_SECONDS)
        return
    if await server.engine.call(lambda runtime: runtime.backlog) == 0:
        collect_when_idle()
