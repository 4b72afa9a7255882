"""Runs one rule's trigger over one entity: moment by moment as events come, or over the whole history again.

Both ways end in a list of episodes; `settle` turns what is ripe into alerts through `Alerts`, and
`reconcile` pairs the episodes of a changed history with the alerts that exist. It must not know what an
alert does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.reasons import Reason
from rules.triggers.base import Episode, Moment, State
from streams.machines.account.alerts import Alerts
from streams.machines.account.entities import Order, Row
from streams.machines.account.grace import judged_to
from streams.machines.account.history import overtaken
from streams.machines.account.notes import newest_import
from streams.machines.account.rulebook import Active
from streams.machines.account.trigger_rows import (
    TriggerRows,
    is_behind,
    private,
    trigger_bucket,
    with_episodes,
)
from streams.machines.account.world import World

Event = Mapping[str, Any]


class Judge(TriggerRows):
    """One rule on one entity during one step."""

    def __init__(self, world: World, alerts: Alerts, active: Active, kind: str, native: str) -> None:
        super().__init__(world, active, kind, native)
        self.alerts = alerts

    # -- entry points -------------------------------------------------------------------------------------

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
        """Take one event at its place in time: of the entity itself, of something below it, or `joined`: of
        something above it that the rule reads.
        """
        row = self._row()
        saved = self._saved()
        if saved is None and (self.active.draining or self._blocked() or self._not_enrolled(row)):
            return
        state: State = private(saved["s"]) if saved else {}
        moment = self._place(event, order, ref, own, was)
        trigger = self.active.trigger
        late = saved is not None and (order <= saved["o"] or order[0] < saved.get("lt", -1))
        late = late or (trigger.follows_entity and row is not None and self._is_behind(row, order))
        if self._customer_is_ahead(order[0]):
            self.replan(cause, event.get("hist", 0))
        elif late or (not trigger.follows_entity and self._alerts_after(order[0], moment)):
            harmless = trigger.late_is_harmless(state, moment) and not joined
            if not harmless or self._alerts_after(order[0], moment):
                self.replan(cause, event.get("hist", 0))
        elif not (joined and trigger.judges_at_due):
            self._advance(state, moment, event, order, was, saved)

    def _advance(
        self, state: State, moment: Moment, event: Event, order: Order, was: Row | None, saved: Row | None
    ) -> None:
        """The event is newer than all that was seen."""
        trigger = self.active.trigger
        last = self._run_timers(state, order[0], saved)
        self._focus(event, order, was)
        before = trigger.open_runs(state) if self.active.draining else frozenset()
        trigger.on_moment(state, moment, self)
        hist = max(event.get("hist", 0), saved.get("h", 0) if saved else 0)
        self._settle(state, order, last, hist, saved)
        if self.active.draining and not (trigger.open_runs(state) & before):
            self._hand_over(event.get("hist", 0))

    def follow(self, event: Event, order: Order, ref: str, own: bool, was: Row | None) -> None:
        """Take an event that the rule's cohort found in order, beginning where the cohort was before it."""
        saved = self._saved()
        state: State = private(saved["s"]) if saved else {}
        self._advance(state, self._place(event, order, ref, own, was), event, order, was, saved)

    def on_wait(self, at: int) -> None:
        """The rule's wait is due: run its timers up to what is judged at `at`."""
        saved = self._saved()
        if saved is None:
            return
        if self._customer_is_ahead(at) or self._was_passed_over(saved):
            self.replan(Reason.LATE_EVENT)
            return
        state: State = private(saved["s"])
        last = self._run_timers(state, judged_to(self.world, self.active, at), saved)
        self._settle(state, saved["o"], last, saved.get("h", 0), saved)

    def ripen(self) -> None:
        """The wait for an episode of a rule of a cohort is due; what is under way is the cohort's affair."""
        saved = self._saved()
        if saved is not None:
            state: State = private(saved["s"])
            self._settle(state, saved["o"], saved["lt"], saved.get("h", 0), saved)

    def _is_behind(self, row: Row, order: Order) -> bool:
        """Something newer is known of the entity, or of what the rule reads of documents above it."""
        return is_behind(row, order) or overtaken(self.world, self.active, row, order)

    def _was_passed_over(self, saved: Row) -> bool:
        """What is due now waited for sources, and events came meanwhile that the rule did not look at."""
        if not self.active.grace:
            return False
        due, row = self.active.trigger.next_timer(saved["s"]), self._row()
        return due is not None and due <= self._judged_to() and row is not None and row["o"][0] >= due

    def _customer_is_ahead(self, at: int) -> bool:
        """Newer events of the customer alone than `at` are known already: by a move, or this one is late."""
        if not self.active.include_account:
            return False
        known: list[list[Any]] = self.world.ctx.get("al", self.active.name) or []
        return bool(known) and bool(known[-1][0] > at)

    def replan(self, cause: Reason, hist: int = 0) -> None:
        """The trigger over the whole history as it is now; alerts it does not bear out are withdrawn."""
        found = self.look_back(cause, hist)
        if found is not None and self.active.cohort is not None:
            state, order, last, hist = found
            state.pop("eps", None)
            self._write(self.active.cohort, state, order, last, hist, self._common())

    def look_back(self, cause: Reason, hist: int) -> tuple[State, Order, int, int] | None:
        """Do so for the rule alone, and leave what it shares with its cohort; what `_rerun` found, None when
        the rule does not watch the entity.
        """
        saved = self._saved()
        if saved is None and (self.active.draining or self._blocked()):
            return None
        hist = max(hist, saved.get("h", 0) if saved else 0)
        state, order, last, hist = self._rerun(hist)
        self._enrolled(state)
        self._reconcile(state, cause)
        self._settle(state, order, last, hist, saved)
        return state, order, last, hist

    # -- versions of one rule (`state_on_edit: keep`) -----------------------------------------------------

    def _hand_over(self, hist: int) -> None:
        """What the former version began is over: the one in force takes the entity."""
        self.drop()
        if self.active.successor is not None and not self.active.runs_overlap:
            Judge(self.world, self.alerts, self.active.successor, self.kind, self.native).replan(
                Reason.RULE_EDITED, hist
            )

    def write_down(self) -> None:
        """Give what a former version shared, or what followed from the entity, a row of its own: it goes on
        under that version.
        """
        own = self.world.ctx.get(trigger_bucket(self.kind, self.native), self.active.name)
        if self.active.was_cohort is not None:
            common = self.world.ctx.get(trigger_bucket(self.kind, self.native), self.active.was_cohort)
            saved = with_episodes(common, own)
        else:
            lasts = self.active.was_implied
            saved = None if lasts is None or own is not None else self._implied(lasts)
        if saved is not None:
            self._save(private(saved["s"]), saved["o"], saved["lt"], saved.get("h", 0), own)

    # -- running ------------------------------------------------------------------------------------------

    def _run_timers(self, state: State, until: int, saved: Row | None) -> int:
        """Run the trigger's timers due at or before `until`; the newest instant run."""
        last: int = saved.get("lt", -1) if saved else -1
        trigger = self.active.trigger
        for _ in range(100_000):
            due = trigger.next_timer(state)
            if due is None or due > until:
                return last
            self._look_back(due)
            trigger.on_timer(state, due, self)
            last = max(last, due)
        return last

    def _rerun(self, hist: int) -> tuple[State, Order, int, int]:
        """The whole history as it is now: state, order of the newest moment, newest timer, newest import."""
        state: State = {}
        order: Order = [-1]
        last = -1
        for event, at_order, ref, own in self._history():
            last = max(last, self._run_timers(state, at_order[0], None))
            moment = self._place(event, at_order, ref, own, self._before(at_order))
            self.active.trigger.on_moment(state, moment, self)
            order = at_order
            hist = max(hist, event.get("hist", 0))
        last = max(last, self._run_timers(state, self._judged_to(), None))
        return state, order, last, hist

    def _settle(self, state: State, order: Order, last: int, hist: int, saved: Row | None) -> None:
        judged = self._judged_to()
        kept: list[Episode] = []
        for episode in state.get("eps", ()):
            if not episode.get("a") and episode["d"] <= judged:
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
        quiet = episode["d"] < max(hist, newest_import(self.world, self.active, row))
        episode["a"] = self.alerts.fire(self.active, row, episode, quiet=quiet)

    # -- what stands --------------------------------------------------------------------------------------

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
        judged = self._judged_to()
        waiting: dict[tuple[str, str], list[Episode]] = {}
        for episode in sorted(state.get("eps", ()), key=lambda e: e["d"]):
            waiting.setdefault((episode["r"], episode["i"]), []).append(episode)
        for name, alert in self.alerts.of_rule(self.kind, self.native, self.active):
            candidates = waiting.get((alert["r"], alert["i"]), [])
            same = next((e for e in candidates if e["d"] == alert["d"]), None)
            episode = same or (candidates[0] if candidates else None)
            if episode is None or episode["d"] > judged:
                self.alerts.withdraw(self.kind, self.native, name, cause)
                continue
            candidates.remove(episode)
            episode["a"] = name
            self.alerts.keep(self.kind, self.native, name, episode, cause)

    def _judged_to(self) -> int:
        return judged_to(self.world, self.active, self.world.ctx.at)

    def _alerts_after(self, at: int, moment: Moment) -> bool:
        """Is there an alert of this rule on the entity that an event at `at` could have changed?"""
        if not self.active.trigger.follows_entity and not moment.roles:
            return False
        row = self._row()
        if row is not None and "ha" not in row and "cr" not in row:
            return False  # there never was an alert
        return any(alert["d"] > at for _, alert in self.alerts.of_rule(self.kind, self.native, self.active))
