"""A simulated sales organisation under the shipped packs, as a stream of entries: always the same one.

It has people, merges, conversions, corrections, deletions and events that come late or twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from zoneinfo import ZoneInfo

from connectors.sources.simulator import NAMESPACES, Organisation, history
from rules.texts import split_rules
from schemas.envelope import Event, decode_event
from schemas.errors import EventError
from schemas.time import DAY, parse_instant
from stagewatch.workspace.init import packs
from streams.runtimes.memory import entry_of, rule_entry, settings_entry
from streams.runtimes.pipeline import Entry
from streams.topology import MACHINES
from tests.integration.embedded.kill_worker import Stream

START = parse_instant("2026-01-05T00:00:00Z")
ZONE = ZoneInfo("Asia/Shanghai")
SETTINGS = {"zone": "Asia/Shanghai", "currency": "CNY", "admin": "admin@example.com"}


def rules() -> list[tuple[str, str]]:
    """(id, text) of the shipped rules."""
    texts = [p.read_text(encoding="utf-8") for p in packs() if not p.name.endswith(".test.yaml")]
    return [pair for text in texts for pair in split_rules(text, "packs")]


def opening() -> list[Entry]:
    """Settings and rules, in force from the beginning."""
    return [settings_entry(SETTINGS, 0), *(rule_entry(rule, text, 0) for rule, text in rules())]


def entry(event: Event, at: int) -> Entry:
    """The event as it comes in at `at` us."""
    return entry_of(event, at, namespaces=NAMESPACES)


def life(count: int, seed: int = 3) -> list[Entry]:
    """The first `count` events of the organisation that can be read, in order of arrival."""
    records = history(Organisation(seed, 40), START, START + 400 * DAY, events_per_day=800.0)
    return [entry(event, event.recorded or event.time) for event in islice(_readable(records), count)]


def _readable(records: Iterable[Mapping[str, object]]) -> Iterator[Event]:
    for record in records:
        with contextlib.suppress(EventError):
            yield decode_event(record, zone=ZONE)


def office() -> Stream:
    """20,000 events of life."""
    return MACHINES, [*opening(), *life(20_000)]


def small_office() -> Stream:
    """A few weeks of it, for faults that are tried many times."""
    return MACHINES, [*opening(), *life(1_500)]
