"""What storage costs: rows, log and commits of the embedded runtime. Prints rates and ratios.

    python -m bench.store [rows|pipeline|waits|keys|deals]...      (all without arguments)

Every figure is of one core, with the commits (WAL, synchronous=FULL) inside.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from streams.kernel.contract import Context, Record, Step, Sweep, Wait
from streams.runtimes.collector import spare_old_objects
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from streams.stores.log import Line, Log
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database
from streams.topology import SALES_EVENTS, MachineSpec

START = 1_700_000_000_000_000
DAY = 86_400_000_000
BATCH = 500
CPU = bool(os.environ.get("STAGEWATCH_BENCH_CPU"))
"""Count processor time instead of the clock's, on a machine that has other work."""

DATA = {"name": "华东制造", "amount": "350000.00", "currency": "CNY", "stage": "proposal", "owner": "crm:u17"}


class Bench:
    """A store and a log in a directory of their own."""

    def __init__(self, directory: Path, cache_rows: int = 200_000) -> None:
        self.directory = directory
        self.database = Database(directory)
        self.pool = Pool(cache_rows)
        self.store = SqliteStore(self.database, 1, self.pool)
        self.log = Log(self.database)

    def commit(self) -> None:
        """As the runtime does after a batch."""
        self.store.flush()
        self.database.commit()
        self.pool.trim()

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def event(store: SqliteStore, key: str, number: int, deal: int = 0) -> Line:
    """What an event does: 4 reads that miss or hit, 6 rows written, a wait moved; its line for the log."""
    ident, at = f"e{number}", START + number * 1000
    bucket = f"d{deal}"
    store.key_due(key)
    store.get(key, "seen", ident)
    row = store.get(key, "deal", bucket)
    total = store.get(key, "account", "total")
    for _ in store.scan(key, f"e{bucket}"):
        pass
    count = 1 if row is None else row["count"] + 1
    rows: dict[tuple[str, str, str], Any] = {
        (key, "seen", ident): 1,
        (key, f"e{bucket}", f"{count % 8}"): {"id": ident, "at": at, "data": DATA},
        (key, "deal", bucket): {"kind": "opportunity", "count": count, "at": at, "data": DATA},
        (key, "stage", f"{bucket}/{count % 4}"): {"stage": "proposal", "since": at},
        (key, "account", "total"): [count, at if total is None else total[1]],
        (key, "rule", f"r/{bucket}"): {"episode": count, "at": at},
    }
    store.apply(Step(rows=rows, waits={(key, f"silent/{bucket}"): at + 7 * DAY}), at)
    return (
        key,
        "event",
        {"id": ident, "type": "opportunity.updated", "time": at, "data": DATA},
        at,
        0,
        number,
    )


def drive(bench: Bench, count: int, key_of: Callable[[int], str], first: int = 0) -> float:
    """Seconds per event over `count` events."""
    started = time.process_time() if CPU else time.perf_counter()
    for begin in range(first, first + count, BATCH):
        lines = [event(bench.store, key_of(n), n) for n in range(begin, min(begin + BATCH, first + count))]
        bench.log.append(SALES_EVENTS, 0, lines)
        bench.commit()
    return ((time.process_time() if CPU else time.perf_counter()) - started) / count


def say(what: str, value: str) -> None:
    """Print one figure."""
    print(f"{what:<62} {value:>16}")


def key(number: int) -> str:
    """An account's key."""
    return f"account:A{number:07d}"


def bench_rows(directory: Path) -> None:
    """The event mix of `event` on few, warm keys and on new ones."""
    bench = Bench(directory)
    draw = random.Random(1)
    drive(bench, 5_000, lambda n: key(draw.randrange(1_000)))
    warm = drive(bench, 40_000, lambda n: key(draw.randrange(1_000)), 5_000)
    new = drive(bench, 40_000, lambda n: key(1_000_000 + n), 45_000)
    bench.close()
    say("store and log, 4 reads, 6 rows, 1 wait; 1,000 warm keys", f"{warm * 1e6:.1f} us/event")
    say("the same, every event a new key", f"{new * 1e6:.1f} us/event")


def bench_keys(directory: Path, few: int = 10_000, many: int = 1_000_000) -> None:
    """Cost per event, keys drawn at random, with few and with many keys in the store."""
    cost = {}
    for keys in (few, many):
        place = directory / str(keys)
        place.mkdir()
        bench = Bench(place)
        drive(bench, keys, partial(_spread, keys))
        draw = random.Random(2)
        drive(bench, 10_000, partial(_drawn, draw, keys), keys)
        cost[keys] = drive(bench, 40_000, partial(_drawn, draw, keys), keys + 10_000)
        say(f"store and log, random key of {keys:,}", f"{cost[keys] * 1e6:.1f} us/event")
        bench.close()
    say(f"ratio, {many:,} to {few:,} keys", f"{cost[many] / cost[few]:.2f}")


def _spread(keys: int, number: int) -> str:
    return key(number * 7919 % keys)


def _drawn(draw: random.Random, keys: int, number: int) -> str:
    return key(draw.randrange(keys))


