"""Which rules care about a change, and on which entities; each is then judged once.

A rule cares when it names the event's type, when it follows the watched entity and reads what changed,
when it reads a joined entity that changed, or sums that children changed. Judging itself is `judge`'s,
a changed history is `recheck`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.reasons import Reason
from streams.machines.account import entities, recheck, review, silences
from streams.machines.account.actions import Actions
from streams.machines.account.alerts import Alerts
from streams.machines.account.cohort import CohortJudge
from streams.machines.account.entities import Order, Row
from streams.machines.account.group import Group
from streams.machines.account.history import renamed_since
from streams.machines.account.index import Rulebook
from streams.machines.account.interest import Interest
from streams.machines.account.judge import Judge
from streams.machines.account.rulebook import Active
from streams.machines.account.scope import EntityScope
from streams.machines.account.trigger_rows import trigger_bucket
from streams.machines.account.world import World, cut_after

Seen = set[tuple[str, str, str]]
"""(rule@version, kind, id) of what was judged in this step."""


@dataclass(slots=True)
class Change:
    """What one event did to its entity. fast: in order and no correction. above: entities above it, before
    and after.

    summed: those among them whose sums of children changed.
    """

    kind: str
    native: str
    old: Row | None
    new: Row | None
    event: Mapping[str, Any]
    order: Order
    ref: str
    cause: Reason
    fast: bool
    above: list[tuple[str, str]] = field(default_factory=list)
    summed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def type(self) -> str:
        """Type of the event."""
        type_: str = self.event["type"]
        return type_

    @property
    def plainly_late(self) -> bool:
        """A late event of an entity whose events were never corrected: it can be offered as it is."""
        return self.cause is Reason.LATE_EVENT and self.new is not None and "cr" not in self.new


class Turn:
    """One step's rules over one account."""

    def __init__(self, world: World, book: Rulebook) -> None:
        self.world = world
        self.book = book
        self.alerts = Alerts(world, Actions())

    def judge(self, active: Active, kind: str, native: str) -> Judge:
        """The rule, or the cohort that it leads, on the entity."""
        cohort = self.book.cohorts.get(active.name)
        if cohort is not None:
            return CohortJudge(self.world, self.alerts, cohort, kind, native)
        return Judge(self.world, self.alerts, active, kind, native)

    # -- an entity changed --------------------------------------------------------------------------------

    def on_change(self, change: Change) -> None:
        """Judge every rule that cares about the change."""
        interest = self.book.interest(change.event["type"], change.kind)
        if not change.fast or self._is_behind(change, interest):
            recheck.replan(self, change)
        else:
            self._advance(change, interest)
        if interest.approving and change.new is not None:
            review.approvals(self, change)
        if change.kind == "approval":
            review.outside_decision(self, change)

    def _is_behind(self, change: Change, interest: Interest) -> bool:
        """In order for the entity itself, but its rules have heard of newer events below it, or read
        something above it that has newer ones, or is another one since.
        """
        if change.old is not None and change.old.get("no", [-1]) > change.order:
            return True
        for kind, native in change.above if interest.reads_above or interest.below else ():
            row = self.world.row(kind, native) if kind in interest.reads_above else None
            if row is not None and row["o"] > change.order:
                return True
            if (interest.below or kind in interest.leads) and renamed_since(
                self.world, kind, native, change.order
            ):
                return True
        return False

    def _advance(self, change: Change, interest: Interest) -> None:
        if change.new is None:
            return
        seen: Seen = set()
        changed: frozenset[str] | None = None
        if interest.fields:
            changed = entities.changed_fields(change.old, change.new)
            self._own(change, changed, interest, seen)
        if interest.instant:
            self._instant(change, interest.instant)
        if interest.silent or interest.customer:
            silences.hear(self, interest, change, seen)
        for active in interest.named:
            for kind, native in self._watched_by(active, change):
                self._once(active, kind, native, change, seen)
        if interest.below:
            self._sums(change, interest, seen)
        if interest.joined:
            recheck.joined(self, change, changed)
        if interest.heard:
            self.heard(change, interest)

    def _own(self, change: Change, changed: frozenset[str] | None, interest: Interest, seen: Seen) -> None:
        """Rules that watch the entity itself."""
        if interest.conditional is not None:
            self._conditional(change, changed, interest.conditional)
        if interest.staged is not None:
            self._staged(change, interest.staged)
        for active in interest.followers:
            if _follows(active, change, changed):
                self._once(active, change.kind, change.native, change, seen)
        if interest.implied:
            for name in (change.new or {}).get("sx", ()):
                own = self.book.by_name.get(name)
                if own is not None and _follows(own, change, changed):
                    self._once(own, change.kind, change.native, change, seen)
            silences.opened_or_closed(self, interest.implied, change)

    def heard(self, change: Change, interest: Interest) -> None:
        """Note on the entities above how new the newest event is that their rules have heard of."""
        for kind, native in change.above:
            row = self.world.row(kind, native) if kind in interest.heard else None
            if row is not None and row.get("no", [-1]) < change.order:
                self.world.note(row, "no", change.order)

    def _conditional(self, change: Change, changed: frozenset[str] | None, group: Group) -> None:
        """`holds` rules on the entity itself: matched together, judged where the answer is new."""
        row = change.new
        if row is None or (changed is not None and not group.always and changed.isdisjoint(group.reads)):
            return
        under_way = row.get("hs", ())
        matching = [] if row.get("x") else group.matching(self._scope(change, row))
        names = {active.name for active in matching}
        for active in matching:
            if active.name not in under_way or active.time_dependent or active.bridges:
                self.take(active, change.kind, change.native, change)
        for name in under_way:
            ended = self.book.by_name.get(name)
            if ended is not None and name not in names:
                self.take(ended, change.kind, change.native, change)
        for active in group.timed:
            if active.name not in names and active.name not in under_way:
                self.take(active, change.kind, change.native, change)

    def _staged(self, change: Change, group: Group) -> None:
        """`enters` and `leaves` rules, when the stage is another one."""
        row = change.new
        before = None if change.old is None else change.old.get("s")
        if row is not None and before != row.get("s") and not row.get("x"):
            for active in group.matching(self._scope(change, row)):
                self.take(active, change.kind, change.native, change)

    def _scope(self, change: Change, row: Row) -> EntityScope:
        at = change.order[0]
        return EntityScope(self.world, row, at, cut_after(change.order), was=change.old, event=change.event)

    def _instant(self, change: Change, groups: Mapping[str, Group]) -> None:
        """`event` rules, those first whose `where` holds of the watched entity."""
        for kind, native in ((change.kind, change.native), *change.above):
            group = groups.get(kind)
            own = (kind, native) == (change.kind, change.native)
            at, cut = change.order[0], cut_after(change.order)
            row = None if group is None else self.world.row_at(kind, native, cut)
            if group is None or row is None or row.get("x"):
                continue
            was = change.old if own else row
            scope = EntityScope(self.world, row, at, cut, was=was, event=change.event)
            for active in group.matching(scope):
                self.take(active, kind, native, change)

    def _once(self, active: Active, kind: str, native: str, change: Change, seen: Seen) -> None:
        if (active.name, kind, native) not in seen:
            seen.add((active.name, kind, native))
            self.take(active, kind, native, change)

    def take(self, active: Active, kind: str, native: str, change: Change) -> None:
        """Let the rule take the event on an entity that it watches: the event's own, or one above it."""
        own = (kind, native) == (change.kind, change.native)
        was = change.old if own else self.world.row(kind, native)
        if own or was is not None:
            self.judge(active, kind, native).on_event(
                change.event, change.order, change.ref, own, was, change.cause
            )

    def _watched_by(self, active: Active, change: Change) -> Iterator[tuple[str, str]]:
        if active.watch == change.kind:
            yield change.kind, change.native
        for kind, native in change.above:
            if kind == active.watch:
                yield kind, native

    def _sums(self, change: Change, interest: Interest, seen: Seen) -> None:
        """Rules that read sums of what is below: of calls and visits, of what is owed and has been paid."""
        targets = change.summed
        if interest.money:
            targets = [*targets, *self._owing()]
        for kind, native in targets:
            for active in interest.below.get(kind, ()):
                self._once(active, kind, native, change, seen)

    def _owing(self) -> list[tuple[str, str]]:
        """Invoices and payments change what accounts owe and contracts have been paid."""
        account = self.world.account_id
        targets = [("account", account)] if account is not None else []
        if self.book.below.get("contract"):
            targets.extend(("contract", row["id"]) for row in self.world.entities(("contract",)))
        return targets

    # -- waits and sweeps ---------------------------------------------------------------------------------

    def on_rule_wait(self, name: str) -> None:
        """A rule's wait on an entity is due."""
        _, kind, rest = name.split("|", 2)
        native, _, rule = rest.rpartition("|")
        active = self.book.by_name.get(rule)
        if active is None:
            return
        judge = self.judge(active, kind, native)
        if active.cohort is not None:
            judge.ripen()
        else:
            judge.on_wait(self.world.ctx.at)

    def on_implied_wait(self, name: str) -> None:
        """The first of an entity's silences may be due."""
        silences.on_wait(self, name)

    def on_sweep(self, what: Mapping[str, Any]) -> None:
        """Something shared changed: visit this key's entities."""
        review.swept(self, what)

    def put_off(self, what: Mapping[str, Any]) -> None:
        """Something shared changed, but the key decides nothing now: its entities are visited later."""
        review.put_off(self, what)

    def on_recheck(self, value: Mapping[str, Any]) -> None:
        """Go on with the entities that a change of something joined left over."""
        recheck.go_on(self, value)

    def remember(self, kind: str, native: str) -> None:
        """Note the latest matches of silences anew, if silences watch such entities."""
        silences.remember(self, kind, native)

    def rearm(self, kind: str, native: str) -> None:
        """Arm the wait of the entity's untouched silences anew."""
        silences.arm(self, kind, native, self.book.implied.get(kind, ()))

    def trigger_rows(self, kind: str, native: str) -> Iterable[tuple[str, Row]]:
        """(rule@version, row) of all trigger rows of the entity."""
        return list(self.world.ctx.scan(trigger_bucket(kind, native)))


def _follows(active: Active, change: Change, changed: frozenset[str] | None) -> bool:
    """Can the change of the watched entity itself matter to the rule?"""
    if changed is None:
        return change.old is not None or change.new is None or active.may_begin(change.new)
    if active.summary == "lv":  # a silence looks at its `where` once it is due
        due = change.new is not None and active.name in change.new.get("lv", ())
        return "open" in changed or (due and not changed.isdisjoint(active.reads))
    if change.event["type"] in active.roles_of:
        return True
    if active.trigger.judges_at_due and change.order[0] >= change.order[1]:
        return False  # one that came late may concern what was judged since
    return active.reads_was or not changed.isdisjoint(active.reads)
