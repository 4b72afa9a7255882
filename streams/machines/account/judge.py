"""Runs one rule's trigger over one entity: moment by moment as events come, or over the whole history again.

Both ways end in a list of episodes; `settle` turns what is ripe into alerts through `Alerts`, and
`reconcile` pairs the episodes of a changed history with the alerts that exist. It must not know what an
alert does.

Row of a trigger, bucket `t|kind|id`, name `rule@version`: s state, o order of the newest moment, lt
newest timer run, h start (us) of the newest import that took part (what fell due before it tells nobody).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.conditions.condition import ALWAYS
from rules.reasons import Reason
from rules.triggers.base import Episode, Moment, State, earliest
from schemas.time import Duration, end_of_day
from streams.machines.account import entities
from streams.machines.account.alerts import Alerts
from streams.machines.account.entities import Order, Row
from streams.machines.account.rulebook import Active
from streams.machines.account.scope import EntityScope, EventScope
from streams.machines.account.world import Cut, World, cut_after, cut_before, entity_name

Event = Mapping[str, Any]
NEVER = 1 << 62


def _private(value: Any) -> Any:
    """A copy of a row's value that may be changed."""
    if isinstance(value, dict):
        return {name: _private(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_private(part) for part in value]
    return value


def trigger_bucket(kind: str, native: str) -> str:
    """Bucket of the trigger rows of an entity."""
    return f"t|{kind}|{native}"


def wait_name(kind: str, native: str, active: Active) -> str:
    """Name of the one wait of a rule on an entity."""
    return f"t|{kind}|{native}|{active.name}"


def _is_behind(row: Row, order: Order) -> bool:
    return bool(row["o"] > order or row.get("no", order) > order or row.get("tm", -1) > order[0])


class Judge:
    """One rule on one entity during one step; implements `rules.triggers.base.Env`."""

    def __init__(self, world: World, alerts: Alerts, active: Active, kind: str, native: str) -> None:
        self.world = world
        self.alerts = alerts
        self.active = active
        self.kind = kind
        self.native = native
        self.zone = world.zone
        self._cut: Cut = None
        self._at = world.ctx.at
        self._event: Event | None = None
        self._order: Order = []
        self._end = 0
        self._was: Row | None = None

    # -- entry points -------------------------------------------------------------------------------------

    def on_event(
        self, event: Event, order: Order, ref: str, own: bool, was: Row | None, cause: Reason
    ) -> None:
        """Take one event (of the entity, or of something joined to it or below it) at its place in time."""
        row = self._row()
        saved = self._saved()
        if saved is None and (self.active.draining or self._blocked() or self._not_enrolled(row)):
            return
        state: State = _private(saved["s"]) if saved else {}
        moment = self._place(event, order, ref, own, was)
        trigger = self.active.trigger
        late = saved is not None and (order <= saved["o"] or order[0] < saved.get("lt", -1))
        if trigger.follows_entity and row is not None and _is_behind(row, order):
            late = True  # something newer was seen, though it may have left nothing behind
        if self._customer_is_ahead(order[0]):
            self.replan(cause, event.get("hist", 0))
            return
        if late or (not trigger.follows_entity and self._alerts_after(order[0], moment)):
            if trigger.late_is_harmless(state, moment) and not self._alerts_after(order[0], moment):
                return
            self.replan(cause, event.get("hist", 0))
            return
        last_timer = self._run_timers(state, order[0], saved)
        self._focus(event, order, was)
        before = trigger.open_runs(state) if self.active.draining else frozenset()
        trigger.on_moment(state, moment, self)
        hist = max(event.get("hist", 0), saved.get("h", 0) if saved else 0)
        self._settle(state, order, last_timer, hist, saved)
        if self.active.draining and not (trigger.open_runs(state) & before):
            self._hand_over(event.get("hist", 0))

    def on_change(self, order: Order, ref: str) -> None:
        """Something the rule's `where` reads changed at `order`, without an event of the entity."""
        self.on_event(
            {"type": "", "data": {}, "time": order[0]}, order, ref, False, self._row(), Reason.LATE_EVENT
        )

    def on_wait(self, at: int) -> None:
        """The rule's wait is due: run its timers up to `at` less the grace."""
        saved = self._saved()
        if saved is None:
            return
        if self._customer_is_ahead(at):
            self.replan(Reason.LATE_EVENT)
            return
        state: State = _private(saved["s"])
        last = self._run_timers(state, at - self.active.grace, saved)
        self._settle(state, saved["o"], last, saved.get("h", 0), saved)

    def _customer_is_ahead(self, at: int) -> bool:
        """Newer events of the customer alone than `at` are known already: by a move, or this one is late."""
        if not self.active.include_account:
            return False
        known: list[list[Any]] = self.world.ctx.get("al", self.active.name) or []
        return bool(known) and bool(known[-1][0] > at)

    def replan(self, cause: Reason, hist: int = 0) -> None:
        """The trigger over the whole history as it is now; alerts it does not bear out are withdrawn."""
        saved = self._saved()
        if saved is None and (self.active.draining or self._blocked()):
            return
        state: State = {}
        order: Order = [-1]
        hist = max(hist, saved.get("h", 0) if saved else 0)
        last = -1
        for event, at_order, ref, own in self._history():
            last = max(last, self._run_timers(state, at_order[0], None))
            moment = self._place(event, at_order, ref, own, self._before(at_order))
            self.active.trigger.on_moment(state, moment, self)
            order = at_order
            hist = max(hist, event.get("hist", 0))
        last = max(last, self._run_timers(state, self.world.ctx.at - self.active.grace, None))
        self._enrolled(state)
        self._reconcile(state, cause)
        self._settle(state, order, last, hist, saved)

    def drop(self) -> None:
        """Forget the rule's state on the entity and disarm its wait."""
        if self._saved() is not None:
            self.world.ctx.put(trigger_bucket(self.kind, self.native), self.active.name, None)
            self.world.ctx.wait(wait_name(self.kind, self.native, self.active), None)

    # -- versions of one rule (`state_on_edit: keep`) -----------------------------------------------------

    def _blocked(self) -> bool:
        """A former version still has an open run here; a rule's runs do not overlap, but deadlines of
        single events do.
        """
        if not self.active.others or not self.active.trigger.follows_entity or self.active.runs_overlap:
            return False
        bucket = trigger_bucket(self.kind, self.native)
        return any(self.world.ctx.get(bucket, name) is not None for name in self.active.others)

    def _hand_over(self, hist: int) -> None:
        """What the former version began is over: the one in force takes the entity."""
        self.drop()
        if self.active.successor is not None and not self.active.runs_overlap:
            Judge(self.world, self.alerts, self.active.successor, self.kind, self.native).replan(
                Reason.RULE_EDITED, hist
            )

    # -- running ------------------------------------------------------------------------------------------

    def _run_timers(self, state: State, until: int, saved: Row | None) -> int:
        """Run the trigger's timers due at or before `until`; the newest instant run."""
        last: int = saved.get("lt", -1) if saved else -1
        trigger = self.active.trigger
        for _ in range(100_000):
            due = trigger.next_timer(state)
            if due is None or due > until:
                return last
            self._cut, self._at, self._event, self._was = cut_before(due), due, None, None
            self._order, self._end = [due], due
            trigger.on_timer(state, due, self)
            last = max(last, due)
        return last

    def _focus(self, event: Event, order: Order, was: Row | None) -> None:
        self._cut, self._at, self._event, self._order, self._was = (
            cut_after(order),
            order[0],
            event,
            order,
            was,
        )
        self._end = end_of_day(order[0], self.zone) if event.get("day") else order[0]

    def _place(self, event: Event, order: Order, ref: str, own: bool, was: Row | None) -> Moment:
        self._focus(event, order, was)
        return Moment(order[0], self._end, ref, event["type"], own, self._roles(event))

    def _roles(self, event: Event) -> frozenset[str]:
        roles = self.active.roles_of.get(event["type"])
        if not roles:
            return frozenset()
        if self.active.draining:  # no new runs
            roles = tuple(r for r in roles if r[0] != "after")
        if all(pattern.where is ALWAYS for _, pattern in roles):
            return frozenset([role for role, _ in roles])
        row = self.world.row_at(self.kind, self.native, self._cut) or self._row()
        if row is None:
            return frozenset()
        scope = EventScope(EntityScope(self.world, row, self._at, self._cut, event=event), event, self._at)
        return frozenset(
            role for role, pattern in roles if pattern.reads_opened or pattern.where.holds(scope)
        )

    def _settle(self, state: State, order: Order, last: int, hist: int, saved: Row | None) -> None:
        at, grace = self.world.ctx.at, self.active.grace
        kept: list[Episode] = []
        for episode in state.get("eps", ()):
            if not episode.get("a") and episode["d"] + grace <= at:
                self._fire(episode, hist)
            if not episode.get("a"):
                kept.append(episode)
            elif episode["x"] is not None:
                self.alerts.resolve(self.kind, self.native, episode)
            elif self.active.trigger.standing:
                kept.append(episode)
        if kept:
            state["eps"] = kept
        else:
            state.pop("eps", None)
        self._save(state, order, last, hist, saved)

    def _fire(self, episode: Episode, hist: int) -> None:
        row = self._row()
        if row is None:
            return
        quiet = episode["d"] < hist
        episode["a"] = self.alerts.fire(self.active, row, episode, quiet=quiet)

    def _save(self, state: State, order: Order, last: int, hist: int, saved: Row | None) -> None:
        ctx = self.world.ctx
        live = any(state.values())
        self._summarise(state, live)
        if self.active.include_account:
            self._list_live(bool(state.get("eps")))
        if not live:
            if saved is not None:
                self._remember_timer(last)
                ctx.put(trigger_bucket(self.kind, self.native), self.active.name, None)
                ctx.wait(wait_name(self.kind, self.native, self.active), None)
            return
        row: Row = {"s": state, "o": order, "lt": last}
        if hist:
            row["h"] = hist
        timer = self.active.trigger.next_timer(state)
        unjudged = min((e["d"] for e in state.get("eps", ()) if not e.get("a")), default=None)
        due = earliest(timer, unjudged)
        if due is not None:
            row["w"] = due = due + self.active.grace
        if due is not None or (saved is not None and "w" in saved):
            ctx.wait(wait_name(self.kind, self.native, self.active), due)
        ctx.put(trigger_bucket(self.kind, self.native), self.active.name, row)

    def _remember_timer(self, last: int) -> None:
        """The rule has nothing under way any more; what is older than its last timer is late all the same."""
        row = self._row()
        if row is not None and last > row.get("tm", -1):
            self.world.put({**row, "tm": last})

    def _summarise(self, state: State, live: bool) -> None:
        """Note on the entity's row what spares most rules from looking at most events.

        hs: `holds` rules with something under way. lv: silences that an event may end (the others only
        move on, and look the last match up when they fall due). nd: the earliest due of those. sx:
        silences with a row of their own.
        """
        what = self.active.summary
        if what is None:
            return
        row = self._row()
        if row is None:
            return
        if what == "hs":
            wanted = live
        else:
            wanted = bool(state.get("w") or state.get("eps"))
            due = state.get("d")
            if due is not None and due < row.get("nd", NEVER):
                row = {**row, "nd": due}
                self.world.put(row)
            if self.active.implied is not None and live != (self.active.name in row.get("sx", ())):
                left = [n for n in row.get("sx", ()) if n != self.active.name]
                row = {**row, "sx": [*left, self.active.name] if live else left}
                self.world.put(row)
        names = row.get(what, ())
        if wanted != (self.active.name in names):
            left = [n for n in names if n != self.active.name]
            self.world.put({**row, what: [*left, self.active.name] if wanted else left})

    def _list_live(self, fired: bool) -> None:
        """Entities with live episodes are listed, so an event of the customer alone finds them."""
        bucket, name = f"lv|{self.active.name}", entity_name(self.kind, self.native)
        if fired != (self.world.ctx.get(bucket, name) is not None):
            self.world.ctx.put(bucket, name, 1 if fired else None)

    # -- the whole history --------------------------------------------------------------------------------

    def _history(self) -> list[tuple[Event, Order, str, bool]]:
        """All moments of the entity for this rule in fold order: (event, order, reference, own)."""
        found = [(e["e"], e["o"], e["r"], True) for e in self.world.effective_events(self.kind, self.native)]
        row = self._row()
        if row is not None and row.get("im"):
            found.append(
                (
                    {"type": "", "data": {}, "time": row["c"]},
                    [row["c"], *row["im"][1:]],
                    f"first|{self.native}",
                    True,
                )
            )
        found.extend(self._events_below())
        found.extend(self._events_of_customer())
        found.extend(self._events_above(row))
        found.extend(self._owner_changes(row))
        only_later = self.active.reset or (self.active.others and self.active.runs_overlap)
        since = self.active.since if only_later else None
        kept = [f for f in found if since is None or f[1][1] > since]
        return sorted(kept, key=lambda f: f[1])

    def _events_below(self) -> Iterable[tuple[Event, Order, str, bool]]:
        types = self.active.types_below
        if not types and not self.active.reads_below:
            return
        for child in self.world.descendants(self.kind, self.native):
            for item in self.world.effective_events(child["kind"], child["id"]):
                if self.active.reads_below or item["e"]["type"] in types:
                    yield item["e"], item["o"], item["r"], False

    def _events_of_customer(self) -> Iterable[tuple[Event, Order, str, bool]]:
        known = self.world.ctx.get("al", self.active.name) if self.active.include_account else None
        for _, _, ref, name in known or ():
            kind, _, native = name.partition("|")
            for item in self.world.effective_events(kind, native):
                if item["r"] == ref:
                    yield item["e"], item["o"], ref, False

    def _events_above(self, row: Row | None) -> Iterable[tuple[Event, Order, str, bool]]:
        if row is None:
            return
        for kind, native in self.world.ancestors(row):
            if kind in self.active.joins:
                for item in self.world.effective_events(kind, native):
                    yield item["e"], item["o"], item["r"], False

    def _owner_changes(self, row: Row | None) -> Iterable[tuple[Event, Order, str, bool]]:
        owner = self.world.owner(row) if row is not None and self.active.reads_owner else None
        for since, _ in (self.world.ctx.shared("person", owner) or ()) if owner else ():
            if since > 0:
                yield (
                    {"type": "", "data": {}, "time": since},
                    [since, since, -1, 0],
                    f"person|{owner}|{since}",
                    False,
                )

    def _not_enrolled(self, row: Row | None) -> bool:
        """The rule is for entities to come, and this one was there before."""
        return self.active.enrol_new and row is not None and row["ca"] <= self.active.since

    def _enrolled(self, state: State) -> None:
        """A rule raises what still stands when it takes effect; instants and endings before that raise
        nothing.
        """
        since = self.active.since
        if since <= 0 or self.active.recompute or "eps" not in state:
            return
        if self._not_enrolled(self._row()):
            state.clear()
            return
        if self.active.trigger.standing:
            state["eps"] = [e for e in state["eps"] if e["x"] is None or e["x"] > since]
        else:
            state["eps"] = [e for e in state["eps"] if e["d"] >= since]

    def _reconcile(self, state: State, cause: Reason) -> None:
        """Pair episodes with existing alerts by triggering event and item, oldest first."""
        at, grace = self.world.ctx.at, self.active.grace
        waiting: dict[tuple[str, str], list[Episode]] = {}
        for episode in sorted(state.get("eps", ()), key=lambda e: e["d"]):
            waiting.setdefault((episode["r"], episode["i"]), []).append(episode)
        for name, alert in self.alerts.of_rule(self.kind, self.native, self.active):
            candidates = waiting.get((alert["r"], alert["i"]), [])
            same = next((e for e in candidates if e["d"] == alert["d"]), None)
            episode = same or (candidates[0] if candidates else None)
            if episode is None or episode["d"] + grace > at:
                self.alerts.withdraw(self.kind, self.native, name, cause)
                continue
            candidates.remove(episode)
            episode["a"] = name
            self.alerts.keep(self.kind, self.native, name, episode, cause)

    # -- Env ----------------------------------------------------------------------------------------------

    def _row(self) -> Row | None:
        return self.world.row(self.kind, self.native)

    def _then(self) -> Row | None:
        row = self.world.row_at(self.kind, self.native, self._cut)
        return None if row is None or row.get("x") else row

    def _before(self, order: Order) -> Row | None:
        return self.world.row_at(self.kind, self.native, order)

    def _saved(self) -> Row | None:
        found = self.world.ctx.get(trigger_bucket(self.kind, self.native), self.active.name)
        if found is None and self.active.implied is not None:
            return self._implied(self.active.implied)
        return found

    def write_down(self) -> None:
        """Give a former version's silence, which followed from the entity, a row: it goes on under that
        version.
        """
        lasts = self.active.was_implied
        if lasts is None or self._saved() is not None:
            return
        saved = self._implied(lasts)
        if saved is not None:
            self._save(saved["s"], saved["o"], saved["lt"], saved.get("h", 0), None)

    def _implied(self, lasts: Duration) -> Row | None:
        """A silence that nothing has touched since the entity opened has no row: it follows from the
        entity's.
        """
        row = self._row()
        begun = None if row is None else row.get("sb")
        if row is None or begun is None or self.active.name in row.get("sx", ()):
            return None
        base, ref, order, hist = begun
        for type_, entry in (row.get("lm") or {}).items():
            if type_ in self.active.plain_types and entry[1] >= base:
                base, ref = entry[1], entry[2]
        saved: Row = {"s": {"b": base, "r": ref, "d": lasts.add(base, self.zone)}, "o": order, "lt": -1}
        if hist:
            saved["h"] = hist
        return saved

    def _scope(self, row: Row) -> EntityScope:
        return EntityScope(self.world, row, self._at, self._cut, was=self._was, event=self._event)

    def _alerts_after(self, at: int, moment: Moment) -> bool:
        """Is there an alert of this rule on the entity that an event at `at` could have changed?"""
        if not self.active.trigger.follows_entity and not moment.roles:
            return False
        return any(alert["d"] > at for _, alert in self.alerts.of_rule(self.kind, self.native, self.active))

    def where(self) -> bool:
        row = self._then()
        return row is not None and self.active.matches(self._scope(row))

    def is_open(self) -> bool:
        row = self._then()
        return row is not None and bool(row["op"])

    def exists(self) -> bool:
        return self._then() is not None

    def value(self, path: tuple[str, ...]) -> object:
        row = self._then()
        return None if row is None else self._scope(row).get(path)

    def event_value(self, path: tuple[str, ...]) -> object:
        return None if self._event is None else self._event["data"].get(path[-1])

    def stages(self) -> tuple[str | None, str | None]:
        row = self._then()
        before = None if self._was is None else self._was.get("s")
        return before, None if row is None else row.get("s")

    def decisive(self, stage: str | None) -> bool:
        return entities.decisive(self.world.settings, self.kind, stage)

    def next_flip(self, after: int) -> int | None:
        row = self._then()
        if row is None or not self.active.time_dependent:
            return None
        return self.active.next_flip(self._scope(row), after)

    def fits(self, role: str, opened: str) -> bool:
        pattern = self.active.opened_pattern(role, self._event["type"] if self._event else "")
        if pattern is None:
            return True
        row = self._then() or self._row()
        first = self._find(opened)
        if row is None or first is None or self._event is None:
            return False
        entity = EntityScope(self.world, row, self._at, self._cut, event=self._event, opened=first)
        return pattern.where.holds(EventScope(entity, self._event, self._at))

    def _find(self, ref: str) -> Event | None:
        return next((event for event, _, found, _ in self._history() if found == ref), None)

    def happened_before(self, role: str, within: Duration | None, keys: tuple[object, ...]) -> bool:
        since = -1 if within is None else within.subtract(self._at, self.zone)
        latest = self._end if self._end > self._at else None
        for event, order, _, _ in self._history():
            begin = order[0]
            end = end_of_day(begin, self.zone) if event.get("day") else begin
            before = begin < latest if latest is not None else order < self._order
            if before and (within is None or end > since) and self._has_role(role, event, keys, order):
                return True
        return False

    def _has_role(self, role: str, event: Event, keys: tuple[object, ...], order: Order) -> bool:
        row = self._row()
        fields = self.active.match_fields
        values = tuple(None if (v := event["data"].get(f[-1])) is None else str(v) for f in fields)
        if row is None or values != keys:
            return False
        scope = EventScope(
            EntityScope(self.world, row, order[0], cut_after(order), event=event), event, order[0]
        )
        return any(r == role and p.where.holds(scope) for r, p in self.active.roles_of.get(event["type"], ()))

    def last_match(self, role: str) -> tuple[int, str] | None:
        row = self._row()
        found: tuple[int, str] | None = None
        for type_, entry in (row.get("lm") or {}).items() if row is not None else ():
            before = entry[0] < self._at or (entry[0] == self._at and len(self._order) > 1)
            if before and type_ in self.active.plain_types and (found is None or entry[1] > found[0]):
                found = (entry[1], entry[2])
        return found

    def account_matches(self, role: str) -> tuple[int, str] | None:
        rows = self.world.ctx.get("al", self.active.name) or ()
        found: tuple[int, str] | None = None
        for begin, end, ref, _ in rows:
            if begin < self._at or (begin == self._at and len(self._order) > 1):
                found = (end, ref)
        return found
