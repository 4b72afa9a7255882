"""Workers as real processes: started, killed, frozen, asked; and a workspace for them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from deploy.local.process import ServerProcess
from deploy.local.settings import cluster_tables

HOME = Path(__file__).parents[3]
TOKEN = "t0ken-of-senders-0123456789abcdef"

ZONE = 'zone = "Asia/Shanghai"\n'
RULE = """\
rule: quote-large
title: Large quote
watch: quote
when: {event: quote.sent}
where: {field: amount, op: gt, value: 0}
then: [{notify: {to: ["user:li"]}}]
"""

PEOPLE = """\
people:
  - person: li
    name: Li
    mail: li@example.com
"""


def workspace(
    folder: Path, prefix: str, kafka: str, partitions: int, redis: str = "redis://127.0.0.1:1"
) -> Path:
    """A workspace with one rule and one person, for workers on that broker."""
    (folder / "rules").mkdir(parents=True)
    tables = cluster_tables(prefix, partitions, kafka, redis, session_ms=2000, tick_ms=100)
    (folder / "stagewatch.toml").write_text(ZONE + tables, "utf-8")
    (folder / "rules" / "quote-large.yaml").write_text(RULE, "utf-8")
    (folder / "people.yaml").write_text(PEOPLE, "utf-8")
    return folder


class Worker(ServerProcess):
    """A `stagewatch worker` of a workspace, with local files of its own."""

    seconds_to_stop = 5.0

    def __init__(self, folder: Path, workspace: Path, roles: Sequence[str] = ("intake", "machines")) -> None:
        super().__init__(folder)
        self._workspace = workspace
        self._roles = roles

    def environment(self) -> Mapping[str, str]:
        """Ours, with the token of senders."""
        return {**os.environ, "STAGEWATCH_TOKENS": f"test:events={TOKEN}"}

    def command(self) -> Sequence[str]:
        """The worker."""
        where = ["-w", str(self._workspace), "--listen", self.address, "--data", str(self.folder)]
        roles = ",".join(self._roles)
        return [sys.executable, "-m", "stagewatch", "worker", *where, "--roles", roles, "--log", "json"]

    def get(self, path: str) -> str:
        """What it answers."""
        return httpx2.get(f"http://{self.address}{path}", timeout=5).raise_for_status().text

    def metric(self, name: str) -> dict[str, float]:
        """Labels -> value of a metric."""
        found = {}
        for line in self.get("/metrics").splitlines():
            if line.startswith((f"{name}{{", f"{name} ")):
                labels, _, value = line.removeprefix(name).rpartition(" ")
                found[labels] = float(value)
        return found

    def said(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{")]

    def brought_in(self, name: str) -> bool:
        """Whether it has brought in the rule or person of that name."""
        return any(line.get("name") == name for line in self.said())


class SkewedWorker(Worker):
    """A worker whose wall clock is wrong by so many seconds."""

    def __init__(self, folder: Path, workspace: Path, seconds: int) -> None:
        super().__init__(folder, workspace)
        self._seconds = seconds

    def command(self) -> Sequence[str]:
        """The worker, behind a program that bends the clock."""
        python, _, *words = super().command()
        return [python, "-c", SKEW, str(self._seconds), *words[1:]]


SKEW = """\
import sys, time
wrong = int(sys.argv.pop(1))
now, now_ns = time.time, time.time_ns
time.time = lambda: now() + wrong
time.time_ns = lambda: now_ns() + wrong * 1_000_000_000
from stagewatch.cli.main import main
sys.exit(main())
"""
