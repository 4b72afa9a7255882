"""Backtest: what rules would have done over a history. The memory runtime from the first event to the end.

Events come in order of arrival, each with its logical time; nothing is durable and nobody is told. It must
not
read files or a clock: the caller hands in rules, settings, events and the end.
"""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.envelope import Event
from schemas.errors import StagewatchError
from schemas.time import format_instant
from streams.kernel.contract import Record
from streams.kernel.driver import Dead, Out
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry, settings_entry
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS, MACHINES, NOTICES

JUDGING = tuple(spec for spec in MACHINES if NOTICES not in spec.inputs)
"""All machines but the inbox: it remembers who was told, and decides nothing about alerts."""

PASSED_ON = ("title", "actor", "receivers", "was", "text", "data", "event")
"""Fields of a transition that are passed on as they are, when they are there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is backtested. rules: (id, YAML text of this one rule). namespaces: source -> namespace of its
    ids.
    """

    rules: Sequence[tuple[str, str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 1


class Backtest:
    """One run. Feed `event` or `entry` in order of arrival, then `finish`.

    Example::

        run = Backtest(Plan([("my-rule", text)]))
        for arrival, event in history:
            run.event(event, arrival)
        for line in run.finish(end): ...
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._runtime = MemoryRuntime(plan.partitions, machines=JUDGING)
        self._runtime.on_output = self._output
        self._found: list[tuple[tuple[int, str, str, str, str, int], dict[str, Any]]] = []
        self._rules = {rule for rule, _ in plan.rules}
        self.system: Counter[str] = Counter()
        """Alerts of the system itself (nobody found, no rate), by rule: no output of the backtest."""
        self.taken = 0
        self.at = 0
        self._put(settings_entry(plan.settings, 0))
        for rule, text in plan.rules:
            self._put(rule_entry(rule, text, 0))

    def prepare(self, entry: Entry) -> None:
        """Take what was there before all events: people, teams, rates."""
        self._put(entry)

    def event(self, event: Event, at: int) -> None:
        """Take one event that arrives at `at` us; never earlier than the one before.

        Raises:
            EventError: SW-EVENT-030, it names no entity; nothing happened.
        """
        self._put(entry_of(event, at, namespaces=self._plan.namespaces))
        self.taken += 1

    def entry(self, entry: Entry) -> None:
        """Take an entry of a workspace's log at its own time."""
        self._put(entry)
        self.taken += 1

    def finish(self, end: int) -> list[dict[str, Any]]:
        """Let what is due at or before `end` us fire; all transitions of alerts, in the order of `at`."""
        self._runtime.advance(end)
        self._found.sort(key=lambda pair: pair[0])
        return [line for _, line in self._found]

    @property
    def dead(self) -> list[tuple[str, Dead]]:
        """(machine, what it refused and why)."""
        return self._runtime.pipeline.dead

    def refused(self) -> Iterator[tuple[str, StagewatchError]]:
        """(what: source and id of the event, or the key; the error) of everything that was refused."""
        for _, dead in self.dead:
            what = dead.what
            value = what.value if isinstance(what, Record) and isinstance(what.value, dict) else {}
            name = f"{value.get('src', '')} {value.get('id', '')}".strip() or what.key
            yield name, dead.error

    def _put(self, entry: Entry) -> None:
        self.at = max(self.at, entry.at)
        self._runtime.put(entry)
        self._runtime.drop_outputs()

    def _output(self, out: Out) -> None:
        value = out.emit.value
        if out.emit.topic != ALERTS or value["kind"] != "alert":  # an annotation changes no state
            return
        if value["rule"] not in self._rules:
            self.system[value["rule"]] += value["was"] is None
        else:
            key = (value["at"], value["entity"], value["key"], value["rule"], value["alert"], value["n"])
            self._found.append((key, alert_line(value)))


def alert_line(value: Mapping[str, Any]) -> dict[str, Any]:
    """A transition of an alert as people and programs read it: times in RFC 3339."""
    line: dict[str, Any] = {
        "alert": value["alert"],
        "rule": value["rule"],
        "version": value["version"],
        "entity": value["entity"],
        "key": value["key"],
        "account": value.get("account"),
        "state": value["state"],
        "at": format_instant(value["at"]),
        "due": None if value.get("due") is None else format_instant(value["due"]),
        "reason": value["reason"],
        "severity": value["severity"],
        "n": value["n"],
        "id": value["id"],
    }
    line.update((name, value[name]) for name in PASSED_ON if value.get(name) is not None)
    return line


def backtest(plan: Plan, events: Iterable[tuple[int, Event]], end: int) -> list[dict[str, Any]]:
    """The transitions of a whole history: (arrival us, event) in order of arrival, up to and including
    `end` us.
    """
    run = Backtest(plan)
    with patient_collector():
        for arrival, event in events:
            run.event(event, arrival)
        return run.finish(end)


@contextlib.contextmanager
def patient_collector() -> Iterator[None]:
    """Rare garbage collections: rows are many, live long and have no cycles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
