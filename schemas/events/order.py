"""Events of orders. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import (
    AccountId,
    ContractId,
    Count,
    Currency,
    Date,
    Id,
    Money,
    Number,
    OpportunityId,
    OrderId,
    QuoteId,
    Text,
)


class OrderLine(Item):
    """One product ordered: ``amount`` and ``cost`` are the line's totals."""

    product: Id | None = None
    quantity: Number | None = None
    price: Money | None = None
    amount: Money | None = None
    cost: Money | None = None


class MovedLine(Item):
    """One product that was shipped or came back."""

    product: Id | None = None
    quantity: Number | None = None
    amount: Money | None = None


class OrderFields(Data):
    """An order. ``lines`` are always all lines of the order; what one shipment or return moved is in
    ``moved``.

    ``ship_on`` is the day promised. ``shipment`` names one delivery. ``returned_amount`` is what one
    return is worth.
    """

    order: OrderId | None = None
    version: Count | None = None
    account: AccountId | None = None
    contract: ContractId | None = None
    opportunity: OpportunityId | None = None
    quote: QuoteId | None = None
    amount: Money | None = None
    amount_untaxed: Money | None = None
    currency: Currency | None = None
    ship_on: Date | None = None
    lines: list[OrderLine] | None = None
    shipment: Id | None = None
    moved: list[MovedLine] | None = None
    returned_amount: Money | None = None
    reason: Text | None = None


class OrderPlaced(OrderFields):
    """The customer ordered."""

    order: OrderId


class OrderChanged(OrderFields):
    """The order was changed; ``version`` counts up."""

    order: OrderId


class OrderConfirmed(OrderFields):
    """The order was checked and confirmed."""

    order: OrderId


class OrderUnapproved(OrderFields):
    """The confirmation was taken back; the order can be changed again."""

    order: OrderId


class OrderShipped(OrderFields):
    """Goods left, all of them or what ``moved`` lists."""

    order: OrderId


class OrderReturned(OrderFields):
    """Goods came back, worth ``returned_amount``; ``moved`` lists them."""

    order: OrderId


class OrderClosed(OrderFields):
    """Nothing more will be delivered."""

    order: OrderId


class OrderCancelled(OrderFields):
    """The order was called off, for ``reason``."""

    order: OrderId


class OrderCorrected(OrderFields, Corrected):
    """Corrects an earlier event of the order."""

    order: OrderId


class OrderDeleted(Deleted):
    """Takes back an event of the order, or the order."""

    order: OrderId
