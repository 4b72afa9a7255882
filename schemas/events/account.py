"""Events of accounts (customers) and their contacts. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import AccountId, ContactId, Currency, Id, Money, PersonId, Text


class AccountFields(Data):
    """A customer.

    ``tier`` A/B/C or the like; ``size`` a class such as SMB; ``pool`` the public sea it lies in, null
    while it has an owner; ``parent`` the group's account above it; ``credit_limit`` in ``currency``;
    ``reason`` of the last release.
    """

    account: AccountId | None = None
    name: Text | None = None
    tier: Text | None = None
    industry: Text | None = None
    region: Text | None = None
    size: Text | None = None
    channel: Text | None = None
    pool: Text | None = None
    parent: AccountId | None = None
    credit_limit: Money | None = None
    currency: Currency | None = None
    reason: Text | None = None


class AccountUpdated(AccountFields):
    """The account was created or changed; all fields are as in ``AccountFields``."""

    account: AccountId


class AccountAssigned(AccountFields):
    """The account was given to ``owner`` by somebody else."""

    account: AccountId
    owner: PersonId


class AccountReleased(AccountFields):
    """The account went back to the public sea ``pool``, by hand or for want of follow-up (``reason``)."""

    account: AccountId


class AccountClaimed(AccountFields):
    """``owner`` took the account out of the public sea."""

    account: AccountId
    owner: PersonId


class AccountMerged(AccountFields):
    """``account`` ends and lives on as ``into``, the survivor."""

    account: AccountId
    into: AccountId


class AccountCorrected(AccountFields, Corrected):
    """Corrects an earlier event of the account."""

    account: AccountId


class AccountDeleted(Deleted):
    """Takes back an event of the account, or the account."""

    account: AccountId


class ContactFields(Data):
    """A person at the customer.

    ``im`` maps a platform (wecom, dingtalk, feishu, ...) to the contact's external id there.
    """

    contact: ContactId | None = None
    account: AccountId | None = None
    name: Text | None = None
    title: Text | None = None
    phone: Text | None = None
    mail: Text | None = None
    im: dict[str, Id] | None = None


class ContactUpdated(ContactFields):
    """The contact was created or changed."""

    contact: ContactId


class ContactCorrected(ContactFields, Corrected):
    """Corrects an earlier event of the contact."""

    contact: ContactId


class ContactDeleted(Deleted):
    """Takes back an event of the contact, or the contact."""

    contact: ContactId
