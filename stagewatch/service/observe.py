"""Metrics and log lines of the running process, from what the engine and the delivery tell. Decides
nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog

from connectors.channels.channel import Delivered, Outcome, Temporary
from connectors.channels.delivery import Attempt
from connectors.channels.outbox import MarkFailed, MarkSent
from stagewatch.metrics import SECOND, Metrics
from stagewatch.service.evaluations import Evaluations
from streams.kernel.contract import SHARED, Record
from streams.machines.identity.listing import count_waiting
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.pipeline import Pipeline
from streams.stores.log import Logged
from streams.topology import INTAKE
from streams.views.port import OPEN_STATES

log = structlog.get_logger("stagewatch.stream")
mail_log = structlog.get_logger("stagewatch.delivery")

KIND_OF = {"alerts": "alert", "tasks": "task", "approvals": "approval"}
LOGGED = (
    "alert",
    "item",
    "rule",
    "version",
    "entity",
    "key",
    "account",
    "state",
    "reason",
    "actor",
    "severity",
)


class Observer:
    """Counts batches, transitions, dead letters and deliveries; logs each that a person may ask about."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._evaluations = Evaluations()
        self._alarms: dict[str, str] = {}
        for topic in INTAKE:
            metrics.events(topic, 0)

    @property
    def warnings(self) -> list[str]:
        """What does not stop the intake and still wants an administrator, in words."""
        return [f"channel {name}: {reason}" for name, reason in sorted(self._alarms.items())]

    def committed(self, batch: Committed) -> None:
        """A batch of the engine."""
        self.metrics.batch(batch.seconds, batch.entries)
        self.metrics.lateness(batch.lateness)
        for topic, count in (
            Counter(logged.topic for logged in batch.outputs) + Counter(batch.taken)
        ).items():
            self.metrics.events(topic, count)
        for logged in batch.outputs:
            if logged.topic in OPEN_STATES:
                self._transition(logged)
        for machine, dead in batch.dead:
            what = dead.what
            self.metrics.dead(machine, dead.error.code)
            topic = what.topic if isinstance(what, Record) else type(what).__name__.lower()
            log.warning("refused", machine=machine, topic=topic, key=what.key, **dead.error.to_dict())

    def _transition(self, logged: Logged) -> None:
        value: dict[str, Any] = logged.value
        kind = KIND_OF[logged.topic]
        self.metrics.transition(kind, str(value["state"]), str(value["reason"]))
        fields = {name: value[name] for name in LOGGED if value.get(name) is not None}
        log.info(kind, at=logged.at, position=logged.position, **fields)

    def attempt(self, attempt: Attempt) -> None:
        """An attempt to deliver a message."""
        note, decision = attempt.row.notification, attempt.decision
        delivered = isinstance(attempt.outcome, Delivered)
        result = "delivered" if delivered else "failed" if isinstance(decision, MarkFailed) else "retry"
        self.metrics.delivery(note.channel, result, attempt.took / SECOND)
        self._note_alarm(note.channel, attempt.outcome)
        said = decision.receipt if isinstance(decision, MarkSent) else decision.reason
        tell = mail_log.info if delivered else mail_log.warning
        tell(
            result,
            notification=note.id,
            channel=note.channel,
            receiver=note.receiver,
            alert=note.alert,
            reason=note.reason,
            attempts=attempt.row.attempts + 1,
            answer=said,
        )

    def _note_alarm(self, channel: str, outcome: Outcome) -> None:
        if isinstance(outcome, Temporary) and outcome.alarm:
            if channel not in self._alarms:
                mail_log.error("channel needs an administrator", channel=channel, reason=outcome.reason)
            self._alarms[channel] = outcome.reason
            self.metrics.alarm(channel, True)
        elif isinstance(outcome, Delivered):
            self._alarms.pop(channel, None)
            self.metrics.alarm(channel, False)

    def gauges(self, runtime: EmbeddedRuntime, now: int) -> None:
        """How the engine stands; called now and then. now: the engine's clock, us."""
        metrics = self.metrics
        metrics.logical_time(runtime.at)
        metrics.backlog("intake", runtime.backlog)
        metrics.ready(runtime.ready)
        metrics.waits(runtime.armed)
        metrics.dlq(runtime.dead)
        lag = lag_of(runtime, now)
        for machine, stand in runtime.inspect(_standing).items():
            metrics.machine(machine, lag=lag, held=stand.held, sweeps=stand.sweeps)
        metrics.rules(*runtime.inspect(self._judged))
        parked, rules = runtime.inspect(_parked_and_rules)
        metrics.parked(parked)
        metrics.rules_active(rules)

    def _judged(self, pipeline: Pipeline) -> tuple[Counter[str], Counter[str]]:
        return self._evaluations.since(part.machine for part in pipeline.machines["account"])


def lag_of(runtime: EmbeddedRuntime, now: int) -> int:
    """Age (us of real time) of the oldest entry that is not worked off. All machines take an entry in one go.

    An import has none: its entries are of the past, and how many are left is the backlog.
    """
    oldest = runtime.oldest if runtime.phase == "live" else None
    return 0 if oldest is None else max(0, now - oldest) // runtime.clock.scale


@dataclass(frozen=True, slots=True)
class _Stand:
    """A machine over all its partitions."""

    held: int
    sweeps: int


def _standing(pipeline: Pipeline) -> dict[str, _Stand]:
    return {
        name: _Stand(
            sum(part.held for part in parts),
            sum(part.sweeping for part in parts),
        )
        for name, parts in pipeline.machines.items()
    }


def _parked_and_rules(pipeline: Pipeline) -> tuple[int, list[str]]:
    parked = sum(count_waiting(part.store) for part in pipeline.machines["identity"])
    first = pipeline.machines["account"][0].store
    return parked, [name for name, row in first.scan(SHARED, "rule") if row["on"]]
