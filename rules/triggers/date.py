"""`date`: a date field is near (`before: 30d`) or past (`after: 1d`) while `where` holds; re-planned on
change.

The field may be an item of a list (`instalments.due_on`): every item is its own episode. A date that is near
already when it is set fires at once. It ends when the date moves away, the item goes, or `where` turns false.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from rules.triggers.base import Env, Episode, Moment, State, earliest, end_episodes, open_episode
from schemas.time import Duration

MOVED, CONDITION_ENDED, DELETED = "date_moved", "condition_ended", "entity_deleted"
US = 1_000_000


def _is_item(item: str, episode: Episode) -> bool:
    return bool(episode["i"] == item)


class DateTrigger:
    """State: items {item: [value, ref, due, set at, 1 once due]}, f next flip.

    path: the field, or with `items` (the path of a list) the field of its items. before, after: how far
    from the day. clock: us after local midnight in the organisation's zone.
    """

    follows_entity = True
    awaits_sources = False
    standing = True
    shares_runs = True
    judges_at_due = False

    def __init__(
        self,
        path: tuple[str, ...],
        *,
        items: tuple[str, ...] | None = None,
        before: Duration | None = None,
        after: Duration | None = None,
        clock: int = 0,
    ) -> None:
        self._path = path
        self._items = items
        self._before = before
        self._after = after
        self._clock = clock
        self.reads = (items or path)[0]
        """The field it looks at."""

    def on_moment(self, s: State, m: Moment, env: Env) -> None:
        wanted = self._dates(env) if env.exists() else {}
        items: dict[str, list[Any]] = s.setdefault("items", {})
        for item in [i for i, row in items.items() if wanted.get(i) != row[0]]:
            why = MOVED if env.exists() else DELETED
            end_episodes(s, m.at, why, m.type, partial(_is_item, item))
            del items[item]
        for item, value in wanted.items():
            if item not in items:
                items[item] = [value, m.ref, self._due(value, env), m.at, 0]
        self._judge(s, m.at, env)

    def on_timer(self, s: State, t: int, env: Env) -> None:
        self._judge(s, t, env)

    def next_timer(self, s: State) -> int | None:
        dues = (row[2] for row in s.get("items", {}).values() if not row[4])
        return earliest(min(dues, default=None), s.get("f"))

    def open_runs(self, s: State) -> frozenset[str]:
        return frozenset(row[1] for row in s.get("items", {}).values())

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        return not m.own and m.type != ""

    def _judge(self, s: State, at: int, env: Env) -> None:
        s.pop("f", None)
        ripe = [(item, row) for item, row in s["items"].items() if row[2] <= at]
        if not ripe:
            return
        flip = env.next_flip(at)
        if flip is not None:
            s["f"] = flip
        if not env.where():
            end_episodes(s, at, CONDITION_ENDED)
            for _, row in ripe:
                row[4] = 1
            return
        live = {e["i"] for e in s.get("eps", ()) if e["x"] is None}
        for item, row in ripe:
            if item not in live:
                open_episode(s, row[1], max(row[2], row[3]) if not row[4] else at, item)
            row[4] = 1

    def _dates(self, env: Env) -> dict[str, str]:
        if self._items is None:
            value = env.value(self._path)
            return {"": value} if isinstance(value, str) else {}
        found: dict[str, str] = {}
        lines = env.value(self._items)
        for index, line in enumerate(lines if isinstance(lines, list) else []):
            value = line.get(self._path[-1]) if isinstance(line, dict) else None
            if isinstance(value, str):
                found[str(line.get("no", index + 1))] = value
        return found

    def _due(self, value: str, env: Env) -> int:
        day = datetime.combine(date.fromisoformat(value[:10]), time(), env.zone)
        at = day + timedelta(
            microseconds=self._clock
        )  # wall-clock arithmetic: 09:00 stays 09:00 on clock-change days
        start = int(at.timestamp()) * US
        if self._before is not None:
            return self._before.subtract(start, env.zone)
        return start if self._after is None else self._after.add(start, env.zone)
