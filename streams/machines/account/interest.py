"""What the rules in force care about in an event of one type about one kind of entity.

Worked out once for each pair and kept with the rulebook, so that an event which no rule cares about costs
nothing, and every other one meets only those that do.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.machines.account.group import Group
from streams.machines.account.rulebook import Active

MONEY = frozenset({"invoice", "payment", "order", "contract"})
"""Kinds that change what accounts owe and contracts have been paid."""


@dataclass(frozen=True, slots=True)
class Interest:
    """conditional, staged, followers, implied, joined, approving: of rules that watch or read the entity.

    instant, silent: watched kind -> rules that name the type. named: rules of other triggers that name it.
    customer: silences that it breaks when it names the customer alone. heard: kinds above that hear of it.
    reads_above: kinds above that rules on this entity read. leads: kinds by way of which they reach those.
    below: kinds above whose rules read what is below them. money: it may change what is owed.
    """

    conditional: Group | None
    staged: Group | None
    followers: tuple[Active, ...]
    implied: tuple[Active, ...]
    joined: tuple[Active, ...]
    approving: bool
    instant: dict[str, Group]
    silent: dict[str, tuple[Active, ...]]
    named: tuple[Active, ...]
    customer: tuple[Active, ...]
    heard: frozenset[str]
    reads_above: frozenset[str]
    leads: frozenset[str]
    below: dict[str, tuple[Active, ...]]
    money: bool
    fields: bool
    """Is it of interest which fields changed?"""
