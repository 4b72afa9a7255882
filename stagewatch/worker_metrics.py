"""What a worker tells Prometheus beside what every process does: its partitions, the view, Kafka and Redis.

Series of a partition exist while this worker has it: their sum over all workers is the cluster. Labels have
few values: machines, partition numbers, names of servers. Nothing here talks to Kafka or serves HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from prometheus_client import Counter, Gauge

from stagewatch.metrics import SECOND, Metrics
from streams.runtimes.cluster.outbox import Outbox
from streams.runtimes.cluster.telling import Done, Stand
from streams.topology import INTAKE
from streams.views.redis.view import Standing

PLACE = ["machine", "partition"]
STUCK = 3
"""A partition that was opened so often without a batch is told of; once is a hand-over."""

RESTORING = frozenset({"opening", "restoring"})


class WorkerMetrics:
    """Adds a worker's series to the registry of `metrics`, and fills those that all runtimes share.

    partitions: of every stage.

    Example:
        told = WorkerMetrics(Metrics("0.1.0"), partitions=8)
        told.stands([await task.stand() for task in tasks], now)
    """

    def __init__(self, metrics: Metrics, partitions: int) -> None:
        self.metrics = metrics
        for topic in INTAKE:
            metrics.events(topic, 0)
        metrics.dlq(math.nan)
        r = metrics.registry
        Gauge("stagewatch_partitions", "Partitions of every stage.", registry=r).set(partitions)
        self._owned = Gauge(
            "stagewatch_partition_owned", "1 where this worker has the partition.", PLACE, registry=r
        )
        self._backlog = Gauge(
            "stagewatch_partition_backlog_records", "Records not worked off.", PLACE, registry=r
        )
        self._age = Gauge(
            "stagewatch_partition_watermark_age_seconds",
            "How far the partition's clock is behind the wall clock.",
            PLACE,
            registry=r,
        )
        self._restoring = Gauge(
            "stagewatch_partition_restoring", "1 while rows are read back from Kafka.", PLACE, registry=r
        )
        self._restored = Gauge(
            "stagewatch_partition_restored_records", "Rows read back so far.", PLACE, registry=r
        )
        self._restore_end = Gauge(
            "stagewatch_partition_restore_records", "Rows there are to read back.", PLACE, registry=r
        )
        self._transactions = Counter(
            "stagewatch_transactions",
            "Kafka transactions by result (committed, or why the task ended: fenced, failed, late).",
            ["machine", "result"],
            registry=r,
        )
        self._up = Gauge(
            "stagewatch_server_up", "1 while Kafka or Redis answers this worker.", ["server"], registry=r
        )
        self._whole = Gauge("stagewatch_view_whole", "1 when the view in Redis is whole.", registry=r)
        self._filled = Gauge("stagewatch_view_filled_records", "Records filled in again.", registry=r)
        self._to_fill = Gauge("stagewatch_view_fill_records", "Records there are to fill in.", registry=r)
        self._spilled = Gauge(
            "stagewatch_outbox_entries",
            "Entries on this worker's disk: waiting for Kafka, or refused by it and tried again.",
            ["state"],
            registry=r,
        )
        self._places: set[tuple[str, str]] = set()
        self._away: set[str] = set()
        self._disk: str | None = None
        self._stuck: dict[tuple[str, str], tuple[int, str]] = {}
        self._standing = Standing("whole")

    @property
    def warnings(self) -> list[str]:
        """What does not stop the worker and still wants an administrator, in words."""
        found = [f"{name} does not answer" for name in sorted(self._away)]
        if self._standing.state != "whole":
            done = f"{self._standing.done:,} of {self._standing.total:,} records"
            found.append(f"the lists in Redis are not whole: {self._standing.state}, {done}")
        if self._disk is not None:
            found.append(f"local files cannot be written, partitions are left to others: {self._disk}")
        stuck = sorted(self._stuck.items())
        return [
            *found,
            *(f"{'-'.join(place)} does not get on: {why}" for place, (n, why) in stuck if n >= STUCK),
        ]

    def stands(self, stands: Iterable[Stand], now: int) -> None:
        """How all partitions of this worker stand. now: wall clock, us."""
        by_machine: dict[str, list[Stand]] = {}
        places = set()
        for stand in stands:
            if stand.state != "closed":
                by_machine.setdefault(stand.machine, []).append(stand)
                places.add(self._partition(stand, now))
        for gone in self._places - places:
            for gauge in self._of_places:
                gauge.remove(*gone)
        self._places = places
        for machine, its in by_machine.items():
            self._machine(machine, its, now)
        self.metrics.waits(sum(stand.armed for its in by_machine.values() for stand in its))

    def done(self, done: Done, topics: Mapping[str, int]) -> None:
        """A batch was committed. topics: topic -> records of it that were taken or written."""
        self.metrics.batch(done.seconds, done.records)
        self.metrics.lateness(done.lateness)
        for topic, count in topics.items():
            self.metrics.events(topic, count)
        for code in [*(dead.error.code for dead in done.dead), *done.unread]:
            self.metrics.dead(done.machine, code)
        self._stuck.pop((done.machine, str(done.partition)), None)
        self.transaction(done.machine, "committed")

    def stuck(self, machine: str, partition: int, reason: str) -> None:
        """A partition's task ended by itself; it is opened anew."""
        place = (machine, str(partition))
        self._stuck[place] = (self._stuck.get(place, (0, ""))[0] + 1, reason)

    def disk(self, trouble: str | None) -> None:
        """Why local files cannot be written; None: they can."""
        self._disk = trouble

    def owned(self, slots: Collection[tuple[str, int]]) -> None:
        """(machine, partition) of what is this worker's: the troubles of others are theirs."""
        ours = {(machine, str(number)) for machine, number in slots}
        self._stuck = {place: its for place, its in self._stuck.items() if place in ours}

    def transaction(self, machine: str, result: str) -> None:
        """A transaction ended: committed, fenced, failed or late."""
        self._transactions.labels(machine, result).inc()

    def server(self, name: str, up: bool) -> None:
        """Whether `kafka` or `redis` answers."""
        self._up.labels(name).set(up)
        (self._away.discard if up else self._away.add)(name)

    def outbox(self, outbox: Outbox) -> None:
        """Where entries wait: read whenever somebody looks at the metrics."""
        self._spilled.labels("waiting").set_function(lambda: outbox.waiting)
        self._spilled.labels("refused").set_function(lambda: outbox.refused)

    def view(self, standing: Standing) -> None:
        """How the view in Redis stands."""
        self._standing = standing
        self._whole.set(standing.state == "whole")
        self._filled.set(standing.done)
        self._to_fill.set(standing.total)

    # -- inside ------------------------------------------------------------------------------------------

    @property
    def _of_places(self) -> tuple[Gauge, ...]:
        return (
            self._owned, self._backlog, self._age, self._restoring, self._restored, self._restore_end,
        )  # fmt: skip

    def _partition(self, stand: Stand, now: int) -> tuple[str, str]:
        place = (stand.machine, str(stand.partition))
        values = (
            1, stand.lag, _age(stand, now) / SECOND, stand.state in RESTORING, stand.restored,
            stand.restore_end,
        )  # fmt: skip
        for gauge, value in zip(self._of_places, values, strict=True):
            gauge.labels(*place).set(value)
        return place

    def _machine(self, machine: str, its: list[Stand], now: int) -> None:
        age = max(_age(stand, now) for stand in its)
        lag = max((_age(stand, now) for stand in its if stand.lag), default=0)
        held, sweeps = sum(stand.held for stand in its), sum(stand.sweeping for stand in its)
        self.metrics.machine(machine, lag=lag, held=held, sweeps=sweeps, age=age)
        self.metrics.backlog(machine, sum(stand.lag for stand in its))


def _age(stand: Stand, now: int) -> int:
    """How far (us) its clock is behind; a partition that has never seen a record has none."""
    return max(0, now - stand.clock) if stand.clock >= 0 else 0
