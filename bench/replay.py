"""How fast a history is worked off again: backtest, reading the log, rebuilding views; both matchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.durable import durable
from bench.kernel import Kernel
from bench.measure import Cost, Report, Size, side_by_side, timed
from bench.workload import ACCOUNTS, directory, entries, events, rules, rules_in
from rules.conditions.condition import Condition
from rules.matching.choose import matcher
from rules.matching.matcher import Matcher
from rules.matching.native import NativeMatcher
from schemas.time import DAY
from streams.backtest import Backtest, Plan, patient_collector
from streams.machines.account import index
from streams.runtimes.embedded.reader import WorkspaceReader
from streams.topology import SALES_EVENTS

_MATCHER = "matcher"
Matchers = Callable[[Sequence[Condition]], Matcher]


def run(size: Size) -> Report:
    """Rates of everything that goes over a history again."""
    report = Report("Replay: a history worked off again")
    count = size.of(40_000, 8_000)
    _backtests(report, size, count)
    _workspace(report, size, count)
    _matchers(report, size)
    return report


def _backtests(report: Report, size: Size, count: int) -> None:
    history = list(events(count))
    for number in (10, 100):
        plan = Plan(rules(number), {"zone": "Asia/Shanghai", "currency": "CNY"})
        costs = []
        for _ in range(size.rounds):
            backtest = Backtest(plan)
            for entry in directory()[1:]:
                backtest.entry(entry)

            def work(backtest: Backtest = backtest) -> None:
                for event in history:
                    backtest.event(event, event.time)
                backtest.finish(history[-1].time + 30 * DAY)

            with patient_collector():
                costs.append(timed(work))
        report.rates(f"backtest of {number} rules, a month beyond the end included", count, costs)


def _workspace(report: Report, size: Size, count: int) -> None:
    with durable(rules_in(rules(100))) as workspace:
        workspace.take(entries(count))
        runtime = workspace.runtime
        pages = [_read(workspace.place) for _ in range(size.rounds)]
        views = [timed(runtime.rebuild_views) for _ in range(size.rounds)]
        made = sum(
            len(runtime.poll_outputs(topic, limit=10_000_000)) for topic in ("alerts", "tasks", "approvals")
        )
    report.rates(f"reading the log {SALES_EVENTS}", count, pages, unit="records/s")
    report.rates("rebuilding the views from the log", made, views, unit="transitions/s")


def _read(place: Path) -> Cost:
    def all_of_it() -> None:
        with WorkspaceReader(place) as reader:
            for partition in range(4):
                for _ in reader.log.read(SALES_EVENTS, partition):
                    pass

    return timed(all_of_it)


def _matchers(report: Report, size: Size) -> None:
    """The same kernel with both matchers."""
    count, warm = size.of(12_000, 3_000), ACCOUNTS * 3
    stream = entries(warm + count * size.rounds)
    chosen: dict[str, Matchers] = {"durable-rules": matcher, "native": NativeMatcher}
    for number in (100, 1000):
        part = count if number == 100 else count // 4
        kernels: dict[str, Kernel] = {}
        for name, made in chosen.items():
            with _matching_by(made):
                kernels[name] = Kernel(number, stream, warm)
        runs = {name: partial(kernel.run, part) for name, kernel in kernels.items()}
        costs = side_by_side(runs, size.rounds)
        report.ratio(f"cost of an event with {number:,} rules, durable-rules to native", *costs.values())


@contextmanager
def _matching_by(made: Matchers) -> Iterator[None]:
    """Rules compiled in here are matched so."""
    setattr(index, _MATCHER, made)
    try:
        yield
    finally:
        setattr(index, _MATCHER, matcher)
