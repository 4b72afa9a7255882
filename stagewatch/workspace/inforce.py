"""What of the files differs from what is in force, as entries for the log. Pure: rows and files in.

Bringing the same files twice changes nothing. Rules whose file is gone are switched off; persons whom the
file no longer names become inactive; absences taken out end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from schemas.canonical import digest
from stagewatch.workspace.people import Entry as PeopleEntry
from stagewatch.workspace.rulefiles import RuleText
from streams.kernel.contract import SHARED, SHARED_CHANGE
from streams.machines.account.world import DEFAULT_SETTINGS
from streams.runtimes.memory import rule_entry, settings_entry
from streams.runtimes.pipeline import Entry

SOURCE = "people.yaml"
"""The CloudEvents source of what the file of people says."""

Shared = Callable[[str], Mapping[str, Any]]
"""Bucket -> the shared rows in force, by name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files say. people None: their file is broken, leave people as they are. kept: rules of
    broken files.
    """

    settings: Mapping[str, Any]
    rules: Sequence[RuleText]
    people: Sequence[PeopleEntry] | None
    kept: frozenset[str] = frozenset()


def changes(wanted: Wanted, shared: Shared, at: int) -> list[Entry]:
    """Entries that bring what is in force to what the files say, as of `at` us: settings, then people, then
    rules.
    """
    return [*_settings(wanted, shared, at), *_people(wanted, shared, at), *_rules(wanted, shared, at)]


def from_the_beginning(entries: Iterable[Entry]) -> list[Entry]:
    """The same, their rules in force from the beginning, whatever time the log gives to them."""
    return [
        replace(entry, value={**entry.value, "since": 0}) if entry.value.get("what") == "rule" else entry
        for entry in entries
    ]


def _settings(wanted: Wanted, shared: Shared, at: int) -> Iterator[Entry]:
    if shared("settings").get("") != {**DEFAULT_SETTINGS, **wanted.settings}:
        yield settings_entry(wanted.settings, at)


def _rules(wanted: Wanted, shared: Shared, at: int) -> Iterator[Entry]:
    in_force = shared("rule")
    named = {rule.id for rule in wanted.rules}
    for rule in wanted.rules:
        row = in_force.get(rule.id)
        if row is None or row["text"] != rule.text or row["on"] != rule.enabled:
            yield rule_entry(rule.id, rule.text, at, on=rule.enabled)
    for name, row in in_force.items():
        if name not in named and name not in wanted.kept and row["on"]:
            yield rule_entry(name, row["text"], at, on=False)


def _people(wanted: Wanted, shared: Shared, at: int) -> Iterator[Entry]:
    if wanted.people is None:
        return
    for kind in ("team", "person"):
        entries = [e for e in wanted.people if e.kind == kind and e.type != "person.away"]
        yield from _directory(kind, entries, shared, at)
    yield from _absences([e for e in wanted.people if e.type == "person.away"], shared, at)


def _directory(kind: str, entries: Sequence[PeopleEntry], shared: Shared, at: int) -> Iterator[Entry]:
    versions, events = shared(kind), shared(f"{kind}.events")
    for entry in entries:
        standing = versions[entry.name][-1][1] if versions.get(entry.name) else {}
        wanted = {name: value for name, value in entry.data.items() if value is not None}
        gone = {name: None for name in _said(events.get(entry.name) or ()) if name not in wanted}
        if gone or any(standing.get(name) != value for name, value in wanted.items()):
            yield _event(entry.type, {**wanted, **gone}, len(events.get(entry.name) or ()), at)
    if kind == "person":
        named = {entry.name for entry in entries}
        for name in _ours(events) - named:
            if versions[name][-1][1].get("active", True):
                yield _event("person.updated", {"person": name, "active": False}, len(events[name]), at)


def _said(events: Sequence[Any]) -> set[str]:
    """Fields that the newest event from the file of people set."""
    ours = [data for _, ref, data in events if ref.startswith(f"{SOURCE}|")]
    return {name for name, value in ours[-1].items() if value is not None} if ours else set()


def _ours(events: Mapping[str, Any]) -> set[str]:
    """Names whose newest event came from the file of people."""
    return {name for name, rows in events.items() if rows and rows[-1][1].startswith(f"{SOURCE}|")}


def _absences(entries: Iterable[PeopleEntry], shared: Shared, at: int) -> Iterator[Entry]:
    known = shared("away.events")
    wanted: set[str] = set()
    for entry in entries:
        made = _event(entry.type, entry.data, 0, at)
        ref = f"{SOURCE}|{made.value['event']['id']}"
        wanted.add(ref)
        if ref not in (known.get(entry.name) or {}):
            yield made
    for person, refs in known.items():
        for ref in refs:
            if ref.startswith(f"{SOURCE}|") and ref not in wanted:
                data = {"person": person, "event": ref.partition("|")[2]}
                yield _event("person.deleted", data, 0, at)


def _event(event_type: str, data: Mapping[str, Any], n: int, at: int) -> Entry:
    """A directory event of the n-th version, as a shared change: it takes effect at `at` and ends no
    history.
    """
    kind = event_type.partition(".")[0]
    event = {
        "id": digest(event_type, str(n), repr(sorted(data.items()))),
        "src": SOURCE,
        "type": event_type,
        "time": at,
        "data": dict(data),
    }
    return Entry("commands", SHARED, SHARED_CHANGE, {"what": kind, "event": event}, at)
