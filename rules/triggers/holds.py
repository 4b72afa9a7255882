"""`holds`: fires when `where` becomes true (and has stayed true for `for`); ends when it becomes false.

With `keep_firing_for` it ends that long after it became false, unless it is true again by then. `for`
falls due at start + D before a change at that very instant.
"""

from __future__ import annotations

from rules.triggers.base import (
    Env,
    Moment,
    State,
    earliest,
    end_episodes,
    live_episodes,
    open_episode,
)
from schemas.time import Duration

CONDITION_ENDED = "condition_ended"


class HoldsTrigger:
    """State: h since when true (us), r the event that made it so, p pending due, k end of keep-firing, f
    next flip.
    """

    follows_entity = True
    standing = True
    shares_runs = False
    judges_at_due = False

    def __init__(self, stays: Duration | None = None, keep_firing: Duration | None = None) -> None:
        self._stays = stays
        self._keep = keep_firing
        self.bridges = keep_firing is not None
        self.awaits_sources = stays is not None

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        self._judge(s, m.at, m.ref, m.end, env)

    def on_timer(self, s: State, t: int, env: Env) -> None:
        if s.get("p") is not None and s["p"] <= t:
            open_episode(s, s["r"], s.pop("p"))
        if s.get("k") is not None and s["k"] <= t:
            end_episodes(s, s.pop("k"), CONDITION_ENDED)
            s.pop("r", None)
        if s.get("f") is not None and s["f"] <= t:
            s.pop("f")
            self._judge(s, t, s.get("r", f"time/{t}"), t, env)

    def next_timer(self, s: State) -> int | None:
        return earliest(s.get("p"), s.get("k"), s.get("f"))

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset([s["r"]]) if "h" in s or "k" in s else frozenset()

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return False

    def _judge(self, s: State, at: int, ref: str, end: int, env: Env) -> None:
        true = env.where()
        flip = env.next_flip(at) if env.exists() else None
        s.pop("f", None)
        if flip is not None:
            s["f"] = flip
        if true and "h" not in s:
            self._begin(s, at, ref, end, env)
        elif not true and "h" in s:
            self._finish(s, at, env)

    def _begin(self, s: State, at: int, ref: str, end: int, env: Env) -> None:
        s["h"] = at
        if s.pop("k", None) is not None:  # true again while kept firing: the same episode goes on
            return
        s["r"] = ref
        if self._stays is None:
            open_episode(s, ref, at)
        else:
            s["p"] = self._stays.add(end, env.zone)

    def _finish(self, s: State, at: int, env: Env) -> None:
        del s["h"]
        s.pop("p", None)
        if self._keep is not None and live_episodes(s):
            s["k"] = self._keep.add(at, env.zone)
        else:
            end_episodes(s, at, CONDITION_ENDED)
            s.pop("r", None)
