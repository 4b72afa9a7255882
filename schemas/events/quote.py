"""Events of quotes. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import AccountId, Count, Currency, Date, Id, Money, Number, OpportunityId, QuoteId, Text


class QuoteLine(Item):
    """One product offered: ``amount`` is the line's total, ``discount`` and ``margin`` are shares (0.15 =
    15 %)."""

    product: Id | None = None
    quantity: Number | None = None
    price: Money | None = None
    amount: Money | None = None
    cost: Money | None = None
    discount: Number | None = None
    margin: Number | None = None


class QuoteFields(Data):
    """An offer. ``discount`` and ``margin`` are shares (0.15 = 15 %); ``lines`` are always all lines."""

    quote: QuoteId | None = None
    version: Count | None = None
    opportunity: OpportunityId | None = None
    account: AccountId | None = None
    name: Text | None = None
    amount: Money | None = None
    amount_untaxed: Money | None = None
    currency: Currency | None = None
    discount: Number | None = None
    margin: Number | None = None
    valid_until: Date | None = None
    lines: list[QuoteLine] | None = None
    reason: Text | None = None


class QuoteCreated(QuoteFields):
    """The quote was drawn up."""

    quote: QuoteId


class QuoteRevised(QuoteFields):
    """The quote was changed; ``version`` counts up."""

    quote: QuoteId


class QuoteApproved(QuoteFields):
    """The quote may be sent."""

    quote: QuoteId


class QuoteRejected(QuoteFields):
    """The quote was refused, inside or by the customer, for ``reason``."""

    quote: QuoteId


class QuoteSent(QuoteFields):
    """The quote went to the customer."""

    quote: QuoteId


class QuoteAccepted(QuoteFields):
    """The customer accepted."""

    quote: QuoteId


class QuoteExpired(QuoteFields):
    """The quote ran out."""

    quote: QuoteId


class QuoteCorrected(QuoteFields, Corrected):
    """Corrects an earlier event of the quote."""

    quote: QuoteId


class QuoteDeleted(Deleted):
    """Takes back an event of the quote, or the quote."""

    quote: QuoteId
