"""The embedded runtime, durable, all machines and views: from append to committed outputs, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count

from bench.answers import answered
from bench.durable import CHUNK, Durable, durable
from bench.measure import Cost, Report, Size, side_by_side
from bench.workload import ACCOUNTS, entries, rules, rules_in
from streams.runtimes.pipeline import Entry

SETUPS = {"no rules": (0, 4), "100 rules": (100, 4), "100 rules, 1 partition": (100, 1)}
"""What is run -> (number of rules, partitions)."""


class Feed:
    """Hands a stream to a workspace in equal parts."""

    def __init__(self, workspace: Durable, stream: Sequence[Entry], part: int) -> None:
        self._workspace, self._stream, self._part = workspace, stream, part
        self._number = count()

    def __call__(self) -> Cost:
        begin = ACCOUNTS * 4 + next(self._number) * self._part
        return self._workspace.run(self._stream[begin : begin + self._part])


def run(size: Size) -> Report:
    """Rates with and without rules, and what durability costs."""
    report = Report(
        "Embedded: SQLite with FULL sync, all machines and views, from append to committed outputs"
    )
    part = size.of(20_000, 5_000)
    events = entries(ACCOUNTS * 4 + part * size.rounds)
    streams = {0: events, 100: answered(events, rules(100))}
    with ExitStack() as stack:
        feeds: dict[str, Feed] = {}
        for name, (number, partitions) in SETUPS.items():
            found = stack.enter_context(durable(rules_in(rules(number)), partitions=partitions))
            found.take(streams[number][: ACCOUNTS * 4])
            feeds[name] = Feed(found, streams[number], part)
        costs = side_by_side(feeds, size.rounds)
        for name in SETUPS:
            goal = "at least 10,000, wished 20,000" if name == "100 rules" else ""
            report.rates(name, part, costs[name], goal=goal)
        report.ratio("cost of an event, 100 rules to none", costs["100 rules"], costs["no rules"])
        report.ratio(
            "cost of an event, 4 partitions to 1", costs["100 rules"], costs["100 rules, 1 partition"]
        )
    report.notes.append(
        f"{CHUNK} events to an append, which is a transaction of its own; then they are worked off"
    )
    return report
