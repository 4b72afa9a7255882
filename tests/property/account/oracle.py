"""A second, naive reading of the rule language: when something is wrong in a whole history, from scratch.

Written from the language's description only; it shares no code with the engine and keeps nothing between
calls. Every trigger is one function from a `Look` (a rule at a deal over the time line) to spells.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.property.account.pictures import (
    ZONE,
    Fact,
    Picture,
    Point,
    field,
    is_open,
    logged,
    stage_of,
)

Where = Callable[[Picture, str, int], bool]
"""(picture, id of the deal, instant) -> does the condition hold?"""


@dataclass(frozen=True)
class Spell:
    """One time that something is wrong, from `due` to `end` (None: still).

    why: the reasons for which it may have ended.
    """

    rule: str
    deal: str
    ref: str | None
    due: int
    end: int | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """One rule at one deal: its `where`, the points of the time line, and the instant at which we look."""

    rule: str
    deal: str
    where: Where
    points: Sequence[Point]
    until: int

    def holds(self, picture: Picture, at: int) -> bool:
        """Does `where` hold?"""
        return self.where(picture, self.deal, at)

    def logged(self, point: Point, *kinds: str) -> bool:
        """The point is an activity of one of the kinds about the deal."""
        return logged(point.fact, self.deal, kinds)

    def spell(self, ref: str | None, due: int, end: int | None = None, why: tuple[str, ...] = ()) -> Spell:
        """A spell of this rule at this deal."""
        return Spell(self.rule, self.deal, ref, due, end, why)


def known(look: Look, spells: Iterable[Spell]) -> list[Spell]:
    """What is known when we look: nothing that is due later, no end that is later."""
    due = [s for s in spells if s.due <= look.until]
    return [s if s.end is None or s.end <= look.until else replace(s, end=None, why=()) for s in due]


# -- holds ---------------------------------------------------------------------------------------------------


def _true(look: Look) -> Iterator[tuple[int, str | None, int | None]]:
    """(since, reference of the fact that began it, end or None) of every time that `where` holds."""
    since: tuple[int, str | None] | None = None
    for point in look.points:
        true = look.holds(point.picture, point.at)
        if true and since is None:
            since = (point.at, point.fact.ref if point.fact else None)
        elif not true and since is not None:
            yield (*since, point.at)
            since = None
    if since is not None:
        yield (*since, None)


def holding(look: Look, *, stays: int = 0, keep: int = 0) -> list[Spell]:
    """`holds`, with `for: stays` and `keep_firing_for: keep` (us)."""
    found: list[Spell] = []
    over: int | None = None  # when the spell before this one stops being kept firing
    for since, ref, end in _true(look):
        ends = None if end is None else end + keep
        if found and over is not None and since < over:
            over = ends
            found[-1] = replace(found[-1], end=ends)
        elif end is None or since + stays <= end:
            found.append(look.spell(ref, since + stays, ends, ("condition_ended",)))
            over = ends
    return known(look, found)


# -- due once, then while it holds ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """Points between two things that a due counts from. end, why: what ended it, if anything did."""

    points: Sequence[Point]
    end: int | None = None
    why: tuple[str, ...] = ()


def _while_true(look: Look, stretch: Stretch, due: int, ref: str) -> list[Spell]:
    """Due at `due`, and from then on while `where` holds, until the stretch ends."""
    if stretch.end is not None and due > stretch.end:
        return []
    before = [p.picture for p in stretch.points if p.at < due]
    after = [(p.at, p.picture) for p in stretch.points if p.at >= due]
    found: list[Spell] = []
    standing = False
    for at, picture in [(due, before[-1] if before else {}), *after]:
        true = look.holds(picture, at)
        if true and not standing:
            found.append(look.spell(ref, at))
        elif standing and not true:
            found[-1] = replace(found[-1], end=at, why=("condition_ended",))
        standing = true
    if standing and stretch.end is not None:
        found[-1] = replace(found[-1], end=stretch.end, why=stretch.why)
    return found


def silences(look: Look, *, of: Sequence[str], lasts: int) -> list[Spell]:
    """`silent`: each stretch between two things that it counts from is looked at by itself."""
    found: list[Spell] = []
    base: tuple[int, str] | None = None
    begin = matched = 0
    was_open = False
    for n, point in enumerate(look.points):
        now_open = is_open(point.picture, look.deal)
        counts = now_open != was_open or (now_open and look.logged(point, *of))
        was_open = now_open
        if point.fact is not None and look.logged(point, *of):
            matched = max(matched, point.fact.end)
        if point.fact is None or not counts:
            continue
        if base is not None:
            why = ("followed_up",) if now_open else ("entity_closed", "entity_deleted")
            stretch = Stretch(look.points[begin:n], point.at, why)
            found += _while_true(look, stretch, base[0] + lasts, base[1])
        base = (max(point.fact.end, matched), point.fact.ref) if now_open else None
        begin = n
    if base is not None:
        found += _while_true(look, Stretch(look.points[begin:]), base[0] + lasts, base[1])
    return known(look, found)


def dates(look: Look, *, before: int, clock: int) -> list[Spell]:
    """`date` on `close_date`, `before` us ahead of its day, at `clock` us after midnight."""
    found: list[Spell] = []
    value: str | None = None
    ref, since, begin = "", 0, 0
    for n, point in enumerate([*look.points, None]):
        now = None if point is None else field(point.picture, look.deal, "close_date")
        if now == value:
            continue
        if value is not None:
            day = dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), ZONE)
            due = max(int(day.timestamp()) * 1_000_000 + clock - before, since)
            stretch = Stretch(
                look.points[begin:n], point.at if point else None, ("date_moved", "entity_deleted")
            )
            found += _while_true(look, stretch, due, ref)
        value = now
        if point is not None and point.fact is not None:
            ref, since, begin = point.fact.ref, point.at, n
    return known(look, found)


# -- instants ------------------------------------------------------------------------------------------------


def happenings(look: Look, fits: Callable[[Point, Picture], bool]) -> list[Spell]:
    """Instants: every fact that `fits` (its point, the picture before it) while `where` holds."""
    found = []
    before: Picture = {}
    for point in look.points:
        if point.fact is not None and fits(point, before) and look.holds(point.picture, point.at):
            found.append(look.spell(point.fact.ref, point.at))
        before = point.picture
    return found


def crossings(look: Look, stages: Sequence[str], *, leaves: bool = False) -> list[Spell]:
    """`enters` / `leaves`."""
    deal = ("opportunity", look.deal)

    def fits(point: Point, before: Picture) -> bool:
        then, now = stage_of(before.get(deal)), stage_of(point.picture.get(deal))
        return then != now and (then if leaves else now) in stages

    return happenings(look, fits)


def not_preceded(look: Look, *, event: str, requires: str, within: int) -> list[Spell]:
    """`missing_before`: activities of kind `event` without one of kind `requires` in (t - within, t].

    Where only the day is known, the same day will do, and it is due when that day is over.
    """
    required = [(n, p.fact) for n, p in enumerate(look.points) if look.logged(p, requires) and p.fact]
    found = []
    for n, point in enumerate(look.points):
        if point.fact is None or not look.logged(point, event) or not look.holds(point.picture, point.at):
            continue
        early = [fact for place, fact in required if place < n or fact.at < point.fact.end]
        if not any(fact.end > point.at - within for fact in early):
            found.append(look.spell(point.fact.ref, point.fact.end))
    return known(look, found)


# -- missing_after -------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One run: opened by `ref`, due at `due`; `by`: what must match. live: neither cancelled nor ended."""

    ref: str
    due: int
    by: Any
    spell: Spell | None = None
    live: bool = True


