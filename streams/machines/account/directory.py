"""Where receivers are looked up: `rules.directory.Directory` over the partition's shared rows.

People are seen as of an instant; what can be, is remembered between steps (`people`). It writes nothing.
"""

from __future__ import annotations

from schemas.directory import Person, Team, person_of, team_of
from streams.machines.account.world import World, changes


class SharedDirectory:
    """Persons and teams as of `at` us."""

    def __init__(self, world: World, at: int) -> None:
        self._world = world
        self._at = at
        self._people = world.people
        self._people.as_of(changes(world.ctx))

    def person(self, person_id: str) -> Person | None:
        found = self._world.version_since("person", person_id, self._at)
        if found is None:
            return None
        since, data = found
        view = self._people.persons.get((person_id, since))
        if view is None:
            absences = self._world.ctx.shared("away", person_id) or ()
            view = person_of({**data, "person": person_id}, [(begin, end) for begin, end, _ in absences])
            self._people.persons[person_id, since] = view
        return view

    def team(self, team_id: str) -> Team | None:
        data = self._world.version("team", team_id, self._at)
        return None if data is None else team_of({**data, "team": team_id})

    def deputy(self, person_id: str, at: int) -> str | None:
        for begin, end, deputy in self._world.ctx.shared("away", person_id) or ():
            if begin <= at < end and deputy:
                return str(deputy)
        person = self.person(person_id)
        return person.deputy if person else None

    def with_role(self, role: str) -> list[str]:
        return self._listed("roles", role)

    def in_group(self, name: str) -> list[str]:
        return self._listed("groups", name)

    def _listed(self, field: str, wanted: str) -> list[str]:
        found = self._people.listed.get((field, wanted))
        if found is None:
            found = self._people.listed[field, wanted] = [
                person_id
                for person_id, versions in self._world.ctx.scan_shared("person")
                if any(wanted in (data.get(field) or ()) for _, data in versions)
            ]
        return [person_id for person_id in found if self._says(person_id, field, wanted)]

    def _says(self, person_id: str, field: str, wanted: str) -> bool:
        data = self._world.version("person", person_id, self._at)
        return data is not None and data.get("active", True) and wanted in (data.get(field) or ())
