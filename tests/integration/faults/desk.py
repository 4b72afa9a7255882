"""A live workspace with chosen rules, a clock by hand, and short ways to send events."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.envelope import Event
from schemas.time import parse_instant
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.memory import entry_of, rule_entry, settings_entry
from streams.runtimes.pipeline import Entry

START = parse_instant("2026-03-02T01:00:00Z")
SETTINGS = {"zone": "Asia/Shanghai", "currency": "CNY", "admin": "admin@example.com"}
STALE = """\
rule: stale
title: stale
watch: opportunity
when: {silent: {of: [activity.logged], for: 7d}}
then:
  - notify: {to: ["user:li"], via: [email]}
"""
EVERYTHING = """\
rule: everything
title: everything
watch: opportunity
when: {event: [opportunity.created, activity.logged]}
"""


def event(ident: str, event_type: str, time: int, **data: object) -> Entry:
    """The entry of an event."""
    return entry_of(Event(ident, "crm", event_type, time, data), time)


def person(name: str = "li") -> Entry:
    """Somebody with a mail address."""
    return event(f"p-{name}", "person.updated", START, person=name, name=name, mail=f"{name}@example.com")


def deals(count: int, time: int = START) -> list[Entry]:
    """New opportunities, ten to a customer."""
    return [
        event(f"o{n}", "opportunity.created", time, opportunity=f"O{n}", account=f"A{n // 10}", stage="new")
        for n in range(count)
    ]


class Desk:
    """Opens a workspace, the rules in force from the beginning."""

    def __init__(
        self, directory: Path, rules: Iterable[str] = (), *, now: int = START, options: Options | None = None
    ) -> None:
        self.clock = ManualClock(now)
        self.runtime = EmbeddedRuntime(directory, clock=self.clock, options=options)
        texts = {text.split()[1]: text for text in rules}
        if texts:
            self.send([settings_entry(SETTINGS, 0), *(rule_entry(name, texts[name], 0) for name in texts)])

    def send(self, entries: Iterable[Entry]) -> None:
        """Append and work off."""
        self.runtime.append(list(entries))
        self.settle()

    def advance(self, us: int) -> None:
        """Time passes, and what falls due fires."""
        self.clock.advance(us)
        self.runtime.tick()
        self.settle()

    def settle(self) -> None:
        """Work off everything."""
        while not self.runtime.process().idle:
            pass

    def outputs(self, topic: str = "alerts") -> list[dict[str, Any]]:
        """Values of a sink topic, all of them."""
        return [record.value for record in self.runtime.poll_outputs(topic, limit=1_000_000)]

    def states(self) -> list[tuple[str, str]]:
        """(entity, state) of all transitions of alerts."""
        return [(value["key"], value["state"]) for value in self.outputs()]
