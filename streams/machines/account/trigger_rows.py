"""The rows that triggers keep: read, shared by a cohort, implied by the entity, written with their waits.

Row of a trigger, bucket `t|kind|id`, name `rule@version`: s state, o order of the newest moment, lt
newest timer run, h start (us) of the newest import that took part (what fell due before it tells nobody),
w what its wait was armed for. A rule of a cohort keeps only its episodes there: what it has under way is in
the cohort's row. It must not run a trigger.
"""

from __future__ import annotations

from typing import Any

from rules.triggers.base import State, earliest
from schemas.time import Duration
from streams.kernel.contract import Context
from streams.machines.account.entities import Order, Row
from streams.machines.account.env import EntityEnv
from streams.machines.account.grace import wake
from streams.machines.account.notes import list_live, noted_matches, remember_timer, summarise


def private(value: Any) -> Any:
    """A copy of a row's value that may be changed."""
    if isinstance(value, dict):
        return {name: private(part) for name, part in value.items()}
    if isinstance(value, list):
        return [private(part) for part in value]
    return value


def trigger_bucket(kind: str, native: str) -> str:
    """Bucket of the trigger rows of an entity."""
    return f"t|{kind}|{native}"


def wait_name(kind: str, native: str, name: str) -> str:
    """Name of the one wait that belongs to the trigger row of that name on an entity."""
    return f"t|{kind}|{native}|{name}"


def forget_row(ctx: Context, kind: str, native: str, name: str) -> None:
    """Delete a trigger row and disarm its wait."""
    ctx.put(trigger_bucket(kind, native), name, None)
    ctx.wait(wait_name(kind, native, name), None)


def is_behind(row: Row, order: Order) -> bool:
    """Something newer was seen, though it may have left nothing behind."""
    return bool(row["o"] > order or row.get("no", order) > order or row.get("tm", -1) > order[0])


def with_episodes(common: Row | None, own: Row | None) -> Row | None:
    """What a rule of a cohort knows: what is under way for all of them, and its own episodes."""
    if common is None or own is None:
        return common if own is None else own
    both = {
        "s": {**common["s"], **own["s"]},
        "o": max(common["o"], own["o"]),
        "lt": max(common["lt"], own["lt"]),
    }
    hist = max(common.get("h", 0), own.get("h", 0))
    return {**both, "h": hist} if hist else both


class TriggerRows(EntityEnv):
    """One rule's rows on one entity."""

    def under_way(self) -> tuple[bool, int | None]:
        """Is the rule watching the entity, and when (us) is it judged next, without any event?"""
        saved = self._saved()
        if saved is None:
            return False, None
        due = self.active.trigger.next_timer(saved["s"])
        return True, None if due is None else due + self.active.grace

    def _saved(self) -> Row | None:
        found: Row | None = self.world.ctx.get(trigger_bucket(self.kind, self.native), self.active.name)
        if self.active.cohort is not None:
            return with_episodes(self._common(), found)
        if found is None and self.active.implied is not None:
            return self._implied(self.active.implied)
        return found

    def _common(self) -> Row | None:
        """The row of the rule's cohort."""
        return self.world.ctx.get(trigger_bucket(self.kind, self.native), self.active.cohort or "")

    def _implied(self, lasts: Duration) -> Row | None:
        """A silence that nothing has touched since the entity opened has no row: it follows from the
        entity's.
        """
        row = self._row()
        begun = None if row is None else row.get("sb")
        if row is None or begun is None or self.active.name in row.get("sx", ()):
            return None
        base, ref, order, hist = begun
        for _, end, named, place, *_ in noted_matches(row, self.active):
            if end >= base:
                base, ref = end, named if place > order else ref
        saved: Row = {"s": {"b": base, "r": ref, "d": lasts.add(base, self.zone)}, "o": order, "lt": -1}
        if hist:
            saved["h"] = hist
        return saved

    def _blocked(self) -> bool:
        """A former version still has an open run here; a rule's runs do not overlap, but deadlines of
        single events do.
        """
        if not self.active.others or not self.active.trigger.follows_entity or self.active.runs_overlap:
            return False
        bucket = trigger_bucket(self.kind, self.native)
        return any(self.world.ctx.get(bucket, name) is not None for name in self.active.others)

    def drop(self) -> None:
        """Forget the rule's state on the entity and disarm its wait."""
        if self._saved() is not None:
            forget_row(self.world.ctx, self.kind, self.native, self.active.name)

    def _save(self, state: State, order: Order, last: int, hist: int, saved: Row | None) -> None:
        active = self.active
        mine = state
        if active.cohort is not None:
            mine = {"eps": state["eps"]} if "eps" in state else {}
            saved = self.world.ctx.get(trigger_bucket(self.kind, self.native), active.name)
        if active.summary is not None:
            summarise(self.world, active, self.kind, self.native, mine)
        if active.include_account:
            list_live(self.world, active, self.kind, self.native, bool(state.get("eps")))
        self._write(active.name, mine, order, last, hist, saved)

    def _write(self, name: str, state: State, order: Order, last: int, hist: int, saved: Row | None) -> None:
        """Keep `state` in the row of that name with the wait for what is next, or nothing when it is idle."""
        ctx = self.world.ctx
        bucket, wait = trigger_bucket(self.kind, self.native), wait_name(self.kind, self.native, name)
        if not any(state.values()):
            if last >= 0:
                remember_timer(self.world, self.kind, self.native, last)
            if saved is not None:
                forget_row(ctx, self.kind, self.native, name)
            return
        row: Row = {"s": state, "o": order, "lt": last}
        if hist:
            row["h"] = hist
        timer = self.active.trigger.next_timer(state)
        unjudged = min((e["d"] for e in state.get("eps", ()) if not e.get("a")), default=None)
        due = earliest(timer, unjudged)
        if due is not None:
            row["w"] = due = wake(self.world, self.active, due)
        if due is not None or (saved is not None and "w" in saved):
            ctx.wait(wait, due)
        ctx.put(bucket, name, row)
