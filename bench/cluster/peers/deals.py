"""The work that all do: silence of seven days, contract over 500,000, visit report within 24 hours.

Made here once: the events, the alerts that must come of them, and, for the peers, what one event does to the
state of its customer. Conditions are matched by the project's own code over durable-rules. No I/O here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from rules.conditions.condition import compile_condition
from rules.conditions.model import ConditionDoc
from rules.conditions.scope import MappingScope
from rules.matching.durable import DurableMatcher
from schemas.envelope import Event
from schemas.time import DAY

SILENT, LARGE, UNREPORTED = "stale-opportunity", "contract-over-500k", "visit-report-24h"
COUNT = 3

RULES = f"""\
rule: {SILENT}
title: Not followed up for seven days
watch: opportunity
when: {{silent: {{of: [activity.logged], for: 7d}}}}
then: [{{notify: {{to: ["user:rep1"]}}}}]
---
rule: {LARGE}
title: Contract over 500,000
watch: contract
when: {{holds: {{}}}}
where: {{field: amount, op: gt, value: 500000}}
then: [{{notify: {{to: ["user:rep1"]}}}}]
---
rule: {UNREPORTED}
title: No visit report within 24 hours
watch: visit
when:
  missing_after: {{after: visit.checked_out, expect: visit.reported, within: 24h, match: [visit], each: once}}
then: [{{notify: {{to: ["user:rep1"]}}}}]
"""
PEOPLE = "people:\n  - {person: rep1, name: Li, mail: rep1@example.com}\n"

SILENCE, REPORT = 7 * DAY, DAY
CHECK = "check"
"""Type of a record by which a peer asks itself whether something is overdue."""

Alert = tuple[str, str]
"""(rule, id of the entity)."""

State = dict[str, Any]
"""Of one customer: "silent": deal -> due (us), "visits": visit -> due (us), "armed": due of its check, 0."""


# -- the events --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """Deals of `accounts` customers, and then `more` events on what is done; base: the present (us).

    within: after so many us from base what is overdue in the story falls due; None: nothing does.
    """

    accounts: int
    more: int
    base: int
    within: int | None = None

    def opening(self) -> Iterator[Event]:
        """One deal of each customer."""
        for n in range(self.accounts):
            data = {"opportunity": f"O{n}", "account": f"A{n}", "amount": "90000", "owner": "rep1"}
            more = {"stage": "opportunity", "name": f"项目 {n}"}
            yield Event(f"o{n}", "bench", "opportunity.created", self._ago(SILENCE), data | more)

    def later(self) -> Iterator[Event]:
        """Calls, contracts, visits and reports of visits, of customers drawn at random."""
        draw = Random(f"deals/{self.accounts}/{self.more}")
        kinds: dict[str, Callable[[int, int], Event]] = {
            "call": self._call, "contract": self._contract, "visit": self._visit, "report": self._report,
        }  # fmt: skip
        names, weights = list(kinds), (70, 10, 10, 10)
        for number in range(self.more):
            (kind,) = draw.choices(names, weights)
            yield kinds[kind](number, draw.randrange(self.accounts))

    def alerts(self) -> set[Alert]:
        """What must come of them."""
        found: set[Alert] = set()
        called: set[str] = set()
        visits: dict[str, set[str]] = {"visit.checked_out": set(), "visit.reported": set()}
        for event in self.later():
            data = event.data
            if event.type == "activity.logged":
                called.add(data["opportunity"])
            elif event.type == "contract.drafted":
                found |= {(LARGE, data["contract"])} if int(data["amount"]) > 500_000 else set()
            else:
                visits[event.type].add(data["visit"])
        if self.within is not None:
            unreported = visits["visit.checked_out"] - visits["visit.reported"]
            found |= {(UNREPORTED, visit) for visit in unreported}
            found |= {(SILENT, f"O{n}") for n in range(self.accounts) if f"O{n}" not in called}
        return found

    def _ago(self, span: int) -> int:
        return self.base if self.within is None else self.base - span + self.within

    def _call(self, number: int, n: int) -> Event:
        data = {"activity": f"V{number}", "account": f"A{n}", "opportunity": f"O{n}"}
        more = {"kind": "call", "by": "rep1"}
        return Event(f"c{number}", "bench", "activity.logged", self.base + number, data | more)

    def _contract(self, number: int, n: int) -> Event:
        amount = str(number * 7919 % 9 * 100_000 + 50_000)
        data = {"contract": f"C{number}", "account": f"A{n}", "amount": amount, "currency": "CNY"}
        more = {"owner": "rep1", "ends_on": "2036-12-31", "version": 1}
        return Event(f"k{number}", "bench", "contract.drafted", self.base + number, data | more)

    def _visit(self, number: int, n: int) -> Event:
        data = {"visit": f"W{n}", "by": "rep1", "account": f"A{n}"}
        return Event(f"v{number}", "bench", "visit.checked_out", self._ago(REPORT), data)

    def _report(self, number: int, n: int) -> Event:
        data = {"visit": f"W{n}", "by": "rep1", "account": f"A{n}", "outcome": "ok"}
        return Event(f"r{number}", "bench", "visit.reported", self.base + number, data)


# -- what a peer does with them ----------------------------------------------------------------------------


def new_state() -> State:
    """A customer of whom nothing is known."""
    return {"silent": {}, "visits": {}, "reported": [], "armed": 0}


class Rules:
    """The three rules over the state of one customer; the condition is matched as the project does it."""

    def __init__(self) -> None:
        large = ConditionDoc.model_validate({"field": "amount", "op": "gt", "value": 500_000})
        self._matcher = DurableMatcher([compile_condition(large, kind="contract")])

    def take(self, state: State, event: Mapping[str, Any]) -> list[Alert]:
        """The alerts that the event raises at once; `state` is changed in place."""
        kind, data, time = event["type"], event["data"], event["time"]
        if kind in {"activity.logged", "opportunity.created"}:
            known = state["silent"].get(data["opportunity"], 0)
            state["silent"][data["opportunity"]] = max(known, time + SILENCE)
        elif kind == "contract.drafted" and self._matcher.match(_scope(time, data)):
            return [(LARGE, data["contract"])]
        elif kind == "visit.checked_out" and data["visit"] not in state["reported"]:
            state["visits"].setdefault(data["visit"], time + REPORT)
        elif kind == "visit.reported":
            state["visits"].pop(data["visit"], None)
            state["reported"] = [*state["reported"], data["visit"]][-3:]
        return []

    @staticmethod
    def overdue(state: State, now: int) -> list[Alert]:
        """What is overdue at `now` (us); `state` forgets it, so that it is told once."""
        found: list[Alert] = []
        for rule, name in ((SILENT, "silent"), (UNREPORTED, "visits")):
            late = [entity for entity, due in state[name].items() if due <= now]
            found += [(rule, entity) for entity in late]
            for entity in late:
                del state[name][entity]
        return found

    @staticmethod
    def next_due(state: State) -> int:
        """The earliest due (us); 0: nothing is due ever."""
        return min([*state["silent"].values(), *state["visits"].values()], default=0)


def _scope(time: int, data: Mapping[str, Any]) -> MappingScope:
    return MappingScope(time, data, rates={"CNY": Decimal(1)})
