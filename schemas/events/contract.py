"""Events of contracts. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import (
    AccountId,
    ContractId,
    Count,
    Currency,
    Date,
    Money,
    OpportunityId,
    QuoteId,
    Text,
)


class Instalment(Item):
    """One part of the price: ``no`` counts from 1, ``name`` says what it is (deposit, on delivery)."""

    no: Count
    due_on: Date | None = None
    amount: Money | None = None
    name: Text | None = None


class ContractFields(Data):
    """A contract. ``instalments`` are always all instalments; ``renews`` is the contract that this one
    follows."""

    contract: ContractId | None = None
    version: Count | None = None
    account: AccountId | None = None
    opportunity: OpportunityId | None = None
    quote: QuoteId | None = None
    name: Text | None = None
    amount: Money | None = None
    amount_untaxed: Money | None = None
    currency: Currency | None = None
    signed_on: Date | None = None
    starts_on: Date | None = None
    ends_on: Date | None = None
    renews: ContractId | None = None
    instalments: list[Instalment] | None = None
    reason: Text | None = None


class ContractDrafted(ContractFields):
    """The contract was drafted."""

    contract: ContractId


class ContractUpdated(ContractFields):
    """The draft, or a field outside the agreed text, was changed."""

    contract: ContractId


class ContractApproved(ContractFields):
    """The contract may be signed."""

    contract: ContractId


class ContractSigned(ContractFields):
    """Both sides signed, on ``signed_on`` (default: the event's time)."""

    contract: ContractId


class ContractAmended(ContractFields):
    """A signed contract was changed; ``version`` counts up."""

    contract: ContractId


class ContractRenewed(ContractFields):
    """The contract runs on, to ``ends_on``."""

    contract: ContractId


class ContractTerminated(ContractFields):
    """The contract ended before its time, for ``reason``."""

    contract: ContractId


class ContractCorrected(ContractFields, Corrected):
    """Corrects an earlier event of the contract."""

    contract: ContractId


class ContractDeleted(Deleted):
    """Takes back an event of the contract, or the contract."""

    contract: ContractId
