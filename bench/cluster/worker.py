"""The project's own worker as a process that is measured: `stagewatch worker`, over a workspace made for it.

Only the role `machines` is run: identity, account and inbox; peers have no lists and send no mail either.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2

from bench.cluster.process import Measured
from deploy.local.process import NotStartedError
from deploy.local.settings import cluster_tables

ZONE = 'zone = "Asia/Shanghai"\n'
READY_SECONDS = 180.0
LOOK_SECONDS = 0.2


class Worker(Measured):
    """A `stagewatch worker` with local files of its own in `folder`."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        super().__init__(folder)
        self._workspace = workspace

    def command(self) -> Sequence[str]:
        """The worker."""
        where = ["-w", str(self._workspace), "--listen", self.address, "--data", str(self.folder)]
        return [sys.executable, "-m", "stagewatch", "worker", *where, "--roles", "machines", "--log", "json"]

    async def ready(self, brought_in: int) -> None:
        """Wait until so many rules and people were brought in, and all sweeps have ended.

        Raises:
            NotStartedError: it took too long.
        """
        deadline = time.monotonic() + READY_SECONDS
        while self.log.read_text("utf-8").count('"brought in"') < brought_in or await self._sweeping():
            if time.monotonic() > deadline:
                raise NotStartedError("the rules of the workspace were not brought in")
            await asyncio.sleep(LOOK_SECONDS)

    async def _sweeping(self) -> bool:
        found = await asyncio.to_thread(self.metric, "stagewatch_sweeps_running")
        return not found or any(found)

    def metric(self, name: str, labels: str = "") -> list[float]:
        """The values of a metric, under all its labels or those that begin so (`machine="account"`)."""
        text = httpx2.get(f"http://{self.address}/metrics", timeout=30).raise_for_status().text
        begins = f"{name}{{{labels}"
        return [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(begins)]


def workspace(
    folder: Path,
    prefix: str,
    partitions: int,
    servers: tuple[str, str],
    files: tuple[str, str],
    session_ms: int = 6_000,
) -> Path:
    """A workspace for workers. servers: address of Kafka, URL of Redis; files: rules and people as YAML."""
    (folder / "rules").mkdir(parents=True)
    tables = cluster_tables(prefix, partitions, *servers, session_ms=session_ms)
    (folder / "stagewatch.toml").write_text(ZONE + tables, "utf-8")
    (folder / "rules" / "bench.yaml").write_text(files[0], "utf-8")
    (folder / "people.yaml").write_text(files[1], "utf-8")
    return folder
