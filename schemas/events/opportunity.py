"""Events of opportunities. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import AccountId, Currency, Date, Id, LeadId, Money, Number, OpportunityId, Text


class OpportunityFields(Data):
    """A piece of business that may be won.

    ``amount`` (tax included) in ``currency``, ``amount_untaxed`` beside it; ``stage`` in the
    organisation's own words; ``products`` ids; ``strategy`` the sales method chosen; ``probability``
    0..1; ``close_date`` expected, then real.
    """

    opportunity: OpportunityId | None = None
    account: AccountId | None = None
    lead: LeadId | None = None
    name: Text | None = None
    amount: Money | None = None
    amount_untaxed: Money | None = None
    currency: Currency | None = None
    stage: Text | None = None
    probability: Number | None = None
    products: list[Id] | None = None
    strategy: Text | None = None
    close_date: Date | None = None
    region: Text | None = None
    channel: Text | None = None
    campaign: Text | None = None
    loss_reason: Text | None = None
    competitor: Text | None = None


class OpportunityCreated(OpportunityFields):
    """The opportunity was opened."""

    opportunity: OpportunityId


class OpportunityUpdated(OpportunityFields):
    """Fields were changed; a change of ``stage`` counts as ``opportunity.stage_changed``."""

    opportunity: OpportunityId


class OpportunityStageChanged(OpportunityFields):
    """The opportunity entered ``stage``."""

    opportunity: OpportunityId
    stage: Text


class OpportunityWon(OpportunityFields):
    """The business was won."""

    opportunity: OpportunityId


class OpportunityLost(OpportunityFields):
    """The business was lost, for ``loss_reason``, perhaps to ``competitor``."""

    opportunity: OpportunityId


class OpportunityReopened(OpportunityFields):
    """A closed opportunity is worked on again, in ``stage`` if named."""

    opportunity: OpportunityId


class OpportunityCorrected(OpportunityFields, Corrected):
    """Corrects an earlier event of the opportunity."""

    opportunity: OpportunityId


class OpportunityDeleted(Deleted):
    """Takes back an event of the opportunity, or the opportunity."""

    opportunity: OpportunityId
