"""People, teams and the port `Directory` through which rules ask for them, as of one instant.

Plain values and one small implementation in memory. Must not read a clock: the caller picks the version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MAX_HOPS = 32
"""Longest manager or deputy chain followed; a cycle ends earlier, at the first person seen twice."""


@dataclass(frozen=True, slots=True)
class Absence:
    """One leave: [start, until) in us, open-ended with None. `deputy` goes before the usual one."""

    start: int
    until: int | None = None
    deputy: str | None = None

    def covers(self, at: int) -> bool:
        return self.start <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Person:
    """A person at one instant. `zone` is an IANA name; without their own, region and org are the team's."""

    id: str
    name: str = ""
    mail: str | None = None
    manager: str | None = None
    roles: tuple[str, ...] = ()
    team: str | None = None
    region: str | None = None
    org: str | None = None
    zone: str | None = None
    deputy: str | None = None
    away: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """A team at one instant."""

    id: str
    name: str = ""
    manager: str | None = None
    region: str | None = None
    org: str | None = None


class Directory(Protocol):
    """People and teams as of one instant; the caller picks the version. Sequences in a stable order."""

    def person(self, person_id: str) -> Person | None: ...

    def team(self, team_id: str) -> Team | None: ...

    def with_role(self, role: str) -> Sequence[str]: ...

    def in_group(self, name: str) -> Sequence[str]: ...


@dataclass(slots=True)
class ListDirectory:
    """A directory in memory, for tests and small organisations."""

    people: Iterable[Person] = ()
    teams: Iterable[Team] = ()
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _people: dict[str, Person] = field(init=False, repr=False)
    _teams: dict[str, Team] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._people = {p.id: p for p in self.people}
        self._teams = {t.id: t for t in self.teams}

    def person(self, person_id: str) -> Person | None:
        return self._people.get(person_id)

    def team(self, team_id: str) -> Team | None:
        return self._teams.get(team_id)

    def with_role(self, role: str) -> Sequence[str]:
        return sorted(p.id for p in self._people.values() if role in p.roles)

    def in_group(self, name: str) -> Sequence[str]:
        return self.groups.get(name, ())


def stand_in(person_id: str, directory: Directory, at: int) -> tuple[str, list[str]]:
    """Who acts for `person_id` at `at` (us), and the steps; the person again where no deputy is there."""
    path: list[str] = []
    seen = {person_id}
    current = person_id
    for _ in range(MAX_HOPS):
        deputy = _deputy(directory.person(current), at)
        if deputy is None:
            return current, path
        if not deputy or deputy in seen or directory.person(deputy) is None:
            break
        path.append(f"{current} is away: deputy {deputy}")
        seen.add(deputy)
        current = deputy
    path.append(f"{current} is away and has no deputy present: stays with {person_id}")
    return person_id, path


def _deputy(person: Person | None, at: int) -> str | None:
    """None when present; the deputy's id when away, "" when away without one."""
    if person is None:
        return None
    for absence in person.away:
        if absence.covers(at):
            return absence.deputy or person.deputy or ""
    return None


def managers_above(person_id: str, directory: Directory) -> Iterator[str]:
    """The known managers above a person, nearest first, each once."""
    seen = {person_id}
    current = directory.person(person_id)
    while current is not None and current.manager and current.manager not in seen and len(seen) <= MAX_HOPS:
        seen.add(current.manager)
        current = directory.person(current.manager)
        if current is not None:
            yield current.id


def place_of(person_id: str, directory: Directory, scope: str) -> str | None:
    """The `region` or `org` (`scope`) of a person, by the team where the person has none of their own."""
    person = directory.person(person_id)
    if person is None:
        return None
    own: str | None = getattr(person, scope)
    return own or place_of_team(person.team, directory, scope)


def place_of_team(team_id: str | None, directory: Directory, scope: str) -> str | None:
    """The `region` or `org` (`scope`) of a team; None for no team or an unknown one."""
    team = directory.team(team_id) if team_id else None
    value: str | None = getattr(team, scope) if team else None
    return value
