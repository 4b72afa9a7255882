"""Events of approvals, from an OA system or from our own approval tasks. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import ApprovalId, Count, Currency, Id, Money, PersonId, Text, Word


class ApprovalOf(Item):
    """What is approved: an entity by ``kind`` and native ``id``."""

    kind: Word
    id: Id


class ApprovalFields(Data):
    """A request that somebody decides. The approval belongs to the account of what ``of`` names.

    ``by`` is who acted: the requester of ``approval.requested``, the decider afterwards. ``requester`` is
    kept when it is given. ``to`` are those who decide next. ``amount`` and ``version`` say which state of
    ``of`` was seen.
    """

    approval: ApprovalId | None = None
    of: ApprovalOf | None = None
    by: PersonId | None = None
    requester: PersonId | None = None
    to: list[PersonId] | None = None
    step: Count | None = None
    amount: Money | None = None
    currency: Currency | None = None
    version: Count | None = None
    comment: Text | None = None


class ApprovalRequested(ApprovalFields):
    """``by`` asked for approval of ``of``."""

    approval: ApprovalId
    of: ApprovalOf


class ApprovalApproved(ApprovalFields):
    """``by`` agreed."""

    approval: ApprovalId


class ApprovalRejected(ApprovalFields):
    """``by`` refused; ``comment`` says why."""

    approval: ApprovalId


class ApprovalReturned(ApprovalFields):
    """``by`` sent it back to be mended."""

    approval: ApprovalId


class ApprovalWithdrawn(ApprovalFields):
    """The requester took the request back."""

    approval: ApprovalId


class ApprovalDelegated(ApprovalFields):
    """``by`` handed the decision to ``to``; the request stays open."""

    approval: ApprovalId
    to: list[PersonId]


class ApprovalCancelled(ApprovalFields):
    """The request was ended by the system or an administrator."""

    approval: ApprovalId


class ApprovalCorrected(ApprovalFields, Corrected):
    """Corrects an earlier event of the approval."""

    approval: ApprovalId


class ApprovalDeleted(Deleted):
    """Takes back an event of the approval, or the approval."""

    approval: ApprovalId
