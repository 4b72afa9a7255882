"""Rules that differ only in `where` and in what they do share one run of their trigger on each entity.

Copies of a rule for every region, tier or threshold are the rule in practice. What such a trigger has under
way (open deadlines, planned dates) does not depend on `where`; only its episodes do. So the cohort's trigger
runs once, with nobody's `where`: whenever it asks, all members are matched together, and those whose
`where` holds, or that have episodes already, take the same moment by themselves, from where the cohort was
before it. A member without episodes has no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rules.conditions.condition import ALWAYS
from rules.reasons import Reason
from rules.triggers.base import State
from streams.machines.account.alerts import Alerts
from streams.machines.account.entities import Order, Row
from streams.machines.account.grace import judged_to
from streams.machines.account.group import Group
from streams.machines.account.judge import Event, Judge
from streams.machines.account.rulebook import Active
from streams.machines.account.trigger_rows import private, trigger_bucket, with_episodes
from streams.machines.account.world import World


@dataclass(frozen=True, slots=True)
class Cohort:
    """lead: stands for all members where rules are looked up; it has no `where` and does nothing."""

    lead: Active
    members: tuple[Active, ...]
    names: frozenset[str]
    group: Group

    @classmethod
    def of(cls, members: Iterable[Active]) -> Cohort:
        """The cohort of rules that name the same one."""
        listed = tuple(members)
        first = listed[0]
        lead = replace(
            first,
            name=first.cohort or "",
            id="",
            where=ALWAYS,
            cohort=None,
            summary=None,
            joins=frozenset().union(*(m.joins for m in listed)),
            reads=frozenset().union(*(m.reads for m in listed)),
            joined_reads=frozenset().union(*(m.joined_reads for m in listed)),
            reads_below=any(m.reads_below for m in listed),
            reads_owner=any(m.reads_owner for m in listed),
            reads_was=any(m.reads_was for m in listed),
        )
        return cls(lead, listed, frozenset(m.name for m in listed), Group(listed))


class CohortJudge(Judge):
    """A cohort on one entity during one step."""

    def __init__(self, world: World, alerts: Alerts, cohort: Cohort, kind: str, native: str) -> None:
        super().__init__(world, alerts, cohort.lead, kind, native)
        self._cohort = cohort
        self._wanted: set[str] = set()

    def where(self) -> bool:
        """Note whose `where` holds at the instant in hand; nobody's is answered here."""
        row = self._then()
        if row is not None:
            self._wanted.update(rule.name for rule in self._cohort.group.matching(self._scope(row)))
        return False

    def on_event(
        self,
        event: Event,
        order: Order,
        ref: str,
        own: bool,
        was: Row | None,
        cause: Reason,
        *,
        joined: bool = False,
    ) -> None:
        row = self._row()
        saved = self._saved()
        busy = self._busy(row)
        state: State = private(saved["s"]) if saved else {}
        moment = self._place(event, order, ref, own, was)
        trigger = self.active.trigger
        if (row is not None and self._is_behind(row, order)) or self._is_late(saved, busy, order):
            harmless = trigger.late_is_harmless(state, moment) and not joined
            if not harmless or any(one._alerts_after(order[0], moment) for one in self._judges()):
                self.replan(cause, event.get("hist", 0))
            return
        if joined and trigger.judges_at_due:
            return
        last = self._run_timers(state, order[0], saved)
        self._focus(event, order, was)
        trigger.on_moment(state, moment, self)
        for one in self._judges(busy | self._wanted):
            one.follow(event, order, ref, own, was)
        hist = max(event.get("hist", 0), saved.get("h", 0) if saved else 0)
        self._write(self.active.name, state, order, last, hist, saved)

    def on_wait(self, at: int) -> None:
        saved = self._saved()
        if saved is None:
            return
        state: State = private(saved["s"])
        last = self._run_timers(state, judged_to(self.world, self.active, at), saved)
        for one in self._judges(self._wanted):
            one.on_wait(at)
        self._write(self.active.name, state, saved["o"], last, saved.get("h", 0), saved)

    def replan(self, cause: Reason, hist: int = 0) -> None:
        """Only members whose `where` ever held when asked, or that had an alert, need look by themselves."""
        saved = self._saved()
        row = self._row()
        hist = max(hist, saved.get("h", 0) if saved else 0)
        self._wanted.clear()
        state, order, last, hist = self._rerun(hist)
        everybody = row is None or "ha" in row or "cr" in row
        for one in self._judges(None if everybody else self._wanted | self._busy(row)):
            one.look_back(cause, hist)
        self._write(self.active.name, state, order, last, hist, self._saved())

    def _judges(self, names: set[str] | None = None) -> list[Judge]:
        """The members of these names (None: all), in the order of the rules."""
        return [
            Judge(self.world, self.alerts, member, self.kind, self.native)
            for member in self._cohort.members
            if names is None or member.name in names
        ]

    def _busy(self, row: Row | None) -> set[str]:
        """Names of members with episodes."""
        listed = () if row is None else row.get("ow", ())
        return {name for name in listed if name in self._cohort.names}

    def _is_late(self, saved: Row | None, busy: set[str], order: Order) -> bool:
        for name in busy:
            own = self.world.ctx.get(trigger_bucket(self.kind, self.native), name)
            saved = with_episodes(saved, own)
        return saved is not None and (order <= saved["o"] or order[0] < saved.get("lt", -1))
