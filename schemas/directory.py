"""Typed views of people and teams, for finding receivers. Looking them up at an instant is not done here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from schemas.time import end_of_day, is_date, parse_time


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody of the organisation. ``away`` holds absences [from, to) in us, in order of their start."""

    person: str
    name: str = ""
    mail: str | None = None
    manager: str | None = None
    roles: tuple[str, ...] = ()
    team: str | None = None
    region: str | None = None
    zone: str | None = None
    deputy: str | None = None
    away: tuple[tuple[int, int], ...] = ()
    groups: tuple[str, ...] = ()
    im: dict[str, str] = {}
    org: str | None = None
    calendar: str | None = None
    language: str | None = None
    active: bool = True

    def is_away(self, us: int) -> bool:
        """Whether the instant lies in one of the absences."""
        return any(start <= us < end for start, end in self.away)


class Team(msgspec.Struct, frozen=True, omit_defaults=True):
    """A team, who leads it and who is above."""

    team: str
    name: str = ""
    manager: str | None = None
    region: str | None = None
    director: str | None = None
    parent: str | None = None
    org: str | None = None


def person_of(fields: Mapping[str, Any], away: Iterable[tuple[int, int]] = ()) -> Person:
    """The view of a person from the folded fields of ``person.updated`` and the absences of ``person.away``.

    Fields that are absent or null take their default. Raises KeyError when ``person`` is missing.
    """
    known = _given(fields, Person.__struct_fields__)
    for name in ("roles", "groups"):
        if name in known:
            known[name] = tuple(known[name])
    return Person(**{**known, "person": fields["person"], "away": tuple(sorted(away))})


def team_of(fields: Mapping[str, Any]) -> Team:
    """The view of a team from the folded fields of ``team.updated``. Raises KeyError when ``team`` is
    missing."""
    return Team(**{**_given(fields, Team.__struct_fields__), "team": fields["team"]})


def absence_of(data: Mapping[str, Any], zone: ZoneInfo) -> tuple[int, int]:
    """[from, to) in us of the ``data`` of ``person.away``; a date alone is the whole day in the zone.

    Raises:
        EventError: a time cannot be read.
    """
    start, _ = parse_time(data["from"], zone, place="data.from")
    end, _ = parse_time(data["to"], zone, place="data.to")
    return start, end_of_day(end, zone) if is_date(data["to"]) else end


def _given(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if fields.get(name) is not None}
