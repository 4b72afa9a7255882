"""A second, naive reading of the rule language: what a whole history means, worked out from scratch by plain lists.

Written from the language's description only; it shares no code with the engine and keeps no state between calls.
A *fact* is an event that counts, at its place; a *picture* is what all entities look like right behind a fact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
DAY = 86_400_000_000
HOUR = DAY // 24

Thing = dict[str, Any]
Picture = dict[tuple[str, str], Thing]
Where = Callable[[Picture, str, int], bool]
"""(picture, id of the deal, instant) -> does the condition hold?"""


@dataclass(frozen=True)
class Fact:
    """One event that counts. at: effective instant (us). end: end of its day when only the day is known, else `at`."""

    ref: str
    type: str
    native: str
    at: int
    end: int
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.type.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.type.partition(".")[2]


@dataclass(frozen=True)
class Spell:
    """One time that something is wrong, from `due` to `end` (None: still). why: the ways in which it may have ended."""

    rule: str
    deal: str
    ref: str | None
    due: int
    end: int | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A place on the time line: behind a fact, or at a midnight (then `fact` is None)."""

    at: int
    picture: Picture
    fact: Fact | None


# -- entities ----------------------------------------------------------------------------------------------------------


def drawn(facts: Iterable[Fact]) -> Picture:
    """All entities as the facts leave them."""
    picture: Picture = {}
    for fact in facts:
        thing = picture.setdefault((fact.kind, fact.native), {"fields": {}, "stages": [], "gone": False, "first": fact.at})
        _told(thing, fact)
    return picture


def _told(thing: Thing, fact: Fact) -> None:
    if fact.verb == "deleted":
        thing["gone"] = True
        return
    if thing["gone"] and fact.verb not in ("created", "reopened"):
        return
    thing["gone"] = False
    for name, value in fact.data.items():
        if value is None:
            thing["fields"].pop(name, None)
        else:
            thing["fields"][name] = value
    if fact.kind == "opportunity":
        _staged(thing, fact)


def _staged(thing: Thing, fact: Fact) -> None:
    stage = fact.data.get("stage")
    if fact.verb in ("won", "lost"):
        stage = fact.verb
    elif fact.verb == "created" and stage is None:
        stage = "opportunity"
    elif fact.verb == "reopened" and stage is None:
        stage = next((s for s, _ in reversed(thing["stages"]) if s not in ("won", "lost")), None)
    if stage is not None and stage != stage_of(thing):
        thing["stages"].append((stage, fact.at))


def stage_of(thing: Thing | None) -> str | None:
    """The stage it is in."""
    if thing is None or thing["gone"] or not thing["stages"]:
        return None
    return str(thing["stages"][-1][0])


def is_open(picture: Picture, deal: str) -> bool:
    """The deal is there and neither won nor lost."""
    thing = picture.get(("opportunity", deal))
    return thing is not None and not thing["gone"] and stage_of(thing) not in ("won", "lost")


def field(picture: Picture, deal: str, name: str) -> Any:
    """A field of the deal; None when it is empty or the deal is gone."""
    thing = picture.get(("opportunity", deal))
    return None if thing is None or thing["gone"] else thing["fields"].get(name)


def calls(picture: Picture, deal: str) -> int:
    """Calls logged about the deal."""
    logged = [thing["fields"] for (kind, _), thing in picture.items() if kind == "activity" and not thing["gone"]]
    return sum(1 for f in logged if f.get("opportunity") == deal and f.get("kind") == "call")


# -- the time line -----------------------------------------------------------------------------------------------------


def line(facts: Sequence[Fact], until: int) -> list[Point]:
    """All points up to `until`, a midnight before the facts of its instant."""
    behind = [(fact.at, 1, n, fact) for n, fact in enumerate(facts)]
    nights = [(at, 0, 0, None) for at in midnights(min((f.at for f in facts), default=until), until)]
    points: list[Point] = []
    for at, _, n, fact in sorted([*behind, *nights], key=lambda p: p[:3]):
        if at <= until:
            before = points[-1].picture if points else {}
            points.append(Point(at, before if fact is None else drawn(facts[: n + 1]), fact))
    return points


def midnights(begin: int, until: int) -> Iterator[int]:
    """Local midnights in (begin, until]."""
    day = dt.datetime.fromtimestamp(begin / 1e6, ZONE).date()
    while True:
        day += dt.timedelta(days=1)
        at = int(dt.datetime.combine(day, dt.time(), ZONE).timestamp()) * 1_000_000
        if at > until:
            return
        yield at


