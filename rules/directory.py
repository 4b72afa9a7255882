"""The port `Directory` through which rules ask for people, and steps along it: managers, deputies, places.

Pure: a directory is people and teams as of one instant, and the caller picks it. Must not read a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.directory import Person, Team

MAX_HOPS = 32
"""Longest manager or deputy chain followed; a cycle ends earlier, at the first person seen twice."""


class Directory(Protocol):
    """People and teams as of one instant. Sequences in a stable order."""

    def person(self, person_id: str) -> Person | None:
        """The person, those who left included (`active` false)."""
        ...

    def team(self, team_id: str) -> Team | None:
        """The team."""
        ...

    def with_role(self, role: str) -> Sequence[str]:
        """Ids of all active persons with the role."""
        ...

    def in_group(self, name: str) -> Sequence[str]:
        """Ids of all active persons of the group."""
        ...

    def deputy(self, person_id: str, at: int) -> str | None:
        """Who stands in for the person at `at` (us): the deputy of that absence, else the usual one."""
        ...


@dataclass(slots=True)
class ListDirectory:
    """A directory in memory, for tests and small organisations.

    deputies: for single absences, person -> [(from us, to us, deputy)]; they go before the usual deputy.
    """

    people: Iterable[Person] = ()
    teams: Iterable[Team] = ()
    deputies: Mapping[str, Sequence[tuple[int, int, str]]] = field(default_factory=dict)
    _people: dict[str, Person] = field(init=False, repr=False)
    _teams: dict[str, Team] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._people = {p.person: p for p in self.people}
        self._teams = {t.team: t for t in self.teams}

    def person(self, person_id: str) -> Person | None:
        """The person of that id."""
        return self._people.get(person_id)

    def team(self, team_id: str) -> Team | None:
        """The team of that id."""
        return self._teams.get(team_id)

    def with_role(self, role: str) -> Sequence[str]:
        """By id."""
        return sorted(p.person for p in self._people.values() if p.active and role in p.roles)

    def in_group(self, name: str) -> Sequence[str]:
        """By id."""
        return sorted(p.person for p in self._people.values() if p.active and name in p.groups)

    def deputy(self, person_id: str, at: int) -> str | None:
        """Of the absence at `at`, else the usual one."""
        for start, end, deputy in self.deputies.get(person_id, ()):
            if start <= at < end:
                return deputy
        person = self._people.get(person_id)
        return person.deputy if person else None


def stand_in(person_id: str, directory: Directory, at: int) -> tuple[str | None, list[str]]:
    """Who acts for `person_id` at `at` (us), and the steps found on the way.

    Where no deputy is there either: the person again when away, None when they have left for good.
    """
    path: list[str] = []
    seen = {person_id}
    current = person_id
    for _ in range(MAX_HOPS):
        reason = _unavailable(directory.person(current), at)
        if reason is None:
            return current, path
        deputy = directory.deputy(current, at)
        if not deputy or deputy in seen or directory.person(deputy) is None:
            break
        path.append(f"{current} {reason}: deputy {deputy}")
        seen.add(deputy)
        current = deputy
    if _unavailable(directory.person(person_id), at) == _LEFT:
        return None, [*path, f"{person_id} {_LEFT} and nobody stands in"]
    return person_id, [*path, f"{current} is away and has no deputy present: stays with {person_id}"]


_LEFT = "has left"


def _unavailable(person: Person | None, at: int) -> str | None:
    if person is None or not person.active:
        return _LEFT
    return "is away" if person.is_away(at) else None


def managers_above(person_id: str, directory: Directory) -> Iterator[str]:
    """The known managers above a person, nearest first, each once."""
    seen = {person_id}
    current = directory.person(person_id)
    while current is not None and current.manager and current.manager not in seen and len(seen) <= MAX_HOPS:
        seen.add(current.manager)
        current = directory.person(current.manager)
        if current is not None:
            yield current.person


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
