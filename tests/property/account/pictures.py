"""Pictures of all entities as a history leaves them, and the time line that they stand on: the oracle's eyes.

Written from the event vocabulary only; shares no code with the engine and keeps nothing between calls. A
*fact* is an event that counts, at its place; a *picture* is what all entities look like right behind a fact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000_000
DAY = 24 * HOUR

Thing = dict[str, Any]
Picture = dict[tuple[str, str], Thing]


@dataclass(frozen=True)
class Fact:
    """One event that counts.

    at: effective instant (us). end: the end of its day when only the day is known, else `at`.
    """

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
class Point:
    """A place on the time line: behind a fact, or at a midnight (then `fact` is None)."""

    at: int
    picture: Picture
    fact: Fact | None


# -- entities ------------------------------------------------------------------------------------------------


def drawn(facts: Iterable[Fact]) -> Picture:
    """All entities as the facts leave them."""
    picture: Picture = {}
    for fact in facts:
        thing = picture.setdefault(
            (fact.kind, fact.native),
            {"fields": {}, "stages": [], "open": True, "gone": False, "first": fact.at},
        )
        _told(thing, fact)
    return picture


def _told(thing: Thing, fact: Fact) -> None:
    if fact.verb == "deleted":
        thing["gone"], thing["open"] = True, False
        return
    if thing["gone"]:
        if fact.verb not in ("created", "reopened"):
            return
        thing["gone"], thing["open"] = False, True
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
    if stage is not None or fact.verb == "reopened":
        thing["open"] = fact.verb == "reopened" or stage not in ("won", "lost")


def stage_of(thing: Thing | None) -> str | None:
    """The stage it is in."""
    if thing is None or thing["gone"] or not thing["stages"]:
        return None
    return str(thing["stages"][-1][0])


def is_there(picture: Picture, deal: str) -> bool:
    """The deal is known and not deleted."""
    thing = picture.get(("opportunity", deal))
    return thing is not None and not thing["gone"]


def is_open(picture: Picture, deal: str) -> bool:
    """The deal is there and neither won nor lost."""
    return is_there(picture, deal) and bool(picture[("opportunity", deal)]["open"])


def field(picture: Picture, deal: str, name: str) -> Any:
    """A field of the deal; None when it is empty or the deal is gone."""
    thing = picture.get(("opportunity", deal))
    return None if thing is None or thing["gone"] else thing["fields"].get(name)


def calls(picture: Picture, deal: str) -> int:
    """Calls logged about the deal."""
    logged = [
        thing["fields"] for (kind, _), thing in picture.items() if kind == "activity" and not thing["gone"]
    ]
    return sum(1 for f in logged if f.get("opportunity") == deal and f.get("kind") == "call")


# -- the time line -------------------------------------------------------------------------------------------


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
    return (
        fact is not None
        and fact.type == "activity.logged"
        and about(fact, deal)
        and fact.data["kind"] in kinds
    )
