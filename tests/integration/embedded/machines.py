"""Small machines that use all of the kernel, and a seeded stream of events, for the tests of runtimes.

front (stamps) -> sales.events -> counter (waits, alerts, sweeps) -> notices -> bell (waits) -> notifications
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from schemas.errors import StreamError
from streams.kernel.contract import SHARED, Context, Record, Step, Sweep, Wait
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS, NOTICES, NOTIFICATIONS, SALES_EVENTS, MachineSpec

HOUR = 3_600_000_000
START = 1_700_000_000_000_000


class Front:
    """Forwards events to their account; sends shared changes everywhere; refuses what has no account."""

    name = "front"

    def on_event(self, ctx: Context, record: Record) -> Step:
        if record.kind == "shared":
            ctx.emit(SALES_EVENTS, SHARED, "shared", record.value, everywhere=True)
            return ctx.step
        if "account" not in record.value:
            raise StreamError("SW-STREAM-024", place=record.key, expected="an account")
        if ctx.get("seen", record.value["id"]) is None:
            ctx.put("seen", record.value["id"], 1)
            ctx.emit(SALES_EVENTS, f"account:{record.value['account']}", "event", record.value)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


class Counter:
    """Sums amounts per account and deal; each deal has a wait that moves; a silent deal fires an alert."""

    name = "counter"

    def on_event(self, ctx: Context, record: Record) -> Step:
        value = record.value
        if record.kind == "shared" and value.get("what") == "gap":
            return ctx.step
        if record.kind == "shared":
            ctx.put_shared("rule", value["rule"], value)
            ctx.sweep(value["rule"])
            return ctx.step
        deal = f"deal{value['deal']}"
        row = ctx.get("deal", deal) or {"sum": 0, "count": 0, "last": 0}
        total = ctx.get("account", "total") or [0, 0]
        ctx.put(
            "deal", deal, {"sum": row["sum"] + value["amount"], "count": row["count"] + 1, "last": ctx.at}
        )
        ctx.put("account", "total", [total[0] + value["amount"], total[1] + 1])
        ctx.put(f"e{deal}", value["id"], {"amount": value["amount"], "at": ctx.at, "n": record.n})
        after = [rule["after"] for _, rule in ctx.scan_shared("rule")]
        ctx.wait(deal, ctx.at + value["wait"] * min(after, default=HOUR))
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        alerts = (ctx.get("alerts", wait.name) or 0) + 1
        ctx.put("alerts", wait.name, alerts)
        sums = [row["sum"] for _, row in ctx.scan("deal")]
        transition = {
            "alert": f"{ctx.key}/{wait.name}", "id": f"{ctx.key}/{wait.name}/{alerts}", "n": alerts,
            "rule": "silent", "account": ctx.key, "entity": "deal", "key": wait.name, "state": "firing",
            "severity": "warning", "due": wait.due, "receivers": ["person:1"], "data": {"sums": sums},
        }  # fmt: skip
        ctx.emit(ALERTS, ctx.key, "transition", transition)
        ctx.emit(NOTICES, f"person:{len(ctx.key) % 3}", "notice", {"of": transition["id"]})
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        swept: list[Any] = ctx.get("account", "swept") or []
        ctx.put("account", "swept", [*swept, sweep.what])
        return ctx.step


class Bell:
    """Gathers notices for an hour, then tells how many there were."""

    name = "bell"

    def on_event(self, ctx: Context, record: Record) -> Step:
        waiting: list[str] = ctx.get("bell", "waiting") or []
        ctx.put("bell", "waiting", [*waiting, record.value["of"]])
        if not waiting:
            ctx.wait("ring", ctx.at + HOUR)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        waiting: list[str] = ctx.get("bell", "waiting") or []
        ctx.put("bell", "waiting", [])
        ctx.emit(NOTIFICATIONS, ctx.key, "notification", {"to": ctx.key, "of": waiting})
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


MACHINES = (
    MachineSpec("front", lambda _: Front(), ("crm.activity",)),
    MachineSpec("counter", lambda _: Counter(), (SALES_EVENTS,), fed_by="front"),
    MachineSpec("bell", lambda _: Bell(), (NOTICES,), fed_by="counter"),
)


def events(count: int, *, seed: int = 1, accounts: int = 300, start: int = START) -> Iterator[Entry]:
    """A seeded stream: repeats, refused records, rule changes, quiet nights. `at` rises."""
    draw = random.Random(seed)
    at = start
    for number in range(count):
        at += draw.choice([0, 1_000, 50_000_000, 50_000_000, 3_000_000_000 if number % 50 == 0 else 7])
        if number % 1000 == 500:
            yield Entry("crm.activity", SHARED, "shared", {"rule": f"r{number}", "after": HOUR}, at)
            continue
        ident = number - draw.choice([0] * 30 + [1, 5])
        value = {"id": f"e{ident}", "deal": draw.randrange(4), "amount": draw.randrange(1000)}
        value["wait"] = draw.randrange(1, 40)
        if draw.random() < 0.99:
            value["account"] = draw.randrange(accounts)
        yield Entry("crm.activity", f"deal:{ident % 997}", "event", value, at)
