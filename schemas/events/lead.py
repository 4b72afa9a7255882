"""Events of leads. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import AccountId, ContactId, Id, LeadId, OpportunityId, PersonId, Text


class LeadFields(Data):
    """An enquiry that is not yet a piece of business.

    ``source`` is where it came from (fair, web form), ``campaign`` which campaign brought it; ``stage``
    the funnel stage (lead, mql); ``account``, ``opportunity`` and ``contact`` are set when they are
    known.
    """

    lead: LeadId | None = None
    account: AccountId | None = None
    opportunity: OpportunityId | None = None
    contact: ContactId | None = None
    name: Text | None = None
    company: Text | None = None
    source: Text | None = None
    campaign: Text | None = None
    channel: Text | None = None
    region: Text | None = None
    stage: Text | None = None
    phone: Text | None = None
    mail: Text | None = None
    reason: Text | None = None


class LeadCreated(LeadFields):
    """The lead came in."""

    lead: LeadId


class LeadUpdated(LeadFields):
    """The lead was changed."""

    lead: LeadId


class LeadAssigned(LeadFields):
    """The lead was given to ``owner``."""

    lead: LeadId
    owner: PersonId


class LeadQualified(LeadFields):
    """The lead is worth working on."""

    lead: LeadId


class LeadDisqualified(LeadFields):
    """The lead was given up, for ``reason``."""

    lead: LeadId


class LeadConverted(LeadFields):
    """The lead became business: name the ``account``, and the ``opportunity`` and ``contact`` if there
    are any."""

    lead: LeadId


class LeadCorrected(LeadFields, Corrected):
    """Corrects an earlier event of the lead.

    Here ``source`` is the source of the corrected event; the lead's own ``source`` is given as
    ``lead_source``.
    """

    lead: LeadId
    source: Id | None = None
    lead_source: Text | None = None


class LeadDeleted(Deleted):
    """Takes back an event of the lead, or the lead."""

    lead: LeadId
