"""Mixed events for benchmarks, fast: ready JSON bytes, no world behind them. The mix is the table MIX.

Each account has one opportunity: an account's first event is its account.updated, the second the
opportunity.created, then the mix. Accounts are drawn uniformly; one event a second of business time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

Data = dict[str, str | int | float]

_START = datetime(2026, 1, 5, tzinfo=UTC)
_PARENTS: Data = {"account": "A%(acc)d", "opportunity": "O%(acc)d"}
_MONEY: Data = {"amount": "%(thousands)d000", "currency": "CNY"}
_REP = "rep%(rep)d"
_VISIT: Data = {"visit": "W%(acc)d-%(small)d", "by": _REP, "account": "A%(acc)d"}

ACCOUNT: Data = {"account": "A%(acc)d", "name": "客户 %(acc)d", "tier": "%(tier)s", "owner": _REP}
OPPORTUNITY: Data = {**_PARENTS, **_MONEY, "owner": _REP, "name": "项目 %(acc)d", "stage": "opportunity"}

MIX: tuple[tuple[str, int, Data], ...] = (
    ("activity.logged", 40, {"activity": "V%(n)d", "kind": "call", "by": _REP, "outcome": "ok", **_PARENTS}),
    (
        "message.sent",
        15,
        {"message": "M%(n)d", "conversation": "c%(acc)d", "account": "A%(acc)d", "by": _REP},
    ),
    ("opportunity.stage_changed", 10, {**_PARENTS, "stage": "%(stage)s"}),
    ("opportunity.updated", 8, {**_PARENTS, **_MONEY}),
    ("visit.checked_out", 7, _VISIT),
    ("visit.reported", 7, {**_VISIT, "outcome": "ok"}),
    ("quote.created", 5, {"quote": "Q%(n)d", "version": 1, **_PARENTS, **_MONEY, "discount": 0.1}),
    (
        "contract.drafted",
        3,
        {"contract": "HT%(n)d", "version": 1, **_PARENTS, **_MONEY, "ends_on": "2026-12-31"},
    ),
    ("order.placed", 3, {"order": "SO%(n)d", "account": "A%(acc)d", **_MONEY}),
    ("payment.received", 2, {"payment": "P%(n)d", "account": "A%(acc)d", **_MONEY}),
)
"""(event type, share in per cent, data with slots)."""

STAGES = ("opportunity", "quote", "contract")
TIERS = "SABC"


def bench_events(n: int, accounts: int, seed: int = 7, *, known: bool = False) -> Iterator[bytes]:
    """`n` CloudEvents records as JSON bytes over `accounts` accounts, in order of time. known: the accounts
    and their opportunities exist already, so the mix begins at once.

    >>> next(bench_events(1, 10))[:29]
    b'{"specversion": "1.0", "id": '
    """
    draw = Random(f"{seed}/bench").random
    mixed = [_template(kind, data) for kind, share, data in MIX for _ in range(share)]
    opening = (_template("account.updated", ACCOUNT), _template("opportunity.created", OPPORTUNITY))
    seen = bytearray(b"\x02" * accounts) if known else bytearray(accounts)
    for number in range(n):
        account = int(draw() * accounts)
        if seen[account] < 2:
            template = opening[seen[account]]
            seen[account] += 1
        else:
            template = mixed[int(draw() * 100)]
        yield (template % _slots(number, account)).encode()


def _slots(number: int, account: int) -> dict[str, str | int]:
    return {
        "n": number,
        "acc": account,
        "rep": number % 97,
        "small": number % 3,
        "stage": STAGES[number % 3],
        "tier": TIERS[number % 4],
        "thousands": number % 900 + 1,
        "time": (_START + timedelta(seconds=number)).isoformat()[:19],
    }


def _template(event_type: str, data: Data) -> str:
    record = {
        "specversion": "1.0",
        "id": "b-%(n)d",
        "source": "bench",
        "type": event_type,
        "time": "%(time)sZ",
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(record, ensure_ascii=False)
