"""Events of projects, costs and targets. No logic here."""

from __future__ import annotations

from typing import Annotated, Literal

from schemas.events.base import Corrected, Data, Deleted, Item
from schemas.types import (
    AccountId,
    ContractId,
    Currency,
    Date,
    FieldType,
    Id,
    Mark,
    Money,
    OpportunityId,
    Period,
    PersonId,
    ProjectId,
    TeamId,
    Text,
)


class ProjectFields(Data):
    """The work that a contract brings. ``milestone`` is the one that is next or was reached, ``due_on``
    its day."""

    project: ProjectId | None = None
    account: AccountId | None = None
    contract: ContractId | None = None
    opportunity: OpportunityId | None = None
    name: Text | None = None
    milestone: Text | None = None
    due_on: Date | None = None
    reason: Text | None = None


class ProjectOpened(ProjectFields):
    """Work began."""

    project: ProjectId


class ProjectMilestoneReached(ProjectFields):
    """``milestone`` was reached."""

    project: ProjectId
    milestone: Text


class ProjectClosed(ProjectFields):
    """Work ended."""

    project: ProjectId


class ProjectCorrected(ProjectFields, Corrected):
    """Corrects an earlier event of the project."""

    project: ProjectId


class ProjectDeleted(Deleted):
    """Takes back an event of the project, or the project."""

    project: ProjectId


Category = Annotated[Literal["marketing", "sales", "other"], Mark(FieldType.TEXT)]


class CostFields(Data):
    """Money spent, for ratios such as cost per lead. ``period`` is 2026, 2026-03, 2026-Q1 or 2026-W09."""

    cost: Id | None = None
    category: Category | None = None
    amount: Money | None = None
    currency: Currency | None = None
    period: Period | None = None
    channel: Text | None = None
    campaign: Text | None = None
    team: TeamId | None = None
    person: PersonId | None = None


class CostRecorded(CostFields):
    """``amount`` was spent in ``period`` (default: the event's month). Without ``cost`` the event's id
    names it."""

    category: Category
    amount: Money


class CostCorrected(CostFields, Corrected):
    """Corrects the event of a cost."""


class CostDeleted(Deleted):
    """Takes back a cost."""

    cost: Id | None = None


class TargetScope(Item):
    """Whose target it is; nobody named: the whole organisation's."""

    person: PersonId | None = None
    team: TeamId | None = None
    region: Text | None = None
    product: Id | None = None


class TargetFields(Data):
    """What is to be reached. ``amount`` is money in ``currency``, or a plain number for measures that are
    counts."""

    target: Id | None = None
    measure: Text | None = None
    amount: Money | None = None
    currency: Currency | None = None
    period: Period | None = None
    of: TargetScope | None = None


class TargetSet(TargetFields):
    """The target was set or changed. Without ``target`` the event's id names it."""

    measure: Text
    amount: Money
    period: Period


class TargetCorrected(TargetFields, Corrected):
    """Corrects the event of a target."""


class TargetDeleted(Deleted):
    """Takes back a target."""

    target: Id | None = None
