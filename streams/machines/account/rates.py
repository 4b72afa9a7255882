"""Amounts in a currency without a rate: an alert of the system to the administrators, one for each currency
of a customer, until the rate is known.

The condition itself counts as matched; that is decided where amounts are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rules import lifecycle
from rules.reasons import Reason
from streams.machines.account.actions import system_alert
from streams.machines.account.entities import Row
from streams.machines.account.turn import Turn
from streams.machines.account.world import World

RULE: Final = "system-missing-rate"


def tell_missing(turn: Turn, *, quiet: bool = False) -> None:
    """Raise what this step found to be missing, unless it stands already. quiet: it is about the past."""
    row = _subject(turn.world) if turn.world.unrated else None
    if row is None:
        return
    raised = [a for _, a in turn.alerts.of_entity(row["kind"], row["id"]) if a["rule"] == RULE]
    for currency in sorted(turn.world.unrated):
        same = [alert for alert in raised if alert["r"] == currency]
        if not any(alert["st"] in lifecycle.OPEN for alert in same):
            base = turn.world.settings.get("currency", "CNY")
            detail = f"{currency} → {base} ({row['kind']} {row['id']})"
            system_alert(
                turn.world, row, RULE, currency, Reason.MISSING_RATE, detail, count=len(same), quiet=quiet
            )


def rate_came(turn: Turn, what: Mapping[str, Any]) -> None:
    """A sweep has judged everything anew: what it no longer found to be missing is resolved."""
    row = _subject(turn.world) if what.get("why") == "rate" else None
    if row is None:
        return
    kind, native = row["kind"], row["id"]
    for name, alert in turn.alerts.of_entity(kind, native):
        currency = alert["r"]
        stands = alert["rule"] == RULE and alert["st"] in lifecycle.OPEN and currency == what["name"]
        known = (
            currency not in turn.world.unrated and turn.world.rate(currency, turn.world.ctx.at) is not None
        )
        if stands and known:
            turn.alerts.finish(kind, native, name, Reason.CONDITION_ENDED, "system")


def _subject(world: World) -> Row | None:
    """The customer; without one, the entity that the key is of."""
    kind, _, native = world.key.partition(":")
    return world.row(kind, world.account_id or native)
