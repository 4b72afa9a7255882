"""Events of the directory: people and teams. No logic here; ``schemas.directory`` holds the typed views."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import CalendarId, DayOrInstant, Flag, Id, PersonId, TeamId, Text


class PersonFields(Data):
    """Somebody of the organisation.

    ``im`` maps a platform to the person's id there. ``roles`` and ``groups`` are words that receivers name
    (``role:cfo``, ``group:key-accounts``). ``zone`` is an IANA time zone. ``deputy`` stands in when the
    person is away. ``active`` false: has left. ``language`` zh or en, for messages.
    """

    person: PersonId | None = None
    name: Text | None = None
    mail: Text | None = None
    phone: Text | None = None
    im: dict[str, Id] | None = None
    manager: PersonId | None = None
    roles: list[Id] | None = None
    groups: list[Id] | None = None
    team: TeamId | None = None
    region: Text | None = None
    zone: Text | None = None
    calendar: CalendarId | None = None
    language: Text | None = None
    deputy: PersonId | None = None
    active: Flag | None = None


class PersonUpdated(PersonFields):
    """The person joined, was changed or left."""

    person: PersonId


class PersonAway(Data):
    """``person`` is away from ``from`` to ``to``; a date alone is the whole day, in both. ``deputy`` for
    this time.

    The same event corrected or deleted changes or ends the absence.
    """

    person: PersonId
    starts: Annotated[DayOrInstant, Field(alias="from")]
    to: DayOrInstant
    deputy: PersonId | None = None
    reason: Text | None = None


class PersonCorrected(PersonFields, Corrected):
    """Corrects an earlier event of the person, ``person.away`` included."""

    person: PersonId
    starts: Annotated[DayOrInstant | None, Field(alias="from")] = None
    to: DayOrInstant | None = None
    reason: Text | None = None


class PersonDeleted(Deleted):
    """Takes back an event of the person, or the person."""

    person: PersonId


class TeamFields(Data):
    """A team. ``director`` is above ``manager``; ``parent`` is the team above."""

    team: TeamId | None = None
    name: Text | None = None
    manager: PersonId | None = None
    director: PersonId | None = None
    region: Text | None = None
    parent: TeamId | None = None


class TeamUpdated(TeamFields):
    """The team was founded or changed."""

    team: TeamId


class TeamCorrected(TeamFields, Corrected):
    """Corrects an earlier event of the team."""

    team: TeamId


class TeamDeleted(Deleted):
    """Takes back an event of the team, or the team."""

    team: TeamId
