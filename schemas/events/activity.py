"""Events of activities, visits and messages: what the sales person did and said. No logic here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import (
    AccountId,
    ContactId,
    Date,
    Elapsed,
    FieldType,
    Id,
    LeadId,
    Mark,
    Moment,
    Number,
    OpportunityId,
    PersonId,
    Text,
    VisitId,
    Word,
)


class ActivityFields(Data):
    """Something done with the customer.

    ``kind`` is one lower-case word: call, visit, demo, proposal, meeting, email, message are counted by
    kind, other words are kept. ``by`` did it. ``duration`` is elapsed time such as ``15m``.
    ``next_follow_up`` is the day agreed. An activity of kind visit that names a ``visit`` is that visit,
    not an entity of its own.
    """

    activity: Id | None = None
    kind: Word | None = None
    by: PersonId | None = None
    account: AccountId | None = None
    lead: LeadId | None = None
    opportunity: OpportunityId | None = None
    contact: ContactId | None = None
    visit: VisitId | None = None
    subject: Text | None = None
    duration: Elapsed | None = None
    outcome: Text | None = None
    next_follow_up: Date | None = None


class ActivityLogged(ActivityFields):
    """An activity took place at the event's time. Without ``activity`` the event's id names it."""

    kind: Word


class ActivityCorrected(ActivityFields, Corrected):
    """Corrects the event that logged an activity."""


class ActivityDeleted(Deleted):
    """Takes back an activity."""

    activity: Id | None = None
    visit: VisitId | None = None


class VisitFields(Data):
    """A visit to the customer, from plan to report.

    ``planned_for`` is an instant, or a date alone, which is kept as that day's start in the
    organisation's zone. ``distance`` is how far from the customer's place the check-in was, in metres.
    """

    visit: VisitId | None = None
    by: PersonId | None = None
    account: AccountId | None = None
    opportunity: OpportunityId | None = None
    lead: LeadId | None = None
    contact: ContactId | None = None
    planned_for: Moment | None = None
    place: Text | None = None
    distance: Number | None = None
    purpose: Text | None = None
    kind: Word | None = None
    subject: Text | None = None
    duration: Elapsed | None = None
    outcome: Text | None = None
    next_follow_up: Date | None = None


class VisitPlanned(VisitFields):
    """The visit was planned or planned anew, ``planned_for`` a time."""

    visit: VisitId


class VisitCheckedIn(VisitFields):
    """``by`` arrived at ``place``."""

    visit: VisitId


class VisitCheckedOut(VisitFields):
    """``by`` left."""

    visit: VisitId


class VisitCompleted(VisitFields):
    """The visit is over."""

    visit: VisitId


class VisitReported(VisitFields):
    """The report on the visit was written; ``outcome`` says what came of it."""

    visit: VisitId


class VisitCorrected(VisitFields, Corrected):
    """Corrects an earlier event of the visit."""

    visit: VisitId


class VisitDeleted(Deleted):
    """Takes back an event of the visit, or the visit."""

    visit: VisitId


class MessageFields(Data):
    """A message to or from a customer.

    ``from`` and ``to`` are ids on the ``platform``; ``direction`` is seen from our side; ``external`` is
    the customer's id there when the account is not known. ``text`` stands only if the connector is told
    to keep it.
    """

    message: Id | None = None
    conversation: Id | None = None
    platform: Text | None = None
    sender: Annotated[Id | None, Field(alias="from")] = None
    to: list[Id] | None = None
    direction: Annotated[Literal["in", "out"], Mark(FieldType.TEXT)] | None = None
    by: PersonId | None = None
    account: AccountId | None = None
    lead: LeadId | None = None
    opportunity: OpportunityId | None = None
    contact: ContactId | None = None
    external: Id | None = None
    text: Text | None = None


class MessageSent(MessageFields):
    """The message was sent at the event's time. Without ``message`` the event's id names it."""

    conversation: Id


class MessageCorrected(MessageFields, Corrected):
    """Corrects the event of a message."""


class MessageDeleted(Deleted):
    """Takes back a message."""

    message: Id | None = None