@dataclass
class NotFollowed:
    """`missing_after`: an activity of kind `after` not followed by one of kind `expect` (by the same
    person).
    """

    look: Look
    after: str
    expect: str
    within: int
    each: str
    match: bool = False

    def spells(self) -> list[Spell]:
        """Goes through the time line once, with a list of all runs so far."""
        runs: list[Run] = []
        days: list[Fact] = []
        before: Picture = {}
        for point in self.look.points:
            self._fall_due(runs, point.at, before)
            if point.fact is not None:
                runs = self._take(runs, days, point, point.fact)
            before = point.picture
        self._fall_due(runs, self.look.until, before)
        return known(self.look, [run.spell for run in runs if run.spell is not None])

    def _fall_due(self, runs: list[Run], at: int, before: Picture) -> None:
        for run in runs:
            if run.live and run.spell is None and run.due <= at:
                run.live = self.look.holds(before, run.due)
                run.spell = self.look.spell(run.ref, run.due) if run.live else None

    def _take(self, runs: list[Run], days: list[Fact], point: Point, fact: Fact) -> list[Run]:
        by = fact.data.get("by") if self.match else None
        if (fact.kind, fact.native, fact.verb) == ("opportunity", self.look.deal, "deleted"):
            self._end(runs, fact.at, ("entity_deleted",))
        if self.look.logged(point, self.expect):
            self._end([r for r in runs if r.by == by], fact.at, ("expected_arrived",))
            days += [fact] if fact.end > fact.at else []
        if self.look.logged(point, self.after):
            return self._opened(runs, fact, by, days)
        return runs

    def _end(self, runs: list[Run], at: int, why: tuple[str, ...]) -> None:
        for run in runs:
            if run.live and run.spell is not None:
                run.spell = replace(run.spell, end=at, why=why)
            run.live = False

    def _opened(self, runs: list[Run], fact: Fact, by: Any, days: list[Fact]) -> list[Run]:
        mine = [d for d in days if not self.match or d.data.get("by") == by]
        if any(d.at <= fact.end and fact.at < d.end for d in mine):  # it followed on that day
            return [*runs, Run(fact.ref, fact.at, by, live=False)]
        waiting = [r for r in runs if r.live and r.spell is None and r.by == by]
        if (self.each == "once" and runs) or (self.each == "first" and waiting):
            return runs
        if self.each == "restart":
            self._end(waiting, fact.at, ())
        return [*runs, Run(fact.ref, fact.end + self.within, by)]
