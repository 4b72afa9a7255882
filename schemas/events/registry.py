"""The explicit list of event types and of kinds of entities. A new type or kind is one line here and its
model.

No logic beyond the two tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.events import (
    account,
    activity,
    approval,
    contract,
    directory,
    invoice,
    lead,
    opportunity,
    order,
    project,
    quote,
    reference,
)
from schemas.events.base import Model


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity.

    ``id_field`` names the field of ``data`` that holds the entity's native id; ``fields`` lists what is
    known of the kind; ``event_names_it`` says that an event without that field names its entity by its
    own id.
    """

    name: str
    id_field: str
    fields: type[Model]
    event_names_it: bool = False


_KINDS: Final[dict[str, Kind]] = {
    "account": Kind("account", "account", account.AccountFields),
    "contact": Kind("contact", "contact", account.ContactFields),
    "lead": Kind("lead", "lead", lead.LeadFields),
    "opportunity": Kind("opportunity", "opportunity", opportunity.OpportunityFields),
    "activity": Kind("activity", "activity", activity.ActivityFields, event_names_it=True),
    "visit": Kind("visit", "visit", activity.VisitFields),
    "quote": Kind("quote", "quote", quote.QuoteFields),
    "contract": Kind("contract", "contract", contract.ContractFields),
    "order": Kind("order", "order", order.OrderFields),
    "invoice": Kind("invoice", "invoice", invoice.InvoiceFields),
    "payment": Kind("payment", "payment", invoice.PaymentFields),
    "project": Kind("project", "project", project.ProjectFields),
    "cost": Kind("cost", "cost", project.CostFields, event_names_it=True),
    "target": Kind("target", "target", project.TargetFields, event_names_it=True),
    "message": Kind("message", "message", activity.MessageFields, event_names_it=True),
    "approval": Kind("approval", "approval", approval.ApprovalFields),
    "person": Kind("person", "person", directory.PersonFields),
    "team": Kind("team", "team", directory.TeamFields),
    "rate": Kind("rate", "currency", reference.RateFields),
    "calendar": Kind("calendar", "calendar", reference.CalendarFields),
    "source": Kind("source", "source", reference.SourceFields),
}

