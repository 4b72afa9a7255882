"""What the parts of the cluster runtime need to know about where and how they run. Plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from schemas.topics import Topic, all_topics
from streams.kernel.outcome import NEVER
from streams.topology import MACHINES, MachineSpec


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things go; all in milliseconds but the counts.

    batch_records, batch_ms: a batch ends with the first that is reached. tick_ms: how often a partition that
    stamps time tells that it passes. save_ms: how often rows are written to the local file. session_ms: after
    so long without a sign of life a worker's partitions go to others. commit_ms: a transaction that takes
    longer ends the task; transaction_ms: the broker ends it then. fetch_ms: how long the broker waits for
    news; poll_ms: how long a task does before it looks around. gather_ms: so long after a commit the next
    batch is begun, unless it is full. behind_ms: what is taken so long after its append is of a backlog; live
    traffic never is, whatever fails over.
    """

    batch_records: int = 1000
    batch_ms: int = 100
    tick_ms: int = 1000
    save_ms: int = 5000
    session_ms: int = 6000
    commit_ms: int = 20_000
    transaction_ms: int = 30_000
    fetch_ms: int = 500
    poll_ms: int = 250
    gather_ms: int = 25
    idle_ms: int = 5000
    waits: int = 500
    sweep_keys: int = 200
    cache_rows: int = 50_000
    behind_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster. options: what aiokafka's clients take to connect; may hold a password, so it is not shown.

    prefix: begins all names. data: folder of the local files of partitions. trial: intake entries bring their
    logical time with them, and no time passes by itself. files: workers bring in what the files of a
    workspace say, and nothing else is taken before (see `beginning`).
    """

    options: Mapping[str, Any] = field(repr=False)
    data: Path
    prefix: str = "stagewatch"
    partitions: int = 8
    replication: int = 1
    machines: Sequence[MachineSpec] = MACHINES
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    namespaces: Mapping[str, str] = field(default_factory=dict)
    trial: bool = False
    files: bool = False
    pace: Pace = Pace()

    def name(self, topic: str) -> str:
        """A topic (group, transaction) as Kafka knows it."""
        return f"{self.prefix}.{topic}"

    def folder(self, cluster_id: str) -> Path:
        """Where the local files of partitions are. cluster_id: of the brokers."""
        return self.data / cluster_id / self.prefix

    @property
    def behind(self) -> int:
        """What comes so much (us) after its time is of a backlog; a trial does not know by the time."""
        return NEVER if self.trial else self.pace.behind_ms * 1000

    @property
    def stamping(self) -> tuple[str, ...]:
        """Machines that stamp the logical time."""
        return tuple(spec.name for spec in self.machines if spec.fed_by is None)

    def topics(self) -> tuple[Topic, ...]:
        """The table of topics, with those of its machines; in a trial the broker stamps none of them."""
        table = all_topics([spec.name for spec in self.machines], self.stamping)
        return tuple(replace(topic, appended=False) for topic in table) if self.trial else table

    def spec(self, machine: str) -> MachineSpec:
        """A machine's line of the topology."""
        return next(spec for spec in self.machines if spec.name == machine)

    def own_topic(self, machine: str) -> str:
        """The topic by which the partitions of a machine that stamps time speak to each other: its last."""
        return self.spec(machine).inputs[-1]

    def followers(self, machine: str) -> list[str]:
        """Topics read by the machines whose clock is made up of this machine's partitions."""
        return [topic for spec in self.machines if spec.fed_by == machine for topic in spec.inputs]
