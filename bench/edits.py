"""A thousand changes of live rules: is memory flat, what does one change cost, what do events cost after?"""

from __future__ import annotations

import gc
import sqlite3
from functools import partial
from typing import Any

from bench.durable import Durable, durable
from bench.measure import Report, Size, quantile, rss, timed
from bench.workload import entries, rules, rules_in
from streams.runtimes.embedded.session import Options
from streams.runtimes.memory import rule_entry

ACCOUNTS = 100
KNOWN = ACCOUNTS * 20
EDITED = 20
EVENTS_BETWEEN = 5
WINDOWS = 10

FEW_ROWS = 5_000
"""Rows in the cache, which is full before the first edit: what events add is not to be seen."""

PAGES_KIB = 2_048
"""SQLite's own cache, for the same reason: at its usual size it would fill up throughout."""


class SmallCache(sqlite3.Connection):
    """A connection with few pages in memory."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """As usual, but for the size of the cache."""
        if sql.startswith("PRAGMA cache_size"):
            sql = f"PRAGMA cache_size = -{PAGES_KIB}"
        return super().execute(sql, *values)


def run(size: Size) -> Report:
    """Memory after each tenth of the edits, the time of an edit with all it entails, the rate of events."""
    edits, part = size.of(1_000, 400), size.of(4_000, 1_000)
    report = Report(f"Edits: {edits:,} changes of {EDITED} of 100 live rules, {ACCOUNTS} accounts")
    texts = rules(100)
    stream = entries(KNOWN + 2 * part + edits * EVENTS_BETWEEN, ACCOUNTS)
    with durable(rules_in(texts), options=Options(cache_rows=FEW_ROWS, connection=SmallCache)) as workspace:
        workspace.take(stream[:KNOWN])
        before = workspace.run(stream[KNOWN : KNOWN + part])
        begin = KNOWN + part
        seconds: list[float] = []
        sizes = [_size()]
        for number in range(edits):
            name, text = texts[number % EDITED * 5]
            changed = f"{text}# change {number}\n"
            seconds.append(timed(partial(_edit, workspace, name, changed)).cpu)
            workspace.take(stream[begin : begin + EVENTS_BETWEEN])
            begin += EVENTS_BETWEEN
            if (number + 1) % (edits // WINDOWS) == 0:
                sizes.append(_size())
        after = workspace.run(stream[begin : begin + part])
        dead = workspace.runtime.inspect(lambda pipeline: len(pipeline.dead))
    if dead:
        raise RuntimeError(f"{dead} records were refused")
    report.add("an edit, swept and in force: median", "ms of CPU", quantile(seconds, 0.5) * 1e3, digits=1)
    report.add("an edit: the slowest", "ms of CPU", max(seconds) * 1e3, digits=1)
    for number, found in enumerate(sizes):
        report.add(f"memory after {number * edits // WINDOWS:,} edits", "MB", found, digits=1)
    growth = (sizes[-1] - sizes[WINDOWS // 2]) / (edits / 2) * 1000
    report.add("growth in the second half", "kB per edit", growth, goal="flat", digits=1)
    report.rates("events before the edits", part, [before])
    report.ratio("cost of an event after the edits to before", [after], [before])
    report.notes.append(
        f"{FEW_ROWS:,} rows and 2 MB of pages in the caches, so that events do not add to the memory"
    )
    report.notes.append("a changed rule keeps up to ten former versions, which finish what they began")
    return report


def _size() -> float:
    """Memory in MB, without garbage."""
    gc.collect()
    return rss() / 1e6


def _edit(workspace: Durable, name: str, text: str) -> None:
    workspace.runtime.append([rule_entry(name, text, workspace.clock.now())])
    workspace.settle()