_EVENT_MODELS: Final[dict[str, type[Model]]] = {
    "account.updated": account.AccountUpdated,
    "account.assigned": account.AccountAssigned,
    "account.released": account.AccountReleased,
    "account.claimed": account.AccountClaimed,
    "account.merged": account.AccountMerged,
    "account.corrected": account.AccountCorrected,
    "account.deleted": account.AccountDeleted,
    "contact.updated": account.ContactUpdated,
    "contact.corrected": account.ContactCorrected,
    "contact.deleted": account.ContactDeleted,
    "lead.created": lead.LeadCreated,
    "lead.updated": lead.LeadUpdated,
    "lead.assigned": lead.LeadAssigned,
    "lead.qualified": lead.LeadQualified,
    "lead.disqualified": lead.LeadDisqualified,
    "lead.converted": lead.LeadConverted,
    "lead.corrected": lead.LeadCorrected,
    "lead.deleted": lead.LeadDeleted,
    "opportunity.created": opportunity.OpportunityCreated,
    "opportunity.updated": opportunity.OpportunityUpdated,
    "opportunity.stage_changed": opportunity.OpportunityStageChanged,
    "opportunity.won": opportunity.OpportunityWon,
    "opportunity.lost": opportunity.OpportunityLost,
    "opportunity.reopened": opportunity.OpportunityReopened,
    "opportunity.corrected": opportunity.OpportunityCorrected,
    "opportunity.deleted": opportunity.OpportunityDeleted,
    "activity.logged": activity.ActivityLogged,
    "activity.corrected": activity.ActivityCorrected,
    "activity.deleted": activity.ActivityDeleted,
    "visit.planned": activity.VisitPlanned,
    "visit.checked_in": activity.VisitCheckedIn,
    "visit.checked_out": activity.VisitCheckedOut,
    "visit.completed": activity.VisitCompleted,
    "visit.reported": activity.VisitReported,
    "visit.corrected": activity.VisitCorrected,
    "visit.deleted": activity.VisitDeleted,
    "quote.created": quote.QuoteCreated,
    "quote.revised": quote.QuoteRevised,
    "quote.approved": quote.QuoteApproved,
    "quote.rejected": quote.QuoteRejected,
    "quote.sent": quote.QuoteSent,
    "quote.accepted": quote.QuoteAccepted,
    "quote.expired": quote.QuoteExpired,
    "quote.corrected": quote.QuoteCorrected,
    "quote.deleted": quote.QuoteDeleted,
    "contract.drafted": contract.ContractDrafted,
    "contract.updated": contract.ContractUpdated,
    "contract.approved": contract.ContractApproved,
    "contract.signed": contract.ContractSigned,
    "contract.amended": contract.ContractAmended,
    "contract.renewed": contract.ContractRenewed,
    "contract.terminated": contract.ContractTerminated,
    "contract.corrected": contract.ContractCorrected,
    "contract.deleted": contract.ContractDeleted,
    "order.placed": order.OrderPlaced,
    "order.changed": order.OrderChanged,
    "order.confirmed": order.OrderConfirmed,
    "order.unapproved": order.OrderUnapproved,
    "order.shipped": order.OrderShipped,
    "order.returned": order.OrderReturned,
    "order.closed": order.OrderClosed,
    "order.cancelled": order.OrderCancelled,
    "order.corrected": order.OrderCorrected,
    "order.deleted": order.OrderDeleted,
    "invoice.issued": invoice.InvoiceIssued,
    "invoice.credited": invoice.InvoiceCredited,
    "invoice.voided": invoice.InvoiceVoided,
    "invoice.disputed": invoice.InvoiceDisputed,
    "invoice.corrected": invoice.InvoiceCorrected,
    "invoice.deleted": invoice.InvoiceDeleted,
    "payment.received": invoice.PaymentReceived,
    "payment.allocated": invoice.PaymentAllocated,
    "payment.reversed": invoice.PaymentReversed,
    "payment.dishonoured": invoice.PaymentDishonoured,
    "payment.corrected": invoice.PaymentCorrected,
    "payment.deleted": invoice.PaymentDeleted,
    "project.opened": project.ProjectOpened,
    "project.milestone_reached": project.ProjectMilestoneReached,
    "project.closed": project.ProjectClosed,
    "project.corrected": project.ProjectCorrected,
    "project.deleted": project.ProjectDeleted,
    "cost.recorded": project.CostRecorded,
    "cost.corrected": project.CostCorrected,
    "cost.deleted": project.CostDeleted,
    "target.set": project.TargetSet,
    "target.corrected": project.TargetCorrected,
    "target.deleted": project.TargetDeleted,
    "message.sent": activity.MessageSent,
    "message.corrected": activity.MessageCorrected,
    "message.deleted": activity.MessageDeleted,
    "approval.requested": approval.ApprovalRequested,
    "approval.approved": approval.ApprovalApproved,
    "approval.rejected": approval.ApprovalRejected,
    "approval.returned": approval.ApprovalReturned,
    "approval.withdrawn": approval.ApprovalWithdrawn,
    "approval.delegated": approval.ApprovalDelegated,
    "approval.cancelled": approval.ApprovalCancelled,
    "approval.corrected": approval.ApprovalCorrected,
    "approval.deleted": approval.ApprovalDeleted,
    "person.updated": directory.PersonUpdated,
    "person.away": directory.PersonAway,
    "person.corrected": directory.PersonCorrected,
    "person.deleted": directory.PersonDeleted,
    "team.updated": directory.TeamUpdated,
    "team.corrected": directory.TeamCorrected,
    "team.deleted": directory.TeamDeleted,
    "rate.set": reference.RateSet,
    "rate.corrected": reference.RateCorrected,
    "rate.deleted": reference.RateDeleted,
    "calendar.set": reference.CalendarSet,
    "calendar.corrected": reference.CalendarCorrected,
    "calendar.deleted": reference.CalendarDeleted,
    "source.completed": reference.SourceCompleted,
}

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(_KINDS)
"""kind -> what is known of it."""

EVENT_MODELS: Final[Mapping[str, type[Model]]] = MappingProxyType(_EVENT_MODELS)
"""event type -> model of its ``data``."""
