"""A million armed waits: what they take on disk and in memory, and how long a workspace takes to reopen."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench.durable import CHUNK, Durable
from bench.measure import Report, Size, rss
from bench.workload import START, packs, rules_in, text_of
from schemas.envelope import Event
from schemas.time import DAY
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.stores.sqlite_db import Database

RULE = "stale-opportunity"
DEALS = 10
"""Opportunities of an account."""

_DUES = "SELECT count(*), sum(length(key) + length(name) + 8) FROM dues"


def run(size: Size) -> Report:
    """Arm them by the rule on silence, then reopen in a new process."""
    count = size.of(1_000_000, 50_000)
    report = Report(f"Waits: {count:,} opportunities under the rule {RULE}, one wait each")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        started = time.process_time()
        workspace = Durable(place, rules_in([(RULE, text_of(packs()[RULE]))]))
        for begin in range(0, count, CHUNK):
            workspace.take([_deal(number) for number in range(begin, min(begin + CHUNK, count))])
        report.add("waits armed", "waits", workspace.runtime.armed)
        report.add("events taken meanwhile", "events/s of CPU", count / (time.process_time() - started))
        total = workspace.size()
        _on_disk(report, place, total, count)
        _reopened(report, place, size)
    report.notes.append("reopening: a new process, files in the system's cache; imports are not counted")
    return report


def _deal(number: int) -> Entry:
    data = {"opportunity": f"O{number}", "account": f"A{number // DEALS}", "stage": "quote", "owner": "rep1"}
    return entry_of(Event(f"e{number}", "bench", "opportunity.created", START + number * 1000, data), START)


def _on_disk(report: Report, place: Path, total: int, count: int) -> None:
    database = Database(place, read_only=True)
    dues, due_bytes = database.rows(_DUES)[0]
    database.close()
    report.add("content of a wait: its entry in the index by due", "bytes", due_bytes / dues)
    report.add("the whole file: log, event rows, entity rows, waits", "bytes per opportunity", total / count)


def _reopened(report: Report, place: Path, size: Size) -> None:
    found: dict[str, list[float]] = {}
    for _ in range(size.rounds):
        command = [sys.executable, "-m", "bench.waits", str(place)]
        output = subprocess.run(command, check=True, capture_output=True).stdout
        for what, value in msgspec.json.decode(output, type=dict[str, float]).items():
            found.setdefault(what, []).append(value)
    report.add("reopen, ready to take events", "ms", *found["open"], digits=1)
    report.add("the earliest wait known", "ms after opening", *found["due"], digits=1)
    report.add("first alert committed, when waits are due", "ms after opening", *found["fired"], digits=1)
    report.add("memory for the reopened workspace", "MB", *found["memory"], digits=1)


def reopen(place: Path) -> dict[str, float]:
    """What a new process finds: times in ms, memory in MB."""
    before, started = rss(), time.perf_counter()
    workspace = Durable(place)
    opened = time.perf_counter()
    due = workspace.runtime.next_due() or START
    known = time.perf_counter()
    memory = rss() - before
    workspace.clock.advance(due - workspace.clock.now() + DAY // 86_400)
    workspace.runtime.confirm_clock()
    began = time.perf_counter()
    workspace.runtime.tick()
    workspace.runtime.process(max_ms=0)
    fired = time.perf_counter()
    workspace.close()
    return {
        "open": (opened - started) * 1e3,
        "due": (known - opened) * 1e3,
        "fired": (known - opened + fired - began) * 1e3,
        "memory": memory / 1e6,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(reopen(Path(sys.argv[1]))))
