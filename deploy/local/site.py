"""All servers of a cluster on this machine: started and stopped together, each in a folder of its own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.local.kafka import Kafka
from deploy.local.mail import MailCatcher
from deploy.local.process import ServerProcess
from deploy.local.redis import Redis
from deploy.local.settings import cluster_tables
from deploy.local.watching import Alertmanager, Prometheus
from deploy.local.worker import Worker

MAIL = """
[mail]
host = "127.0.0.1"
port = {mail}
tls = "none"
sender = "Stagewatch <watch@example.com>"
"""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Site:
    """Kafka, Redis, workers of the workspace in `folder`, a mail catcher, Alertmanager and Prometheus.

    environment: of the workers, beside ours. hurried: as `Prometheus` has it. Use as a context manager; the
    workspace must be there by then.
    """

    def __init__(
        self, folder: Path, workers: int, environment: Mapping[str, str], hurried: Mapping[str, str]
    ) -> None:
        self.workspace = folder / "workspace"
        self.kafka, self.redis = Kafka(folder / "kafka"), Redis(folder / "redis")
        self.mail = MailCatcher(folder / "mail")
        names = [f"worker-{number + 1}" for number in range(workers)]
        self.workers = {name: Worker(folder / name, self.workspace, environment) for name in names}
        self.alertmanager = Alertmanager(folder / "alertmanager", self.mail.address)
        targets = [worker.address for worker in self.workers.values()]
        self.prometheus = Prometheus(folder / "prometheus", targets, self.alertmanager.address, hurried)

    def settings(self, partitions: int, mail_port: int, *, trial: bool) -> str:
        """The part of `stagewatch.toml` that names these servers. mail_port: where users' mails go."""
        servers = (self.kafka.address, self.redis.url)
        tables = cluster_tables("stagewatch", partitions, *servers, session_ms=3000, trial=trial)
        return MAIL.format(mail=mail_port) + tables

    @property
    def _in_order(self) -> Sequence[Sequence[ServerProcess]]:
        """Whoever needs others comes after them."""
        watching = (self.alertmanager, self.prometheus)
        return (self.kafka, self.redis, self.mail), (*self.workers.values(), *watching)

    def __enter__(self) -> Self:
        everything = [server for group in self._in_order for server in group]
        try:
            for server in everything:
                server.launch()
            for server in everything:
                server.await_start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all of them; those of a group at the same time. Nobody's Ctrl-C leaves one behind."""
        with _deaf():
            for group in reversed(self._in_order):
                for server in group:
                    server.signal(signal.SIGTERM)
                for server in group:
                    server.stop()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """No signal breaks off what is done here."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def look(site: Site) -> Mapping[str, str]:
    """Name of a server -> where people look at it."""
    return {
        "Kafka": site.kafka.address,
        "Redis": site.redis.url,
        **{name: f"{worker.url}/metrics  /readyz" for name, worker in site.workers.items()},
        "Prometheus": f"http://{site.prometheus.address}/alerts",
        "Alertmanager": f"http://{site.alertmanager.address}",
        "mails": str(site.mail.kept),
    }