def bench_deals(directory: Path) -> None:
    """Cost per event of one account with 10,000 deals against a thousand accounts with ten."""
    bench = Bench(directory)
    cost = {}
    for accounts in (1, 1000):
        draw = random.Random(3)
        for begin in range(0, 60_000, BATCH):
            if begin == 30_000:
                bench.close()
                bench = Bench(directory)
            if begin == 40_000:
                started = time.perf_counter()
            for number in range(begin, begin + BATCH):
                deal = number % 10_000 if begin < 30_000 else draw.randrange(10_000)
                account = f"account:{accounts}/{deal % accounts}"
                event(bench.store, account, accounts * 100_000 + number, deal)
            bench.commit()
        cost[accounts] = (time.perf_counter() - started) / 20_000
        what = f"store, {accounts:,} account(s) with {10_000 // accounts:,} deals each"
        say(what, f"{cost[accounts] * 1e6:.1f} us/event")
    bench.close()
    say("ratio, one with 10,000 deals to a thousand with ten", f"{cost[1] / cost[1000]:.2f}")


def bench_waits(directory: Path, count: int = 1_000_000) -> None:
    """A million armed waits: their size in the file, time and memory to open again, and to fire."""
    bench = Bench(directory)
    before = 0
    started = time.perf_counter()
    for begin in range(0, count, 10_000):
        waits = {
            (key(n // 4), f"silent/d{n % 4}"): START + n * 7919 % count for n in range(begin, begin + 10_000)
        }
        bench.store.apply(Step(waits=dict(waits)), START)
        bench.commit()
    armed = time.perf_counter() - started
    bench.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    size = bench.database.path.stat().st_size - before
    bench.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    bench = Bench(directory)
    first = bench.store.next_due()
    opened = time.perf_counter() - started
    fired = 20_000
    started = time.perf_counter()
    for _ in range(fired):
        first = bench.store.next_due()
        if first is not None:
            bench.store.pop_wait(*first)
    bench.commit()
    popped = (time.perf_counter() - started) / fired
    bench.close()
    say(f"arm {count:,} waits", f"{armed / count * 1e6:.1f} us each")
    say("bytes in the file per armed wait", f"{size / count:.0f}")
    say(f"open again with {count:,} waits and ask for the first", f"{opened * 1e3:.1f} ms")
    say("fire the earliest, one after the other", f"{popped * 1e6:.1f} us each")
    say("greatest memory of the process so far", f"{memory / 1024:.0f} MB")


class Through:
    """Passes events on; the counter behind it keeps what `event` keeps."""

    name = "through"

    def on_event(self, ctx: Context, record: Record) -> Step:
        ctx.emit(SALES_EVENTS, record.key, "event", record.value)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


class Keeper(Through):
    """Six rows and a moved wait per event."""

    name = "keeper"

    def on_event(self, ctx: Context, record: Record) -> Step:
        number, at = record.n, ctx.at
        row = ctx.get("deal", "d0")
        count = 1 if row is None else row["count"] + 1
        ctx.get("seen", record.value["id"])
        ctx.put("seen", record.value["id"], 1)
        ctx.put("ed0", f"{number % 8}", record.value)
        ctx.put("deal", "d0", {"kind": "opportunity", "count": count, "at": at, "data": DATA})
        ctx.put("stage", f"d0/{count % 4}", {"stage": "proposal", "since": at})
        ctx.put("account", "total", [count, at])
        ctx.put("rule", "r/d0", {"episode": count, "at": at})
        ctx.wait("silent/d0", at + 7 * DAY)
        return ctx.step


def bench_pipeline(directory: Path, count: int = 60_000) -> None:
    """The durable pipeline with trivial machines: append, kernel, rows, log."""
    specs = (
        MachineSpec("through", lambda _: Through(), ("crm.activity",)),
        MachineSpec("keeper", lambda _: Keeper(), (SALES_EVENTS,), "through"),
    )
    runtime = EmbeddedRuntime(directory, clock=ManualClock(START), options=Options(machines=specs))
    draw = random.Random(4)
    entries = [
        Entry(
            "crm.activity",
            key(draw.randrange(2_000)),
            "event",
            {"id": f"e{n}", "time": START, "data": DATA},
            0,
        )
        for n in range(count)
    ]
    started = time.perf_counter()
    for begin in range(0, count, BATCH):
        runtime.append(entries[begin : begin + BATCH])
    appended = time.perf_counter()
    runtime.process()
    ended = time.perf_counter()
    runtime.close()
    say("append to the raw log, 500 at a time", f"{(appended - started) / count * 1e6:.1f} us/event")
    say("process with two trivial machines", f"{(ended - appended) / count * 1e6:.1f} us/event")
    say("durable pipeline, both together", f"{count / (ended - started):,.0f} events/s")


BENCHES: dict[str, Callable[[Path], None]] = {
    "rows": bench_rows,
    "pipeline": bench_pipeline,
    "deals": bench_deals,
    "waits": bench_waits,
    "keys": bench_keys,
}


def main(names: list[str]) -> None:
    """Run the named benches, or all."""
    spare_old_objects()
    for name in names or list(BENCHES):
        with tempfile.TemporaryDirectory() as directory:
            BENCHES[name](Path(directory))


if __name__ == "__main__":
    main(sys.argv[1:])
