"""`stagewatch worker`: a worker of the cluster in this process until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from schemas.errors import SettingsError
from stagewatch.commands.running import Level, Style, secrets_of, started
from stagewatch.logs import configure_logs
from stagewatch.settings import load_settings
from stagewatch.worker.server import ROLES, Run, WorkerServer
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.marks import refuse_early
from streams.runtimes.collector import spare_old_objects

NOISY = ("aiokafka", "faust", "mode", "kafka", "uvicorn.error")


def run(root: Path, roles: str, listen: str | None, data: Path | None, style: str, level: str) -> int:
    """Run a worker; returns when it was stopped."""
    chosen = roles_of(roles)
    workspace = Workspace.find(root)
    settings = load_settings(workspace.settings)
    looks = ("console" if sys.stderr.isatty() else "json") if style == "auto" else style
    configure_logs(cast(Style, looks), cast(Level, level), secrets=secrets_of(workspace, settings))
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    asyncio.run(_serve(WorkerServer(workspace, settings, Run(chosen, listen, data))))
    return 0


def roles_of(text: str) -> Sequence[str]:
    """The roles in `intake,machines`.

    Raises:
        SettingsError: SW-SET-005, one is not known.
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [role for role in found if role not in ROLES]
    if unknown or not found:
        raise SettingsError(
            "SW-SET-005",
            place="--roles",
            expected=f"some of {', '.join(ROLES)}",
            found=", ".join(unknown) or "nothing",
        )
    return found


async def _start(worker: WorkerServer) -> None:
    """Start, unless the cluster was moved elsewhere: then nothing must be taken, not even for a moment."""
    await refuse_early(worker.cluster)
    await worker.start()


async def _serve(worker: WorkerServer) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if not await started(_start(worker), stopping):
        return
    try:
        spare_old_objects()
        if sys.stdout.isatty():
            sys.stdout.write(f"Worker of {worker.cluster.prefix} at {worker.url} — Ctrl-C stops it\n")
        await stopping.wait()
    finally:
        await worker.stop()
