"""`missing_after`: A happened, B did not follow within D. `missing_before`: B happens without A before it.

B at exactly A + D is too late. Every A opens its own run (`each: every`), restarts the open one, is
ignored while one is open, or counts only once ever. An event that is both B and A first cancels, then
opens. A late B ends the episode. A `where` that fails at the deadline lets the run end without one.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules.triggers.base import (
    Env,
    Moment,
    State,
    drop_episodes,
    end_episodes,
    live_episodes,
    match_values,
    open_episode,
)
from schemas.time import Duration, parse_duration

ARRIVED, DELETED = "expected_arrived", "entity_deleted"
Path = tuple[str, ...]


class MissingAfterTrigger:
    """State: runs [[ref, begin, due, match values]], days [[begin, end, match values]] of day-precise Bs, o
    1 once any.

    within: a duration, or the path of a duration field of A's event or of the entity. match: pairs (A's
    field, B's field) that must be equal. each: every | restart | first | once.
    """

    follows_entity = True
    awaits_sources = True
    standing = True
    shares_runs = True
    judges_at_due = True

    def __init__(self, within: Duration | Path, match: Sequence[tuple[Path, Path]], each: str) -> None:
        self._within = within
        self._a_fields = [a for a, _ in match]
        self._b_fields = [b for _, b in match]
        self._each = each

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        if m.own and not env.exists():
            s.pop("runs", None)
            end_episodes(s, m.at, DELETED, m.type)
            return
        if "expect" in m.roles:
            self._arrive(s, m, match_values(env, self._b_fields), env)
        if "after" in m.roles:
            self._begin(s, m, match_values(env, self._a_fields), env)

    def on_timer(self, s: State, t: int, env: Env) -> None:
        ripe = [run for run in s["runs"] if run[2] <= t]
        s["runs"] = [run for run in s["runs"] if run[2] > t]
        for ref, _, due, values in ripe:
            if env.where():
                open_episode(s, ref, due)
                s["eps"][-1]["m"] = values

    def next_timer(self, s: State) -> int | None:
        return min((run[2] for run in s.get("runs", ())), default=None)

    def open_runs(self, s: State) -> frozenset[str]:
        runs = (run[0] for run in s.get("runs", ()))
        return frozenset(runs) | frozenset(e["r"] for e in live_episodes(s))

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return not m.own and not m.roles

    def _arrive(self, s: State, m: Moment, values: list[object], env: Env) -> None:
        def fits(ref: str, wanted: list[object]) -> bool:
            return wanted == values and env.fits("expect", ref)

        s["runs"] = [run for run in s.get("runs", ()) if not fits(run[0], run[3])]
        drop_episodes(s, lambda e: m.at < e["d"] and e["x"] is None and fits(e["r"], e["m"]))
        end_episodes(s, m.at, ARRIVED, m.type, lambda e: fits(e["r"], e["m"]))
        if m.end > m.at:
            s["days"] = [*(d for d in s.get("days", ()) if d[1] > m.at), [m.at, m.end, values]]

    def _begin(self, s: State, m: Moment, values: list[object], env: Env) -> None:
        runs = s.get("runs", [])
        if any(m.at < end and begin <= m.end and v == values for begin, end, v in s.get("days", ())):
            self._note_once(s)  # a B known only by its day counts as having followed on that day
            return
        same = [run for run in runs if run[3] == values]
        if (self._each == "once" and s.get("o")) or (self._each == "first" and same):
            return
        within = self._duration(env)
        if within is None:
            return
        if self._each == "restart":
            runs = [run for run in runs if run[3] != values]
        self._note_once(s)
        s["runs"] = [*runs, [m.ref, m.at, within.add(m.end, env.zone), values]]

    def _note_once(self, s: State) -> None:
        if self._each == "once":
            s["o"] = 1

    def _duration(self, env: Env) -> Duration | None:
        if isinstance(self._within, Duration):
            return self._within
        text = env.event_value(self._within) or env.value(self._within)
        return parse_duration(text) if isinstance(text, str) else None


class MissingBeforeTrigger:
    """Looks back over (t - within, t] when `event` happens; without `within` over all that came before."""

    follows_entity = False
    awaits_sources = True
    standing = False
    shares_runs = False
    judges_at_due = False

    def __init__(self, within: Duration | None, match: Sequence[tuple[Path, Path]]) -> None:
        self._within = within
        self._a_fields = [a for a, _ in match]
        self._b_fields = [b for _, b in match]

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        if "requires" in m.roles:  # in time after all, for what has not been judged yet
            came = match_values(env, self._a_fields)
            drop_episodes(s, lambda e: m.at < e["d"] and e["m"] == came and not e.get("a"))
        if "event" not in m.roles or not env.where():
            return
        values = match_values(env, self._b_fields)
        if not env.happened_before("requires", self._within, tuple(values)):
            open_episode(s, m.ref, m.end)  # known only by its day: A may still come on that day
            s["eps"][-1]["m"] = values

    def on_timer(self, s: State, t: int, env: Env) -> None:
        raise AssertionError("missing_before has no timers")

    def next_timer(self, s: State) -> int | None:
        return None

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset()

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return not m.roles