def today(at: int) -> dt.date:
    """The local date at an instant."""
    return dt.datetime.fromtimestamp(at // 1_000_000, ZONE).date()


def about(fact: Fact | None, deal: str) -> bool:
    """The fact is one of the deal or of something below it."""
    return fact is not None and (
        (fact.kind == "opportunity" and fact.native == deal) or fact.data.get("opportunity") == deal
    )


def logged(fact: Fact | None, deal: str, kinds: Iterable[str]) -> bool:
    """The fact is an activity of one of the kinds about the deal."""
    return fact is not None and fact.type == "activity.logged" and about(fact, deal) and fact.data["kind"] in kinds


# -- triggers ----------------------------------------------------------------------------------------------------------


def spells_true(points: Sequence[Point], deal: str, where: Where, until: int) -> Iterator[tuple[int, str | None, int | None]]:
    """(since, reference of the fact that began it, end or None) of every time that `where` holds."""
    since: tuple[int, str | None] | None = None
    for point in points:
        true = where(point.picture, deal, point.at)
        if true and since is None:
            since = (point.at, point.fact.ref if point.fact else None)
        elif not true and since is not None:
            yield (*since, point.at)
            since = None
    if since is not None:
        yield (*since, None)


def holding(rule: str, points: Sequence[Point], deal: str, where: Where, until: int, stays: int = 0, keep: int = 0) -> list[Spell]:
    """`holds`, with `for: stays` and `keep_firing_for: keep`."""
    true = list(spells_true(points, deal, where, until))
    found: list[Spell] = []
    over: int | None = None  # when the spell before this one stops being kept firing
    for since, ref, end in true:
        ends = None if end is None else end + keep
        if found and over is not None and since < over:
            over = ends
            found[-1] = Spell(rule, deal, found[-1].ref, found[-1].due, ends, ("condition_ended",))
            continue
        if end is None or since + stays <= end:
            found.append(Spell(rule, deal, ref, since + stays, ends, ("condition_ended",)))
            over = ends
    return cut(found, until)


def cut(spells: Iterable[Spell], until: int) -> list[Spell]:
    """What is known at `until`: nothing due later, no end later."""
    return [
        s if s.end is None or s.end <= until else Spell(s.rule, s.deal, s.ref, s.due) for s in spells if s.due <= until
    ]


def silences(rule: str, points: Sequence[Point], deal: str, where: Where, until: int, of: Sequence[str], lasts: int) -> list[Spell]:
    """`silent`: each stretch between two things that it counts from is looked at by itself."""
    found: list[Spell] = []
    base: tuple[int, str] | None = None
    begin = 0
    was_open = False
    for n, point in enumerate(points):
        now_open = is_open(point.picture, deal)
        match = logged(point.fact, deal, of)
        if point.fact is not None and (now_open != was_open or (match and now_open)):
            if base is not None:
                why = ("followed_up",) if now_open else ("entity_closed", "entity_deleted")
                found += _stretch(rule, points[begin:n], deal, where, base, lasts, point.at, why)
            if not now_open:
                base = None
            elif base is None or point.fact.end >= base[0]:
                base = (point.fact.end, point.fact.ref)
            begin = n
        was_open = now_open
    if base is not None:
        found += _stretch(rule, points[begin:], deal, where, base, lasts, None, ())
    return cut(found, until)


def _stretch(
    rule: str, points: Sequence[Point], deal: str, where: Where, base: tuple[int, str], lasts: int,
    end: int | None, why: tuple[str, ...],
) -> list[Spell]:  # fmt: skip
    due = base[0] + lasts
    if end is not None and due > end:
        return []
    return while_true(rule, points, deal, where, due, base[1], end, why)


def while_true(
    rule: str, points: Sequence[Point], deal: str, where: Where, due: int, ref: str, end: int | None,
    why: tuple[str, ...],
) -> list[Spell]:  # fmt: skip
    """Due at `due` and from then on, while `where` holds, until `end`."""
    before = [p for p in points if p.at < due]
    after = [p for p in points if p.at >= due]
    checks = [(due, before[-1].picture if before else {}), *((p.at, p.picture) for p in after)]
    found: list[Spell] = []
    standing = False
    for at, picture in checks:
        true = where(picture, deal, at)
        if true and not standing:
            found.append(Spell(rule, deal, ref, at))
        elif standing and not true:
            found[-1] = Spell(rule, deal, ref, found[-1].due, at, ("condition_ended",))
        standing = true
    if standing and end is not None:
        found[-1] = Spell(rule, deal, ref, found[-1].due, end, why)
    return found


def dates(rule: str, points: Sequence[Point], deal: str, where: Where, until: int, before: int, clock: int) -> list[Spell]:
    """`date` on `close_date`, `before` us ahead of its day, at `clock` us after midnight."""
    found: list[Spell] = []
    value: str | None = None
    ref, since, begin = "", 0, 0
    for n, point in enumerate([*points, Point(until + 1, {}, None)]):
        now = field(point.picture, deal, "close_date") if point.at <= until else None
        if now == value:
            continue
        end = point.at if point.at <= until else None
        if value is not None:
            day = dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), ZONE)
            due = max(int(day.timestamp()) * 1_000_000 + clock - before, since)
            if end is None or due <= end:
                found += while_true(rule, points[begin:n], deal, where, due, ref, end, ("date_moved", "entity_deleted"))
        if now is not None and point.fact is not None:
            value, ref, since, begin = now, point.fact.ref, point.at, n
        else:
            value = None
    return cut(found, until)


