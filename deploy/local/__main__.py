"""`make cluster`: a whole cluster on 127.0.0.1 that stays up until Ctrl-C, and where to look at it.

Kafka, Redis, Prometheus, Alertmanager and two workers, with their data in build/cluster. For trying out.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from deploy.local.kafka import HOME, Kafka
from deploy.local.process import NotStartedError, ServerProcess
from deploy.local.redis import Redis
from deploy.local.watching import Alertmanager, Prometheus

SETTINGS = """
[cluster]
prefix = "stagewatch"
partitions = {partitions}
replication = 1

[cluster.kafka]
brokers = "{kafka}"

[cluster.redis]
url = "{redis}"
"""


class Worker(ServerProcess):
    """A `stagewatch worker`."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        super().__init__(folder)
        self._workspace = workspace

    def command(self) -> Sequence[str]:
        """The worker."""
        where = ["-w", str(self._workspace), "--listen", self.address, "--data", str(self.folder)]
        return [sys.executable, "-m", "stagewatch", "worker", *where, "--log", "json"]


def workspace(folder: Path, kafka: Kafka, redis: Redis, partitions: int) -> Path:
    """A workspace in `folder`, made when it is not there, that names these servers."""
    settings = folder / "stagewatch.toml"
    if not settings.exists():
        subprocess.run([sys.executable, "-m", "stagewatch", "init", str(folder)], check=True)
    head = settings.read_text("utf-8").partition("\n[cluster]\n")[0]
    cluster = SETTINGS.format(partitions=partitions, kafka=kafka.address, redis=redis.url)
    settings.write_text(head.rstrip() + "\n" + cluster, "utf-8")
    return folder


def run(folder: Path, workers: int, partitions: int, stopping: threading.Event) -> None:
    """Start everything, say where it is, wait, stop it."""
    with contextlib.ExitStack() as up:
        kafka = up.enter_context(Kafka(folder / "kafka"))
        redis = up.enter_context(Redis(folder / "redis"))
        place = workspace(folder / "workspace", kafka, redis, partitions)
        names = [f"worker-{number + 1}" for number in range(workers)]
        its = [up.enter_context(Worker(folder / name, place)) for name in names]
        alertmanager = up.enter_context(Alertmanager(folder / "alertmanager"))
        targets = [worker.address for worker in its]
        prometheus = up.enter_context(Prometheus(folder / "prometheus", targets, alertmanager.address))
        lines = {
            "Kafka": kafka.address,
            "Redis": redis.url,
            "Prometheus": f"http://{prometheus.address}/alerts",
            "Alertmanager": f"http://{alertmanager.address}",
            **{name: f"http://{worker.address}/metrics" for name, worker in zip(names, its, strict=True)},
            "workspace": str(place),
            "status": f"stagewatch status -w {place}",
        }
        for name, where in lines.items():
            print(f"  {name:<14} {where}", flush=True)
        print("Ctrl-C stops all of it.", flush=True)
        stopping.wait()


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME / "build" / "cluster")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=4)
    options = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        run(options.folder.resolve(), options.workers, options.partitions, stopping)
    except NotStartedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
