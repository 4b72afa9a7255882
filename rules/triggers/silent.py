"""`silent`: nothing of the listed kinds for D while the entity is open.

Counts from the later of creation, reopening and last match; due exactly at last + D. Once due it stays
due and fires as soon as `where` holds; it ends on a match, on closing, or when `where` turns false (and
may then fire again). With `include: account` events that name only the customer count too; they are
looked up when it falls due.
"""

from __future__ import annotations

from rules.triggers.base import Env, Moment, State, earliest, end_episodes, live_episodes, open_episode
from schemas.time import Duration

MATCHED, CLOSED, CONDITION_ENDED = "followed_up", "entity_closed", "condition_ended"


class SilentTrigger:
    """State: b base (us) it counts from, r the event that set it, d due or absent, w 1 once due, f next
    flip, q place of the opening.
    """

    follows_entity = True
    awaits_sources = True
    standing = True
    shares_runs = False
    judges_at_due = False

    def __init__(self, lasts: Duration, *, include_account: bool = False) -> None:
        self._lasts = lasts
        self._account = include_account

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        is_open = env.is_open()
        was_open = "b" in s
        if was_open and not is_open:
            end_episodes(s, m.at, CLOSED, m.type)
            for name in ("b", "r", "d", "w", "f", "q"):
                s.pop(name, None)
        elif is_open and not was_open:
            self._restart(s, max(m.end, s.get("m", m.end)), m.ref, env)
            s["q"] = env.place()
            self._moved_on(s, env)
        if "silent" in m.roles:
            self._match(s, m, env)
        elif s.get("w"):
            self._judge(s, m.at, env)

    def on_timer(self, s: State, t: int, env: Env) -> None:
        if "d" in s and s["d"] <= t:
            if self._moved_on(s, env) and s["d"] > t:
                return
            s["w"] = 1
            self._judge(s, s.pop("d"), env)
        elif s.get("f") is not None and s["f"] <= t:
            self._judge(s, s["f"], env)

    def next_timer(self, s: State) -> int | None:
        return earliest(s.get("d"), s.get("f"))

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset([s["r"]]) if "b" in s else frozenset()

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return "silent" in m.roles and not m.own and m.end <= s.get("b", 0) and not s.get("eps")

    def _moved_on(self, s: State, env: Env) -> bool:
        """Take up matches that were only noted when they came; True if the base has moved."""
        last = env.last_match("silent")
        if self._account:
            other = env.account_matches("silent")
            last = max(filter(None, (last, other)), default=None)
        if last is None or last[0] < s["b"] or (last[0] == s["b"] and last[2] == s["r"]):
            return False  # at equal instants the match, which came later, is what it counts from
        before = last[1] < s.get("q", [])  # a day that the opening is in: it counts from its end
        if before and last[0] == s["b"]:
            return False
        self._restart(s, last[0], s["r"] if before else last[2], env)
        return True

    def _match(self, s: State, m: Moment, env: Env) -> None:
        s["m"] = max(m.end, s.get("m", m.end))
        if "b" not in s:
            return
        end_episodes(s, m.at, MATCHED, m.type)
        s.pop("w", None)
        if m.end >= s["b"]:
            self._restart(s, m.end, m.ref, env)

    def _restart(self, s: State, base: int, ref: str, env: Env) -> None:
        s["b"], s["r"] = base, ref
        s["d"] = self._lasts.add(base, env.zone)
        s.pop("w", None)
        s.pop("f", None)

    def _judge(self, s: State, at: int, env: Env) -> None:
        """Due already: fire while `where` holds, end when it does not."""
        s.pop("f", None)
        flip = env.next_flip(at)
        if flip is not None:
            s["f"] = flip
        if env.where():
            if not live_episodes(s):
                open_episode(s, s["r"], at)
        else:
            end_episodes(s, at, CONDITION_ENDED)
