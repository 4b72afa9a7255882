"""All Prometheus metrics, named once, in a registry of their own; and the methods that runtimes and edges
call.

Labels have few values: topics, machines, rule ids (not versions), reasons and error codes from their
registries, route patterns. No id of a customer, person or alert ever becomes a label. Nothing here serves
HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

SECOND: Final = 1_000_000
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATE: Final = (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
_SENT: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500)


class Metrics:
    """The metrics of one process.

    Implements the observers of the HTTP intake (`intake`) and of the console (`request`).

    Example:
        metrics = Metrics("0.1.0")
        metrics.events("crm.activity", 3)
        body, content_type = metrics.render()
    """

    def __init__(self, version: str, *, process: bool = True) -> None:
        without_created: Callable[[], None] = disable_created_metrics
        without_created()  # a series more per counter that no dashboard uses
        self.registry = r = CollectorRegistry()
        if process:
            ProcessCollector(registry=r)
            GCCollector(registry=r)
        Info("stagewatch_build", "Version of Stagewatch.", registry=r).info({"version": version})
        self._stream(r)
        self._rules(r)
        self._time(r)
        self._edges(r)

    def _stream(self, r: CollectorRegistry) -> None:
        self._events = Counter(
            "stagewatch_events",
            "Records by topic: taken in from sources and people, or written for views and delivery.",
            ["topic"],
            registry=r,
        )
        self._lag = Gauge(
            "stagewatch_lag_seconds",
            "Age of the oldest record that a machine has not worked off; 0 when there is none.",
            ["machine"],
            registry=r,
        )
        self._age = Gauge(
            "stagewatch_watermark_age_seconds",
            "How far a machine's slowest clock is behind the wall clock while time ought to pass.",
            ["machine"],
            registry=r,
        )
        self._backlog = Gauge(
            "stagewatch_backlog_records",
            "Records stored and not yet worked off, by topic.",
            ["topic"],
            registry=r,
        )
        self._batch = Histogram(
            "stagewatch_batch_seconds", "Time of one batch with its commit.", buckets=_SHORT, registry=r
        )
        self._batch_size = Histogram(
            "stagewatch_batch_records", "Records per batch.", buckets=_SIZES, registry=r
        )
        self._dead = Counter(
            "stagewatch_dead_letters",
            "Records refused, by machine and code.",
            ["machine", "code"],
            registry=r,
        )
        self._dlq = Gauge(
            "stagewatch_dlq_records",
            "Dead letters that were not replayed; NaN in a cluster, whose topics do not tell.",
            registry=r,
        )
        self._parked = Gauge("stagewatch_parked_events", "Events whose parent is not known yet.", registry=r)
        self._held = Gauge(
            "stagewatch_held_keys", "Keys with records held behind a wait.", ["machine"], registry=r
        )
        self._sweeps = Gauge("stagewatch_sweeps_running", "Sweeps not at their end.", ["machine"], registry=r)

    def _rules(self, r: CollectorRegistry) -> None:
        self._evaluations = Counter(
            "stagewatch_rule_evaluations", "Evaluations of a rule's conditions.", ["rule"], registry=r
        )
        self._matches = Counter("stagewatch_rule_matches", "Evaluations that matched.", ["rule"], registry=r)
        self._active = Gauge("stagewatch_rules_active", "Rules switched on.", registry=r)
        self._transitions = Counter(
            "stagewatch_alert_transitions",
            "Transitions of alerts, tasks and approvals, by new state and reason.",
            ["kind", "state", "reason"],
            registry=r,
        )

    def _time(self, r: CollectorRegistry) -> None:
        self._armed = Gauge("stagewatch_waits_armed", "Waits armed.", registry=r)
        self._lateness = Histogram(
            "stagewatch_wait_lateness_seconds",
            "Logical time from a wait's due to the clock that fired it.",
            buckets=_LATE,
            registry=r,
        )
        self._logical = Gauge(
            "stagewatch_logical_time_seconds", "Logical time, in seconds since the Unix epoch.", registry=r
        )
        self._ready = Gauge("stagewatch_ready", "1 when events are taken, else 0.", registry=r)
        self._free = Gauge("stagewatch_disk_free_bytes", "Room left where the data lies.", registry=r)
        self._size = Gauge("stagewatch_disk_size_bytes", "Size of the disk where the data lies.", registry=r)

    def _edges(self, r: CollectorRegistry) -> None:
        self._deliveries = Counter(
            "stagewatch_deliveries",
            "Attempts to deliver, by channel and result (delivered, retry, failed).",
            ["channel", "result"],
            registry=r,
        )
        self._delivery = Histogram(
            "stagewatch_delivery_seconds", "Time of an attempt.", ["channel"], buckets=_SENT, registry=r
        )
        self._alarms = Counter(
            "stagewatch_delivery_alarms",
            "Attempts that met what waiting does not cure: a login refused, a bad certificate.",
            ["channel"],
            registry=r,
        )
        self._alarm = Gauge(
            "stagewatch_delivery_alarm",
            "1 from such an attempt until the channel delivers again.",
            ["channel"],
            registry=r,
        )
        self._outbox = Gauge(
            "stagewatch_outbox_messages", "Messages in the outbox, by state.", ["state"], registry=r
        )
        self._intake = Counter(
            "stagewatch_intake_requests",
            "Requests that bring events, by result (accepted, or the error's code).",
            ["result"],
            registry=r,
        )
        for result in ("accepted", "SW-REQ-012", "SW-REQ-013"):
            self._intake.labels(result)  # from 0, so that the first is seen as an increase
        self._intake_events = Counter("stagewatch_intake_events", "Events accepted by HTTP.", registry=r)
        self._intake_seconds = Histogram(
            "stagewatch_intake_seconds", "From request to durable append.", buckets=_SHORT, registry=r
        )
        self._requests = Counter(
            "stagewatch_http_requests", "HTTP requests answered.", ["route", "method", "status"], registry=r
        )
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._request = Histogram(
            "stagewatch_http_request_seconds", "Time to answer.", ["route"], buckets=_SHORT, registry=r
        )

    # -- streams -----------------------------------------------------------------------------------------

    def events(self, topic: str, count: int = 1) -> None:
        """`count` records of a topic were taken; 0 only names the topic."""
        self._events.labels(topic).inc(count)

    def batch(self, seconds: float, records: int) -> None:
        """A batch was committed."""
        self._batch.observe(seconds)
        self._batch_size.observe(records)

    def machine(self, machine: str, *, lag: int, held: int, sweeps: int, age: int | None = None) -> None:
        """How a machine stands: lag (us) of its slowest partition, keys held, sweeps running.

        age: of its slowest clock (us); None: as its lag, where time need not pass without records.
        """
        self._lag.labels(machine).set(lag / SECOND)
        self._age.labels(machine).set((lag if age is None else age) / SECOND)
        self._held.labels(machine).set(held)
        self._sweeps.labels(machine).set(sweeps)

    def backlog(self, topic: str, records: int) -> None:
        """Records of a topic that wait to be worked off."""
        self._backlog.labels(topic).set(records)

    def dead(self, machine: str, code: str) -> None:
        """A record went to the dead letters."""
        self._dead.labels(machine, code).inc()

    def dlq(self, records: float) -> None:
        """So many dead letters were not replayed; NaN: nobody knows."""
        self._dlq.set(records)

    def parked(self, events: int) -> None:
        """So many events wait for their parent."""
        self._parked.set(events)

    # -- rules and alerts --------------------------------------------------------------------------------

    def rules(self, evaluations: Mapping[str, int], matches: Mapping[str, int]) -> None:
        """Rule id -> evaluations and matches since the last call: one call per batch, not per event."""
        for rule, count in evaluations.items():
            self._evaluations.labels(rule).inc(count)
        for rule, count in matches.items():
            self._matches.labels(rule).inc(count)

    def rules_active(self, rules: Iterable[str]) -> None:
        """The ids of the rules that are on; what was counted for others is dropped."""
        on = set(rules)
        self._active.set(len(on))
        for counter in (self._evaluations, self._matches):
            for labels in {s.labels["rule"] for m in counter.collect() for s in m.samples} - on:
                counter.remove(labels)

    def transition(self, kind: str, state: str, reason: str) -> None:
        """An alert, task or approval (`kind`) changed its state."""
        self._transitions.labels(kind, state, reason).inc()

    # -- time --------------------------------------------------------------------------------------------

    def lateness(self, microseconds: Iterable[int]) -> None:
        """How late waits fired, each in us."""
        for late in microseconds:
            self._lateness.observe(late / SECOND)

    def waits(self, armed: int) -> None:
        """So many waits are armed."""
        self._armed.set(armed)

    def logical_time(self, at: int) -> None:
        """The logical time (us)."""
        self._logical.set(at / SECOND)

    def ready(self, ready: bool) -> None:
        """Whether events are taken."""
        self._ready.set(ready)

    def disk(self, free: int, size: int) -> None:
        """Room left and size (bytes) of the disk where the data lies."""
        self._free.set(free)
        self._size.set(size)

    # -- edges -------------------------------------------------------------------------------------------

    def alarm(self, channel: str, on: bool) -> None:
        """A channel met what an administrator must see to (on), or delivers again."""
        if on:
            self._alarms.labels(channel).inc()
        self._alarm.labels(channel).set(on)

    def delivery(self, channel: str, result: str, seconds: float) -> None:
        """An attempt to deliver ended: delivered, retry or failed."""
        self._deliveries.labels(channel, result).inc()
        self._delivery.labels(channel).observe(seconds)

    def outbox(self, waiting: int, failed: int) -> None:
        """Messages in the outbox."""
        self._outbox.labels("waiting").set(waiting)
        self._outbox.labels("failed").set(failed)

    def intake(self, result: str, events: int, seconds: float) -> None:
        """A request that brings events ended: `accepted`, or the code of its error."""
        self._intake.labels(result).inc()
        if result == "accepted":
            self._intake_events.inc(events)
            self._intake_seconds.observe(seconds)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered. `route` is a pattern, never a raw path."""
        series = self._answered.get((route, method, status))
        if series is None:
            known = method if method in METHODS else "other"
            series = self._requests.labels(route, known, str(status)), self._request.labels(route)
            if known == method:
                self._answered[(route, method, status)] = series
        series[0].inc()
        series[1].observe(seconds)

    def render(self) -> tuple[bytes, str]:
        """(body, content type) of `/metrics`."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
