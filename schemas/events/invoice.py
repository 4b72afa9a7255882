"""Events of invoices and payments. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import (
    AccountId,
    ContractId,
    Count,
    Currency,
    Date,
    Id,
    InvoiceId,
    Money,
    OrderId,
    Text,
)


class InvoiceFields(Data):
    """An invoice. A red-letter invoice names in ``of`` the invoice it takes back and has a negative
    ``amount``.

    ``credited_amount`` is what ``invoice.credited`` took off, in all, as a positive number.
    """

    invoice: InvoiceId | None = None
    order: OrderId | None = None
    contract: ContractId | None = None
    account: AccountId | None = None
    of: InvoiceId | None = None
    amount: Money | None = None
    amount_untaxed: Money | None = None
    currency: Currency | None = None
    due_on: Date | None = None
    credited_amount: Money | None = None
    reason: Text | None = None


class InvoiceIssued(InvoiceFields):
    """The invoice was issued at the event's time, to be paid by ``due_on``."""

    invoice: InvoiceId


class InvoiceCredited(InvoiceFields):
    """The invoice was lowered by ``credited_amount`` in all (default: wholly)."""

    invoice: InvoiceId


class InvoiceVoided(InvoiceFields):
    """The invoice was made void."""

    invoice: InvoiceId


class InvoiceDisputed(InvoiceFields):
    """The customer does not agree with the invoice, for ``reason``."""

    invoice: InvoiceId


class InvoiceCorrected(InvoiceFields, Corrected):
    """Corrects an earlier event of the invoice."""

    invoice: InvoiceId


class InvoiceDeleted(Deleted):
    """Takes back an event of the invoice, or the invoice."""

    invoice: InvoiceId


class Allocation(Item):
    """Which part of a payment pays what: an ``invoice``, an ``order``, or the ``instalment`` no. of a
    ``contract``.

    Without ``contract`` the instalment is one of the payment's own contract.
    """

    invoice: InvoiceId | None = None
    order: OrderId | None = None
    contract: ContractId | None = None
    instalment: Count | None = None
    amount: Money


class PaymentFields(Data):
    """Money that came in. ``allocations`` are always all of the payment; none makes it a prepayment.

    ``matures_on`` is the day a bill or acceptance (``method``) becomes money.
    """

    payment: Id | None = None
    account: AccountId | None = None
    contract: ContractId | None = None
    method: Text | None = None
    matures_on: Date | None = None
    amount: Money | None = None
    currency: Currency | None = None
    allocations: list[Allocation] | None = None
    reason: Text | None = None


class PaymentReceived(PaymentFields):
    """``amount`` came in."""

    payment: Id
    amount: Money


class PaymentAllocated(PaymentFields):
    """The payment is now divided as ``allocations`` say; an empty list makes it a prepayment again."""

    payment: Id
    allocations: list[Allocation]


class PaymentReversed(PaymentFields):
    """The booking was taken back."""

    payment: Id


class PaymentDishonoured(PaymentFields):
    """A bill or cheque was not paid."""

    payment: Id


class PaymentCorrected(PaymentFields, Corrected):
    """Corrects an earlier event of the payment."""

    payment: Id


class PaymentDeleted(Deleted):
    """Takes back an event of the payment, or the payment."""

    payment: Id
