"""`enters` / `leaves`: fires when the entity enters or leaves a stage. A change to the same stage is
neither.
"""

from __future__ import annotations

from rules.triggers.base import Env, Moment, State, open_episode

DECISIVE = "decisive"


class StageTrigger:
    """stages: names, or `decisive` for every stage that the settings call so. leaves: judge the stage
    left.
    """

    follows_entity = True
    awaits_sources = False
    standing = False
    shares_runs = False
    judges_at_due = False

    def __init__(self, stages: frozenset[str], *, leaves: bool = False) -> None:
        self._stages = stages
        self._leaves = leaves

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        if not m.own:
            return
        before, after = env.stages()
        if before == after:
            return
        stage = before if self._leaves else after
        if stage is None or not self._wanted(stage, env):
            return
        if env.where():
            open_episode(s, m.ref, m.at)

    def _wanted(self, stage: str, env: Env) -> bool:
        return stage in self._stages or (DECISIVE in self._stages and env.decisive(stage))

    def on_timer(self, s: State, t: int, env: Env) -> None:
        raise AssertionError("a stage trigger has no timers")

    def next_timer(self, s: State) -> int | None:
        return None

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset()

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return not m.own
