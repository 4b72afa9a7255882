"""Counts what happens in the demo: transitions, mails, events by HTTP. Plain sums; it shows nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stagewatch.demo.mailbox import Mail
from stagewatch.demo.sender import Posted

ENDS: Final = frozenset({"resolved", "withdrawn", "suppressed"})
"""States in which an alert is over."""


@dataclass(slots=True)
class Tally:
    """transitions: (topic, state) -> count, of what is not the past's. rules: (rule, state) -> alerts.

    fired: alerts that fired live. mailed: alerts that mails were about. taken: (source, id) of each event.
    """

    taken: list[tuple[str, str]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    fired: set[str] = field(default_factory=set)
    mailed: Counter[str] = field(default_factory=Counter)
    mails: list[Mail] = field(default_factory=list)

    def posted(self, posted: Posted) -> None:
        """An answer of the server."""
        self.taken += posted.taken
        self.refused.update(posted.refused)

    def transition(self, topic: str, value: Mapping[str, Any]) -> None:
        """A state change of an alert, task or approval."""
        state = str(value["state"])
        self.transitions[(topic, state)] += 1
        if topic == "alerts":
            self.rules[(str(value["rule"]), state)] += 1
            if state == "firing":
                self.fired.add(str(value["alert"]))

    def mail(self, mail: Mail) -> None:
        """A mail that arrived."""
        self.mails.append(mail)
        self.mailed[mail.alert] += 1

    def count(self, topic: str, *states: str) -> int:
        """Transitions of a topic into these states; into any without states."""
        return sum(
            n
            for (of, state), n in self.transitions.items()
            if of == topic and (state in states or not states)
        )

    @property
    def accepted(self) -> int:
        """Events that were taken."""
        return len(self.taken)

    @property
    def repeated(self) -> int:
        """Mails that came more than once."""
        return len(self.mails) - len({mail.id for mail in self.mails})
