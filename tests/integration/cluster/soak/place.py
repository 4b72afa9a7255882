"""What a soak runs on: a broker, a Redis, three workers with all roles, each with a mail server of its own.

Where this machine allows it, the last worker lives behind a cable that can be cut.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.process import HOST, free_port
from deploy.local.redis import Redis
from streams.runtimes.cluster.config import Cluster
from tests.integration.cluster.soak.mails import Mails, mail_server
from tests.integration.cluster.soak.namespace import Namespace, lacking
from tests.integration.cluster.soak.traffic import PEOPLE, RULES
from tests.integration.cluster.trial import cluster_of
from tests.integration.cluster.workers import Worker, workspace

PREFIX = "soak"
WORKERS = ("a", "b", "c")
SECRET = "0123456789abcdef0123456789abcdef"
MAIL = '\n[mail]\nhost = "{host}"\nport = {port}\ntls = "none"\nsender = "Stagewatch <watch@example.com>"\n'
LIMITS = "\n[limits]\nevents_per_second = 1000000\nburst = 1000000\n"
OUTSIDE = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller},OUTSIDE://{gateway}:{outside}
advertised.listeners=PLAINTEXT://{host}:{port},OUTSIDE://{gateway}:{outside}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT
"""


class SharedKafka(Kafka):
    """A broker that answers on the cable too, by a listener of its own."""

    def __init__(self, folder: Path, gateway: str) -> None:
        super().__init__(folder, session=3000)
        outside = free_port()
        self.outside = f"{gateway}:{outside}"
        self._more = OUTSIDE.format(
            host=HOST, port=self.port, controller=self._controller, gateway=gateway, outside=outside
        )


class SharedRedis(Redis):
    """A Redis that answers on the cable too."""

    def __init__(self, folder: Path, gateway: str) -> None:
        super().__init__(folder)
        self._gateway = gateway

    def command(self) -> Sequence[str]:
        """The server."""
        return [*super().command(), "--bind", HOST, self._gateway, "--protected-mode", "no"]


class SoakWorker(Worker):
    """A worker with all roles, here or behind the cable. name: as mails and faults call it."""

    seconds_to_stop = 20.0

    def __init__(self, name: str, folder: Path, its: Path, behind: Namespace | None) -> None:
        super().__init__(folder, its, ("intake", "machines", "views", "delivery"))
        self.name = name
        self._behind = behind
        if behind is not None:
            self.host = behind.inside

    def environment(self) -> Mapping[str, str]:
        """Ours, with the secret that signs links."""
        return {**super().environment(), "STAGEWATCH_SECRET": SECRET}

    def command(self) -> Sequence[str]:
        """The worker, inside the namespace if it has one."""
        enter = () if self._behind is None else self._behind.enter
        return [*enter, *super().command()]


class Place:
    """All servers; a context manager. without: why there is no cable to cut, None: there is one."""

    def __init__(self, folder: Path, partitions: int, session_ms: int) -> None:
        self._folder, self._partitions, self._session_ms = folder, partitions, session_ms
        self._stack = contextlib.ExitStack()
        self.mails = Mails()
        self.workers: list[SoakWorker] = []
        self.without = lacking()
        self.cable: Namespace | None = None

    def __enter__(self) -> Place:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def hand_over(self) -> None:
        """Stop all workers in good order: what they had in hand is committed."""
        for worker in self.workers:
            worker.wake()
            worker.stop()

    # -- inside --------------------------------------------------------------------------------------------

    def _start(self) -> None:
        enter = self._stack.enter_context
        if self.without is None:
            self.cable = enter(Namespace())
        gateway = HOST if self.cable is None else self.cable.gateway
        self.kafka = enter(SharedKafka(self._folder / "kafka", gateway))
        self.redis = enter(SharedRedis(self._folder / "redis", gateway))
        self.cluster: Cluster = cluster_of(
            self.kafka.address, self._folder / "none", PREFIX, self._partitions, trial=False
        )
        for name in WORKERS:
            behind = self.cable if name == WORKERS[-1] else None
            host = HOST if behind is None else gateway
            kafka = self.kafka.address if behind is None else self.kafka.outside
            redis = f"redis://{host}:{self.redis.port}/0"
            port = enter(mail_server(self.mails, name, host))
            its = self._workspace(name, kafka, redis, MAIL.format(host=host, port=port) + LIMITS)
            self.workers.append(SoakWorker(name, self._folder / name, its, behind))
        for worker in self.workers:
            self._stack.callback(worker.kill)
            self._stack.callback(worker.wake)
        with ThreadPoolExecutor() as together:
            list(together.map(SoakWorker.start, self.workers))

    def _workspace(self, name: str, kafka: str, redis: str, more: str) -> Path:
        its = workspace(self._folder / f"workspace-{name}", PREFIX, kafka, self._partitions, redis)
        settings = its / "stagewatch.toml"
        text = settings.read_text("utf-8").replace("session_ms = 2000", f"session_ms = {self._session_ms}")
        settings.write_text(text + more, "utf-8")
        (its / "rules" / "quote-large.yaml").unlink()
        for number, rule in enumerate(RULES.split("---\n")):
            (its / "rules" / f"soak-{number}.yaml").write_text(rule, "utf-8")
        (its / "people.yaml").write_text(PEOPLE, "utf-8")
        return its
