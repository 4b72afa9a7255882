"""The events of a soak, without end: deals are called, answered, quoted, contracted; accounts merge.

The n-th event is a function of n and its instant, so that no run needs to remember what it sent. It must not
do I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.time import format_instant

RULES = """\
rule: no-reply
title: No reply
watch: opportunity
when:
  missing_after:
    after: {type: activity.logged, where: {field: kind, op: eq, value: call}}
    expect: {type: activity.logged, where: {field: kind, op: eq, value: reply}}
    within: 4s
then: [{notify: {to: [owner]}}]
---
rule: large-contract
title: Large contract
watch: contract
when: {holds: {}}
where: {field: amount, op: gt, value: 500000}
then:
  - approval: {of: amount, chain: [{any: ["user:wang"]}], via: [email], timeout: 48h, on_timeout: remind}
---
rule: silent-deal
title: Silence
watch: opportunity
when: {silent: {of: activity.logged, for: 5s}}
where: {field: amount, op: gt, value: 900000}
then: [{task: {to: "user:li", title: "Call", due: 1d}}]
---
rule: quote-out
title: A quote went out
watch: quote
when: {event: quote.sent}
where: {field: amount, op: gt, value: 0}
then: [{task: {to: "user:chen", title: "Look at the quote", due: 1d}}]
"""
"""Absence, a condition that holds, silence, a plain event; mails, an approval, tasks."""

OWNERS = 16
PEOPLE = "people:\n" + "".join(
    f"  - {{person: {name}, name: {name}, mail: {name}@example.com}}\n"
    for name in ("wang", "chen", *(f"li{number}" for number in range(OWNERS)))
)

SECONDS_AFTER = (0, 1, 2, 3, 3, 4, 5, 6, 7, 13)
"""When each of a deal's ten events comes, in seconds of the deal's life."""

DEALS_OF_ACCOUNT = 10
PROBE = "Q"
"""Begins the names of quotes that raise a task at once; they end with the instant when they were made."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Events for a soak of `rate` events a second. run: begins all names."""

    rate: float
    run: str = "s"

    def event(self, n: int, now: int) -> dict[str, Any] | None:
        """The n-th CloudEvents record, of the instant `now` (us); None: nothing is due at that turn."""
        steps = len(SECONDS_AFTER)
        step = n % steps
        deal = n // steps - int(SECONDS_AFTER[step] * self.rate / steps)
        if deal < 0:
            return None
        type_, data = self._step(deal, step, now)
        return {
            "specversion": "1.0", "id": f"{self.run}{n}", "source": "crm", "type": type_, "data": data,
            "time": format_instant(now),
        }  # fmt: skip

    def _step(self, deal: int, step: int, now: int) -> tuple[str, dict[str, Any]]:
        run = self.run
        name, its = f"{run}d{deal}", {"account": f"{run}a{deal // DEALS_OF_ACCOUNT}"}
        match step:
            case 0:
                amount = 950_000 if deal % 50 == 7 else 1000 + deal % 777
                return "opportunity.created", {
                    "opportunity": name,
                    **its,
                    "owner": f"li{deal % OWNERS}",
                    "amount": amount,
                }
            case 1 | 6:
                return "activity.logged", {"opportunity": name, "kind": "call"}
            case 2:
                return "activity.logged", {"opportunity": name, "kind": "reply"}
            case 3:
                if deal % 400 == 5:
                    into = f"{run}a{deal // DEALS_OF_ACCOUNT + 1}"
                    return "account.merged", {**its, "into": into}
                return "opportunity.stage_changed", {"opportunity": name, "stage": "quote"}
            case 4:
                watched = deal % 5 == 3
                quote = f"{PROBE}{run}{deal}-{now}" if watched else f"{run}q{deal}"
                return "quote.sent", {"quote": quote, "opportunity": name, "amount": 7 if watched else 0}
            case 5:
                amount = 600_000 if deal % 100 == 1 else 400_000
                return "contract.drafted", {
                    "contract": f"{run}c{deal}",
                    "opportunity": name,
                    "amount": amount,
                }
            case 7:
                return "activity.logged", {
                    "opportunity": name,
                    "kind": "note" if self._late(deal) else "reply",
                }
            case 8:
                return "order.placed", {"order": f"{run}o{deal}", **its, "amount": 300}
            case _:
                return "activity.logged", {"opportunity": name, "kind": "reply" if deal % 40 == 9 else "note"}

    @staticmethod
    def _late(deal: int) -> bool:
        """Whether the second call of a deal gets no reply in time."""
        return deal % 20 == 9
