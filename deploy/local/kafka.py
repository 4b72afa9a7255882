"""One Kafka broker in KRaft mode, as published, on this machine; downloaded once to build/kafka.

Everything here suits one node and a short life; a real cluster is set up by deploy/, not by this.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local.process import HOST, NotStartedError, ServerProcess, free_port, program

HOME = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
JARS = HOME / "build" / "kafka"
STAMP = "pom.xml"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.backoff.ms=1000
broker.session.timeout.ms={session}
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
"""


def fetch_jars(folder: Path = JARS) -> Path:
    """The folder of Kafka's jars, filled by Maven when the pom has changed since.

    Raises:
        NotStartedError: Maven is missing or could not download them.
    """
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_bytes() == POM.read_bytes():
        return folder
    maven = program("mvn")
    shutil.rmtree(folder, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotStartedError(f"Maven could not download Kafka:\n{done.stdout[-2000:]}")
    stamp.write_bytes(POM.read_bytes())
    return folder


class Kafka(ServerProcess):
    """A broker with its data in `folder`.

    session: a broker that was killed is taken back after so many ms; a short one is lost under heavy load.
    more: further lines of server.properties.
    """

    def __init__(
        self, folder: Path, port: int | None = None, *, session: int = 18_000, more: str = ""
    ) -> None:
        super().__init__(folder, port)
        self._controller = free_port()
        self._session, self._more = session, more
        self._jars = fetch_jars()

    def prepare(self) -> None:
        """Write the properties; format the data's folder, once."""
        properties, data = self.folder / "server.properties", self.folder / "data"
        fields = {"host": HOST, "port": self.port, "controller": self._controller, "session": self._session}
        properties.write_text(PROPERTIES.format(**fields, data=data) + self._more, "utf-8")
        if (data / "meta.properties").exists():
            return
        tool = "kafka.tools.StorageTool"
        identity = subprocess.run(
            self._java("64m", tool, "random-uuid"), check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        subprocess.run(
            self._java("64m", tool, "format", "-t", identity, "-c", str(properties)),
            check=True,
            capture_output=True,
        )

    def command(self) -> Sequence[str]:
        """The broker."""
        return self._java("1g", "kafka.Kafka", str(self.folder / "server.properties"))

    def _java(self, memory: str, *words: str) -> list[str]:
        quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        return ["java", f"-Xmx{memory}", *quick, "-cp", f"{self._jars}/*", *words]
