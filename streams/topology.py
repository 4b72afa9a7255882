"""The topology: machines, the topics they read, who feeds whom. One declaration that every driver reads.

Adding a machine is one line in `MACHINES`. It must not create stores or do I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.kernel.contract import Machine
from streams.kernel.repartition import Sharing
from streams.machines.account import sharing as account_sharing
from streams.machines.account.machine import AccountMachine
from streams.machines.identity import sharing as identity_sharing
from streams.machines.identity.machine import IdentityMachine
from streams.machines.inbox import sharing as inbox_sharing
from streams.machines.inbox.machine import InboxMachine

INTAKE = ("crm.activity", "erp.orders", "im.messages", "oa.approvals", "commands")
"""Topics that sources and people write to; all are read by identity, keyed by native id."""

RESOLVE, SALES_EVENTS, NOTICES = "identity.resolve", "sales.events", "notices"
ALERTS, TASKS, APPROVALS, NOTIFICATIONS = "alerts", "tasks", "approvals", "notifications"
RESULTS = "results"
SINKS = (ALERTS, TASKS, APPROVALS, NOTIFICATIONS, RESULTS)
"""Topics that no machine reads: views and delivery do."""


SAME = Sharing()


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """One machine: `make` takes the number of partitions; `inputs` are its topics; `fed_by` names the
    machine whose partitions make up its clock. The last input of a machine that stamps time is the topic by
    which its partitions speak to each other. sharing: which of its shared rows differ between partitions.
    """

    name: str
    make: Callable[[int], Machine]
    inputs: tuple[str, ...]
    fed_by: str | None = None
    sharing: Sharing = SAME


MACHINES: tuple[MachineSpec, ...] = (
    MachineSpec("identity", IdentityMachine, (*INTAKE, RESOLVE), sharing=identity_sharing.SHARING),
    MachineSpec(
        "account", lambda _: AccountMachine(), (SALES_EVENTS,), "identity", sharing=account_sharing.SHARING
    ),
    MachineSpec("inbox", lambda _: InboxMachine(), (NOTICES,), "account", sharing=inbox_sharing.SHARING),
)
"""In the order in which records flow; a machine without `fed_by` stamps the logical time."""
