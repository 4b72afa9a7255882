"""Which rules care about a change, and on which entities; each is then judged once.

A rule cares when it names the event's type, when it follows the watched entity and reads what changed,
when it reads a joined entity that changed, or sums that children changed. Judging itself is `judge`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from rules.reasons import Reason
from schemas.time import end_of_day
from streams.machines.account import entities, review
from streams.machines.account.actions import Actions
from streams.machines.account.alerts import Alerts
from streams.machines.account.entities import Order, Row
from streams.machines.account.index import Rulebook
from streams.machines.account.judge import Judge, trigger_bucket
from streams.machines.account.rulebook import Active
from streams.machines.account.scope import EntityScope
from streams.machines.account.world import World, cut_after

RECHECK_AT_ONCE = 200
"""Entities below a changed one that are judged in the same step; the rest follow in steps of their own."""


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
    def plainly_late(self) -> bool:
        """A late event of an entity whose events were never corrected: it can be offered as it is."""
        return self.cause is Reason.LATE_EVENT and self.new is not None and "cr" not in self.new


def implied_wait(kind: str, native: str) -> str:
    """Name of the one wait that stands for an entity's untouched silences."""
    return f"s|{kind}|{native}"


AFFECTED = frozenset({"stage", "stage_since", "decisive", "status", "open"})
"""Fields that an event may change without naming them."""