def happenings(rule: str, points: Sequence[Point], deal: str, where: Where, fits: Callable[[Point, Point | None], bool]) -> list[Spell]:
    """Instants: every fact that `fits` (point, point before) while `where` holds."""
    found = []
    for n, point in enumerate(points):
        if point.fact is not None and fits(point, points[n - 1] if n else None) and where(point.picture, deal, point.at):
            found.append(Spell(rule, deal, point.fact.ref, point.at))
    return found


def crossings(rule: str, points: Sequence[Point], deal: str, where: Where, stages: Iterable[str], *, leaves: bool = False) -> list[Spell]:
    """`enters` / `leaves`."""

    def fits(point: Point, before: Point | None) -> bool:
        if point.fact is None or (point.fact.kind, point.fact.native) != ("opportunity", deal):
            return False
        then = stage_of(before.picture.get(("opportunity", deal))) if before else None
        now = stage_of(point.picture.get(("opportunity", deal)))
        return then != now and (then if leaves else now) in stages

    return happenings(rule, points, deal, where, fits)


def not_preceded(rule: str, points: Sequence[Point], deal: str, where: Where, event: str, requires: str, within: int) -> list[Spell]:
    """`missing_before`: activities of kind `event` without one of kind `requires` in (t - within, t]."""
    found = []
    for n, point in enumerate(points):
        if not logged(point.fact, deal, [event]) or not where(point.picture, deal, point.at) or point.fact is None:
            continue
        day_end = point.fact.end
        earlier = [p for p in points[:n] if logged(p.fact, deal, [requires]) and p.fact is not None]
        same_day = [p for p in points[n:] if logged(p.fact, deal, [requires]) and p.at < day_end]
        if not any(p.fact is not None and p.fact.end > point.at - within for p in [*earlier, *same_day]):
            found.append(Spell(rule, deal, point.fact.ref, day_end))  # one known by its day is judged at its end
    return found


@dataclass
class Run:
    """One open run of `missing_after`."""

    ref: str
    begin: int
    due: int
    by: Any
    spell: Spell | None = None
    live: bool = True


def not_followed(
    rule: str, points: Sequence[Point], deal: str, where: Where, until: int, after: str, expect: str, within: int,
    each: str, *, match: bool = False,
) -> list[Spell]:  # fmt: skip
    """`missing_after`: an activity of kind `after` not followed by one of kind `expect` (by the same person)."""
    runs: list[Run] = []
    days: list[Fact] = []
    for n, point in enumerate([*points, Point(until + 1, {}, None)]):
        last = points[n - 1].picture if n else {}
        for run in runs:
            if run.live and run.spell is None and run.due <= min(point.at, until):
                run.live = where(last, deal, run.due)
                run.spell = Spell(rule, deal, run.ref, run.due) if run.live else None
        if point.fact is None:
            continue
        fact, by = point.fact, point.fact.data.get("by") if match else None
        if (fact.kind, fact.native) == ("opportunity", deal) and fact.verb == "deleted":
            _end(runs, fact.at, ("entity_deleted",))
        if logged(fact, deal, [expect]):
            _end([r for r in runs if r.by == by], fact.at, ("expected_arrived",))
            days += [fact] if fact.end > fact.at else []
        if logged(fact, deal, [after]) and not _gone(point.picture, deal):
            runs = _opened(runs, fact, by, within, each, days, match=match)
    return cut([r.spell for r in runs if r.spell is not None], until)


def _gone(picture: Picture, deal: str) -> bool:
    thing = picture.get(("opportunity", deal))
    return thing is None or bool(thing["gone"])


def _end(runs: list[Run], at: int, why: tuple[str, ...]) -> None:
    for run in runs:
        if run.live and run.spell is not None:
            run.spell = Spell(run.spell.rule, run.spell.deal, run.ref, run.due, at, why)
        run.live = False


def _opened(runs: list[Run], fact: Fact, by: Any, within: int, each: str, days: list[Fact], *, match: bool) -> list[Run]:
    if any(d.at <= fact.end and fact.at < d.end and (not match or d.data.get("by") == by) for d in days):
        return [*runs, Run(fact.ref, fact.at, fact.at, by, None, live=False)]
    waiting = [r for r in runs if r.live and r.spell is None and r.by == by]
    if (each == "once" and runs) or (each == "first" and waiting):
        return runs
    if each == "restart":
        for run in waiting:
            run.live = False
    return [*runs, Run(fact.ref, fact.at, fact.end + within, by)]
