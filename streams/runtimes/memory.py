"""The memory runtime: the whole topology over plain dicts, for tests, `rules test` and the backtest.

Pipe entries in, advance time, read what came out. Nothing is durable; the clock is what the entries say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from schemas.envelope import Event, decode_event, entity_of
from streams.kernel.contract import COMMAND, EVENT, SHARED, SHARED_CHANGE
from streams.kernel.driver import Out
from streams.machines.keys import entity_key
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.memory import MemoryStore
from streams.topology import MACHINES, MachineSpec

TOPICS: Mapping[str, str] = {
    "order": "erp.orders", "invoice": "erp.orders", "payment": "erp.orders", "message": "im.messages",
    "approval": "oa.approvals",
}  # fmt: skip
"""kind -> intake topic; every other kind is CRM activity."""

SHARED_KINDS = frozenset({"person", "team", "rate", "calendar", "source"})
"""Kinds of the directory, of reference data and of sources themselves: they go to every partition."""


def event_value(event: Event, *, hist: int | None = None) -> dict[str, Any]:
    """The event as it travels between machines. hist: start (us) of the import that brings it."""
    value: dict[str, Any] = {
        "id": event.id,
        "src": event.source,
        "type": event.type,
        "time": event.time,
        "data": event.data,
    }
    if event.precision == "day":
        value["day"] = 1
    if event.subject is not None:
        value["subj"] = event.subject
    if event.recorded is not None:
        value["rec"] = event.recorded
    if event.ext:
        value["ext"] = event.ext
    if hist:
        value["hist"] = hist
    return value


def entry_of(
    event: Event, at: int, *, hist: int | None = None, namespaces: Mapping[str, str] | None = None
) -> Entry:
    """The intake entry of an event that arrives at `at` us. namespaces: source -> namespace of its ids.

    Raises:
        EventError: SW-EVENT-030 when it names no entity.
    """
    kind, native = entity_of(event)
    if kind in SHARED_KINDS:
        return Entry("crm.activity", SHARED, EVENT, event_value(event, hist=hist), at)
    namespace = (namespaces or {}).get(event.source, "")
    return Entry(
        TOPICS.get(kind, "crm.activity"),
        entity_key(kind, namespace, native),
        EVENT,
        event_value(event, hist=hist),
        at,
    )


def rule_entry(rule: str, text: str, at: int, *, on: bool = True) -> Entry:
    """The intake entry that adds, changes or switches a rule. `text` is the YAML of this one rule."""
    value = {"what": "rule", "rule": rule, "text": text, "on": on}
    return Entry("commands", SHARED, SHARED_CHANGE, value, at)


def settings_entry(settings: Mapping[str, Any], at: int) -> Entry:
    """The intake entry that sets the organisation's settings (zone, currency, stages, ...)."""
    return Entry("commands", SHARED, SHARED_CHANGE, {"what": "settings", "settings": dict(settings)}, at)


def command_entry(value: Mapping[str, Any], at: int) -> Entry:
    """The intake entry of a person's command; `value["key"]` is the home of the alert."""
    return Entry("commands", str(value["key"]), COMMAND, dict(value), at)


class MemoryRuntime:
    """A pipeline over memory stores. stores: rows to begin with, by machine and partition.

    >>> runtime = MemoryRuntime(partitions=2)
    >>> runtime.advance(1_000_000)
    >>> runtime.take_outputs("alerts")
    []
    """

    def __init__(
        self,
        partitions: int = 1,
        zone: ZoneInfo | None = None,
        machines: Sequence[MachineSpec] = MACHINES,
        stores: Mapping[tuple[str, int], MemoryStore] | None = None,
    ) -> None:
        self.zone = zone or ZoneInfo("Asia/Shanghai")
        self.stores: dict[tuple[str, int], MemoryStore] = dict(stores or {})
        self.pipeline = Pipeline(self._store, partitions, machines)
        self._taken: dict[str, list[dict[str, Any]]] = {}
        self.on_output: Callable[[Out], None] | None = None

    def _store(self, machine: str, number: int) -> MemoryStore:
        return self.stores.setdefault((machine, number), MemoryStore())

    def put(self, entry: Entry) -> None:
        """Work off one intake entry completely, sweeps included."""
        while not self.pipeline.take(entry):
            self._sort()
        self._sort()
        self.pipeline.finish_sweeps()
        self._sort()

    def put_all(self, entries: Iterable[Entry]) -> None:
        """Work off entries in their order."""
        for entry in entries:
            self.put(entry)

    def event(self, record: Mapping[str, object] | bytes, at: int | None = None) -> None:
        """Decode a CloudEvents record and take it; `at` defaults to its `recordedtime`, else its time."""
        event = decode_event(record, zone=self.zone)
        arrival = at if at is not None else event.recorded if event.recorded is not None else event.time
        self.put(entry_of(event, arrival))

    def advance(self, at: int) -> None:
        """Let logical time come to `at` us; what is due at or before fires."""
        while not self.pipeline.tick(at):
            self._sort()
        self._sort()

    def take_outputs(self, topic: str) -> list[dict[str, Any]]:
        """What went to a sink topic since it was last asked, in order."""
        return self._taken.pop(topic, [])

    def drop_outputs(self) -> None:
        """Forget what came out: it was told to `on_output`."""
        self._taken.clear()

    @property
    def dead(self) -> list[tuple[str, Any]]:
        """(machine, dead letter) of everything refused so far."""
        return self.pipeline.dead

    def _sort(self) -> None:
        for out in self.pipeline.outs:
            if self.on_output is not None:
                self.on_output(out)
            self._taken.setdefault(out.emit.topic, []).append(out.emit.value)
        self.pipeline.outs.clear()