class Turn:
    """One step's rules over one account."""

    def __init__(self, world: World, book: Rulebook) -> None:
        self.world = world
        self.book = book
        self.alerts = Alerts(world, Actions())

    def judge(self, active: Active, kind: str, native: str) -> Judge:
        """The rule on the entity."""
        return Judge(self.world, self.alerts, active, kind, native)

    # -- an entity changed --------------------------------------------------------------------------------

    def on_change(self, change: Change) -> None:
        """Judge every rule that cares about the change."""
        if not change.fast or self._is_behind(change):
            self._replan(change)
        else:
            self._advance(change)
        if change.new is not None and change.kind in self.book.approving:
            review.approvals(self, change)
        if change.event["type"].startswith("approval."):
            review.outside_decision(self, change)

    def _is_behind(self, change: Change) -> bool:
        """In order for the entity itself, but its rules have heard of newer events below it, or read
        something above it that has newer ones.
        """
        if change.old is not None and change.old.get("no", [-1]) > change.order:
            return True
        return any(self._reads_newer(change, kind, native) for kind, native in change.above)

    def _reads_newer(self, change: Change, kind: str, native: str) -> bool:
        row = self.world.row(kind, native)
        if row is None or row["o"] <= change.order:
            return False
        return any(active.watch == change.kind for active in self.book.joined.get(kind, ()))

    def _advance(self, change: Change) -> None:
        if change.new is None:
            return
        changed = entities.changed_fields(change.old, change.new)
        type_ = change.event["type"]
        seen: set[tuple[str, str, str]] = set()
        self._conditional(change, changed)
        for active in self.book.followers.get(change.kind, ()):
            if _follows(active, change, changed) and (
                active.implied is None or active.name in change.new.get("sx", ())
            ):
                seen.add((active.name, change.kind, change.native))
                self._own(active, change)
        self._opened_or_closed(change)
        self._instant(change)
        self._silences(change, seen)
        for active in self.book.by_type.get(type_, ()):
            for kind, native in self._watched_by(active, change):
                if (active.name, kind, native) not in seen:
                    seen.add((active.name, kind, native))
                    self._take(active, kind, native, change)
        for kind, native in change.summed:
            for active in self.book.below.get(kind, ()):
                if (active.name, kind, native) not in seen:
                    seen.add((active.name, kind, native))
                    self._take(active, kind, native, change)
        self._money(change, seen)
        self._joined(change, changed)
        self._heard(change)

    def _heard(self, change: Change) -> None:
        """Note on the entities above how new the newest event is that their rules have heard of."""
        kinds = self.book.heard.get(change.event["type"], ())
        for kind, native in change.above:
            row = self.world.row(kind, native) if kind in kinds else None
            if row is not None and row.get("no", [-1]) < change.order:
                self.world.put({**row, "no": change.order})

    def _conditional(self, change: Change, changed: frozenset[str] | None) -> None:
        """`holds` rules on the entity itself: matched together, judged where the answer is new."""
        group = self.book.conditional.get(change.kind)
        row = change.new
        if group is None or row is None:
            return
        if changed is not None and not group.always and changed.isdisjoint(group.reads):
            return
        under_way = row.get("hs", ())
        matching: list[Active] = []
        if not row.get("x"):
            matching = group.matching(self._scope(change, row))
        names = {active.name for active in matching}
        for active in matching:
            if active.name not in under_way or active.time_dependent or active.bridges:
                self._own(active, change)
        for name in under_way:
            ended = self.book.by_name.get(name)
            if ended is not None and name not in names:
                self._own(ended, change)
        for active in group.timed:
            if active.name not in names and active.name not in under_way:
                self._own(active, change)

    def _scope(self, change: Change, row: Row) -> EntityScope:
        at = change.order[0]
        return EntityScope(self.world, row, at, cut_after(change.order), was=change.old, event=change.event)

    def _instant(self, change: Change) -> None:
        """`event` rules, those first whose `where` holds of the watched entity."""
        type_ = change.event["type"]
        for kind, native in ((change.kind, change.native), *change.above):
            group = self.book.instant.get((type_, kind))
            own = (kind, native) == (change.kind, change.native)
            at, cut = change.order[0], cut_after(change.order)
            row = None if group is None else self.world.row_at(kind, native, cut)
            if group is None or row is None or row.get("x"):
                continue
            was = change.old if own else row
            scope = EntityScope(self.world, row, at, cut, was=was, event=change.event)
            for active in group.matching(scope):
                self._take(active, kind, native, change)

    def _silences(self, change: Change, seen: set[tuple[str, str, str]]) -> None:
        """`silent` rules that name the event's type, on the entities it belongs to.

        A silence that is not due yet need not be touched: the match is noted, and looked up when it falls
        due.
        """
        type_ = change.event["type"]
        if type_ not in self.book.silencing:
            return
        for kind, native in ((change.kind, change.native), *change.above):
            rules = self.book.silent.get((type_, kind))
            row = self.world.row(kind, native) if rules else None
            if rules is None or row is None:
                continue
            easy = change.order[0] < row.get("nd", -1) and self._note(row, change, "ha" in row)
            touched = row.get("lv", ())
            if easy and not touched and self.book.all_plain:
                continue
            for active in rules:
                if easy and active.name not in touched and active.is_plain(type_):
                    continue
                if (active.name, kind, native) not in seen:
                    seen.add((active.name, kind, native))
                    self._take(active, kind, native, change)
            if not easy:
                self._noted(kind, native, change)
        for active in self.book.customer.get(type_, ()):
            self._customer_only(active, change)

    # -- silences that follow from the entity -------------------------------------------------------------

    def _opened_or_closed(self, change: Change) -> None:
        """One wait stands for all silences of an entity until the first of them falls due."""
        rules = self.book.implied.get(change.kind)
        row = self.world.row(change.kind, change.native)
        if not rules or row is None:
            return
        was_open = change.old is not None and bool(change.old["op"])
        if row["op"] and not was_open:
            at = change.order[0]
            end = end_of_day(at, self.world.zone) if change.event.get("day") else at
            begun = [end, change.ref, change.order, change.event.get("hist", 0)]
            self.world.put({**row, "sb": begun})
            self._arm_implied(change.kind, change.native, rules)
        elif was_open and not row["op"]:
            self._forget_implied(change.kind, change.native, row)

    def _forget_implied(self, kind: str, native: str, row: Row) -> None:
        if "sb" in row:
            self.world.put({name: value for name, value in row.items() if name not in ("sb", "nd")})
            self.world.ctx.wait(implied_wait(kind, native), None)

    def _arm_implied(self, kind: str, native: str, rules: Iterable[Active]) -> None:
        """Arm the entity's one wait for the first of the silences without a row, and note the earliest
        due.
        """
        row = self.world.row(kind, native)
        if row is None or "sb" not in row:
            return
        own = row.get("sx", ())
        waits, dues = [], [row["nd"]] if own and "nd" in row else []
        for active in rules:
            if active.implied is not None and active.name not in own:
                base = self._base(row, active)
                due = active.implied.add(base, self.world.zone)
                dues.append(due)
                waits.append(due + active.grace)
        if dues and row.get("nd") != min(dues):
            self.world.put({**row, "nd": min(dues)})
        self.world.ctx.wait(implied_wait(kind, native), min(waits, default=None))

    def _base(self, row: Row, active: Active) -> int:
        """The instant (us) the silence counts from: opening, or the latest match noted since."""
        matches: list[int] = [
            e[1] for type_, e in (row.get("lm") or {}).items() if type_ in active.plain_types
        ]
        opened: int = row["sb"][0]
        return max([opened, *matches])

    def on_implied_wait(self, name: str) -> None:
        """The first of an entity's silences may be due: those that are get rows of their own."""
        _, kind, native = name.split("|", 2)
        rules = self.book.implied.get(kind, ())
        at = self.world.ctx.at
        for active in rules:
            row = self.world.row(kind, native)
            if row is None or "sb" not in row:
                return
            if active.implied is None or active.name in row.get("sx", ()):
                continue
            if active.implied.add(self._base(row, active), self.world.zone) + active.grace <= at:
                self.judge(active, kind, native).on_wait(at)
        self._arm_implied(kind, native, rules)

    def _note(self, row: Row, change: Change, strict: bool) -> bool:
        """Note the event as the latest of its type; False when that is not all there is to it.

        With alerts in the past (`strict`) an event older than the latest one may prove one of them wrong.
        """
        at = change.order[0]
        latest = row.get("lm") or {}
        newest = max((entry[0] for entry in latest.values()), default=-1)
        if strict and at < newest:
            return False
        type_ = change.event["type"]
        known = latest.get(type_)
        if known is None or at >= known[0]:
            entry = _latest(known, change.event, at, change.ref, self.world.zone)
            self.world.put({**row, "lm": {**latest, type_: entry}})
        return True

    def _noted(self, kind: str, native: str, change: Change) -> None:
        """After the rules have looked: note the event, and the earliest due anew."""
        row = self.world.row(kind, native)
        if row is None:
            return
        self._note(row, change, False)
        row = self.world.row(kind, native) or row
        dues = []
        for _, saved in self.trigger_rows(kind, native):
            due = saved["s"].get("d")
            if due is not None:
                dues.append(due)
        for active in self.book.implied.get(kind, ()):
            if active.implied is not None and "sb" in row and active.name not in row.get("sx", ()):
                dues.append(active.implied.add(self._base(row, active), self.world.zone))
        earliest = min(dues, default=None)
        if earliest != row.get("nd"):
            kept = {name: value for name, value in row.items() if name != "nd"}
            self.world.put(kept if earliest is None else {**kept, "nd": earliest})

    def _own(self, active: Active, change: Change) -> None:
        self.judge(active, change.kind, change.native).on_event(
            change.event, change.order, change.ref, True, change.old, change.cause
        )

    def _take(self, active: Active, kind: str, native: str, change: Change) -> None:
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

    def _customer_only(self, active: Active, change: Change) -> None:
        """An event that names only the customer counts for every deal of rules with `include: account`."""
        if not active.include_account or any(kind == active.watch for kind, _ in change.above):
            return
        if change.kind == active.watch:
            return
        review.customer_event(self, active, change)

    _MONEY = frozenset({"invoice", "payment", "order", "contract"})

    def _money(self, change: Change, seen: set[tuple[str, str, str]]) -> None:
        """Invoices and payments change what accounts owe and contracts have been paid."""
        if change.kind not in self._MONEY:
            return
        account = self.world.account_id
        targets = [("account", account)] if account is not None else []
        if self.book.below.get("contract"):
            targets.extend(("contract", row["id"]) for row in self.world.entities(("contract",)))
        for kind, native in targets:
            for active in self.book.below.get(kind, ()):
                if (active.name, kind, native) not in seen:
                    seen.add((active.name, kind, native))
                    self._take(active, kind, native, change)

    def _joined(self, change: Change, changed: frozenset[str] | None) -> None:
        """Rules that watch something else and read this entity."""
        wanted = [
            active
            for active in self.book.joined.get(change.kind, ())
            if changed is None or not changed.isdisjoint(active.reads_joined(change.kind))
        ]
        if not wanted:
            return
        below: dict[str, list[str]] = {active.watch: [] for active in wanted}
        for row in self.world.descendants(change.kind, change.native):
            if row["kind"] in below:
                below[row["kind"]].append(f"{row['kind']}|{row['id']}")
        for active in wanted:
            self._recheck(active, below[active.watch], change)

    def _recheck(self, active: Active, names: list[str], change: Change) -> None:
        for name in names[:RECHECK_AT_ONCE]:
            kind, _, native = name.partition("|")
            row = self.world.row(kind, native)
            newest = [-1] if row is None else max(row["o"], row.get("no", [-1]))
            if not active.trigger.follows_entity and newest < change.order:
                continue  # an instant looks again only when it was judged too early
            if change.fast and active.trigger.follows_entity:
                self._take(active, kind, native, change)
            else:
                self.judge(active, kind, native).replan(change.cause, change.event.get("hist", 0))
        rest = names[RECHECK_AT_ONCE:]
        if rest:
            value = {"rule": active.name, "names": rest, "event": dict(change.event), "order": change.order,
                     "ref": change.ref, "cause": str(change.cause), "fast": change.fast}  # fmt: skip
            self.world.ctx.emit("sales.events", self.world.key, "recheck", value)

    def on_recheck(self, value: Mapping[str, Any]) -> None:
        """Go on with the entities that a change of something joined left over."""
        active = self.book.by_name.get(value["rule"])
        if active is not None:
            change = Change("", "", None, None, value["event"], value["order"], value["ref"],
            Reason(value["cause"]),
                            value["fast"])  # fmt: skip
            self._recheck(active, value["names"], change)

    # -- history changed ----------------------------------------------------------------------------------

    def _replan(self, change: Change) -> None:
        """A correction, deletion or late event: every rule that could see it looks at the whole history
        again.

        A late event that is no correction is first offered in its place: most rules can tell that it is
        harmless.
        """
        hist = change.event.get("hist", 0)
        self._remember_matches(change)
        for active, kind, native in self._concerned(change):
            judge = self.judge(active, kind, native)
            if change.plainly_late and (kind, native) != (change.kind, change.native):
                judge.on_event(
                    change.event, change.order, change.ref, False, self.world.row(kind, native), change.cause
                )
            else:
                judge.replan(change.cause, hist)
        self._joined(change, frozenset(change.event["data"]) | AFFECTED if change.plainly_late else None)
        self._heard(change)
        for active in self.book.customer.get(change.event["type"], ()):
            self._customer_only(active, change)
        row = self.world.row(change.kind, change.native)
        if row is not None and not row["op"]:
            self._forget_implied(change.kind, change.native, row)

    def _remember_matches(self, change: Change) -> None:
        """History has changed: note anew what the latest matches of silences are."""
        for kind, native in ((change.kind, change.native), *change.above):
            row = self.world.row(kind, native)
            if row is not None and "lm" in row:
                self._remember(row)

    def _remember(self, row: Row) -> None:
        latest: dict[str, list[Any]] = {}
        for below in (row, *self.world.descendants(row["kind"], row["id"])):
            for item in self.world.effective_events(below["kind"], below["id"]):
                at, type_ = item["o"][0], item["e"]["type"]
                known = latest.get(type_)
                if type_ in self.book.silencing and (known is None or at >= known[0]):
                    latest[type_] = _latest(known, item["e"], at, item["r"], self.world.zone)
        if latest or "lm" in row:
            self.world.put({**row, "lm": latest})

    def remember(self, kind: str, native: str) -> None:
        """Note the latest matches of silences anew, if silences watch such entities."""
        row = self.world.row(kind, native)
        watched = any(active.watch == kind for rules in self.book.silent.values() for active in rules)
        if row is not None and (watched or "lm" in row):
            self._remember(row)

    def rearm(self, kind: str, native: str) -> None:
        """Arm the wait of the entity's untouched silences anew."""
        self._arm_implied(kind, native, self.book.implied.get(kind, ()))

    def _concerned(self, change: Change) -> list[tuple[Active, str, str]]:
        found: dict[tuple[str, str, str], tuple[Active, str, str]] = {}
        for active in self.book.rules:
            for kind, native in ((change.kind, change.native), *change.above):
                if kind != active.watch:
                    continue
                own = (kind, native) == (change.kind, change.native)
                prefix = f"{change.kind}."
                names = any(t.startswith(prefix) for t in active.roles_of)
                if own or names or active.reads_below:
                    found[active.name, kind, native] = (active, kind, native)
        return list(found.values())

    # -- waits and sweeps ---------------------------------------------------------------------------------

    def on_rule_wait(self, name: str) -> None:
        """A rule's wait on an entity is due."""
        _, kind, rest = name.split("|", 2)
        native, _, rule = rest.rpartition("|")
        active = self.book.by_name.get(rule)
        if active is not None:
            self.judge(active, kind, native).on_wait(self.world.ctx.at)

    def on_sweep(self, what: Mapping[str, Any]) -> None:
        """Something shared changed: visit this key's entities."""
        review.swept(self, what)

    def trigger_rows(self, kind: str, native: str) -> Iterable[tuple[str, Row]]:
        """(rule@version, row) of all trigger rows of the entity."""
        return list(self.world.ctx.scan(trigger_bucket(kind, native)))


def _latest(
    known: list[Any] | None, event: Mapping[str, Any], at: int, ref: str, zone: ZoneInfo
) -> list[Any]:
    """[newest instant, latest end, reference of the event that ends latest]: a day known only as such ends
    last.
    """
    end = end_of_day(at, zone) if event.get("day") else at
    if known is not None and known[1] > end:
        return [at, known[1], known[2]]
    return [at, end, ref]


def _follows(active: Active, change: Change, changed: frozenset[str] | None) -> bool:
    """Can the change of the watched entity itself matter to the rule?"""
    if changed is None:
        return change.old is not None or change.new is None or active.may_begin(change.new)
    if active.summary == "lv":  # a silence looks at its `where` once it is due
        due = change.new is not None and active.name in change.new.get("lv", ())
        return "open" in changed or (due and not changed.isdisjoint(active.reads))
    return active.reads_was or change.event["type"] in active.roles_of or not changed.isdisjoint(active.reads)
