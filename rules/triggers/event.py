"""`event`: fires when an event of the type arrives and `where` holds. An instant: it does not end by
itself.
"""

from __future__ import annotations

from rules.triggers.base import Env, Moment, State, open_episode


class EventTrigger:
    """Stateless: every event in the role `event` is judged by itself."""

    follows_entity = False
    awaits_sources = False
    standing = False
    shares_runs = False
    judges_at_due = False

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        if "event" in m.roles and env.where():
            open_episode(s, m.ref, m.at)

    def on_timer(self, s: State, t: int, env: Env) -> None:
        raise AssertionError("an event trigger has no timers")

    def next_timer(self, s: State) -> int | None:
        return None

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset()

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return "event" not in m.roles
