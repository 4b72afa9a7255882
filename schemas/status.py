"""The status of an entity: which word each event type sets, and which words mean that it is closed.

``status`` is a derived text field. Event types that are not listed leave it as it is; the first event of an
entity gives it ``INITIAL`` if it sets none itself. Stages are the organisation's own and do not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.assigned": "assigned",
        "account.claimed": "assigned",
        "account.released": "pool",
        "account.merged": "merged",
        "lead.created": "open",
        "lead.qualified": "qualified",
        "lead.disqualified": "disqualified",
        "lead.converted": "converted",
        "opportunity.created": "open",
        "opportunity.won": "won",
        "opportunity.lost": "lost",
        "opportunity.reopened": "open",
        "activity.logged": "logged",
        "visit.planned": "planned",
        "visit.checked_in": "checked_in",
        "visit.checked_out": "checked_out",
        "visit.completed": "completed",
        "visit.reported": "reported",
        "quote.created": "created",
        "quote.revised": "revised",
        "quote.approved": "approved",
        "quote.rejected": "rejected",
        "quote.sent": "sent",
        "quote.accepted": "accepted",
        "quote.expired": "expired",
        "contract.drafted": "drafted",
        "contract.approved": "approved",
        "contract.signed": "signed",
        "contract.renewed": "signed",
        "contract.terminated": "terminated",
        "order.placed": "placed",
        "order.confirmed": "confirmed",
        "order.unapproved": "placed",
        "order.shipped": "shipped",
        "order.returned": "returned",
        "order.closed": "closed",
        "order.cancelled": "cancelled",
        "invoice.issued": "issued",
        "invoice.credited": "credited",
        "invoice.voided": "voided",
        "invoice.disputed": "disputed",
        "payment.received": "received",
        "payment.allocated": "allocated",
        "payment.reversed": "reversed",
        "payment.dishonoured": "dishonoured",
        "project.opened": "open",
        "project.closed": "closed",
        "approval.requested": "requested",
        "approval.delegated": "requested",
        "approval.approved": "approved",
        "approval.rejected": "rejected",
        "approval.returned": "returned",
        "approval.withdrawn": "withdrawn",
        "approval.cancelled": "cancelled",
    }
)
"""event type -> the status it sets."""

INITIAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "active",
        "lead": "open",
        "opportunity": "open",
        "activity": "logged",
        "visit": "planned",
        "quote": "created",
        "contract": "drafted",
        "order": "placed",
        "invoice": "issued",
        "payment": "received",
        "project": "open",
        "approval": "requested",
    }
)
"""kind -> its status when the first event known of it sets none; also the list of kinds that have a
status."""

CLOSED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "account": frozenset({"merged"}),
        "lead": frozenset({"disqualified", "converted"}),
        "opportunity": frozenset({"won", "lost"}),
        "visit": frozenset({"completed", "reported"}),
        "quote": frozenset({"rejected", "accepted", "expired"}),
        "contract": frozenset({"terminated"}),
        "order": frozenset({"closed", "cancelled"}),
        "invoice": frozenset({"voided"}),
        "payment": frozenset({"reversed", "dishonoured"}),
        "project": frozenset({"closed"}),
        "approval": frozenset({"approved", "rejected", "returned", "withdrawn", "cancelled"}),
    }
)
"""kind -> the statuses in which nothing more is awaited."""


def status_after(event_type: str, before: str | None) -> str | None:
    """The entity's status after an event of the type; None for kinds without status.

    >>> status_after("quote.sent", "approved"), status_after("contract.amended", "signed")
    ('sent', 'signed')
    """
    return STATUS.get(event_type) or before or INITIAL.get(event_type.rpartition(".")[0])
