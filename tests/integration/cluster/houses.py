"""A house of `tests.integration.run` whose workspace names a cluster: the same command line, mails and posts.

One worker has all roles, unless a test starts more. Nothing of it knows what is asked.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2

from deploy.local.kafka import Kafka
from deploy.local.process import ServerProcess
from deploy.local.redis import Redis
from stagewatch.cli.main import main
from stagewatch.settings import load_settings
from stagewatch.worker.server import Run, cluster_of
from stagewatch.workspace.paths import Workspace
from streams.runtimes.cluster.config import Cluster
from tests.integration.run.house import SECRET, TOKEN, House, cli

PARTITIONS = 2


def called(root: Path, *words: str) -> tuple[int, str, str]:
    """The command line in this process, quicker than one of its own: (exit code, answer, errors)."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    environment = {"STAGEWATCH_WORKSPACE": str(root), "LANG": "C.UTF-8"}
    kept = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    sys.argv = ["stagewatch", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main()
    finally:
        sys.argv = before
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return code, out.getvalue(), err.getvalue()


class HouseWorker(ServerProcess):
    """A worker of the house, with local files of its own."""

    seconds_to_stop = 5.0

    def __init__(self, folder: Path, root: Path) -> None:
        super().__init__(folder)
        self._root = root

    def environment(self) -> Mapping[str, str]:
        """Tokens and secret as the server of one process has them."""
        tokens = f"crm={TOKEN} ops:read+commands=ops-{TOKEN}"
        return {**os.environ, "STAGEWATCH_TOKENS": tokens, "STAGEWATCH_SECRET": SECRET}

    def command(self) -> Sequence[str]:
        """The worker."""
        where = ["-w", str(self._root), "--listen", self.address, "--data", str(self.folder)]
        return [sys.executable, "-m", "stagewatch", "worker", *where, "--log", "json"]


class ClusterHouse(House):
    """A house on a cluster of its own prefix."""

    def __init__(self, root: Path, kafka: Kafka, redis: Redis) -> None:
        self._kafka, self._redis = kafka, redis
        self.worker = HouseWorker(root.with_name(f"{root.name}-worker"), root)
        super().__init__(root)

    def made(self) -> None:
        """A workspace of a cluster."""
        cli("init", str(self.root), "--kafka", self._kafka.address, "--redis", self._redis.url)
        settings = self.root / "stagewatch.toml"
        text = settings.read_text("utf-8")
        for name, value in (("prefix", f'"c{random.getrandbits(32):x}"'), ("partitions", str(PARTITIONS)),
                            ("session_ms", "2000"), ("tick_ms", "100")):  # fmt: skip
            text = text.replace(f"# {name} = ", f"{name} = {value} # ", 1)
        settings.write_text(text, "utf-8")

    @property
    def cluster(self) -> Cluster:
        """The cluster as programs see it."""
        workspace = Workspace.find(self.root)
        return cluster_of(workspace, load_settings(workspace.settings), Run(data=self.worker.folder))

    def run(self, *options: str) -> None:
        """Start the worker and wait until it answers."""
        self.worker.start()
        self.url = f"http://{self.worker.address}"
        self.client.close()
        self.client = httpx2.Client(base_url=self.url, timeout=20)

    def log(self) -> str:
        """What the worker has logged."""
        return self.worker.log.read_text("utf-8")

    def close(self) -> None:
        """End everything that was started."""
        if self.worker.running:
            self.worker.stop()
        super().close()
