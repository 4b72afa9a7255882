"""Does the cost of an event grow with what is there? Entities in the workspace, deals of one account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from random import Random

from bench.durable import Durable, durable
from bench.kernel import Kernel
from bench.measure import Cost, Report, Size, side_by_side
from bench.population import fill
from bench.workload import START, STEP, deal_of, entries, opening_entries, rules, rules_in
from schemas.envelope import Event
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry

RULES = 100
FEW_DEALS, MANY_DEALS = 10, 10_000


def run(size: Size) -> Report:
    """Ratios of the cost of an event."""
    report = Report(f"Scale: cost of an event against what is there, {RULES} rules")
    _entities(report, size)
    _deals(report, size)
    return report


# -- entities in the workspace -----------------------------------------------------------------------------


def _entities(report: Report, size: Size) -> None:
    """Half of the entities are accounts, half their opportunities; events go to any of them."""
    few, many = 10_000, size.of(1_000_000, 100_000)
    count = size.of(10_000, 4_000)
    with ExitStack() as stack:
        runs: dict[str, Callable[[], Cost]] = {}
        for entities in (few, many):
            workspace = stack.enter_context(_populated(entities // 2))
            warm = count
            stream = entries(warm + count * size.rounds, entities // 2, known=True)
            workspace.take(stream[:warm])
            runs[f"{entities:,}"] = _parts(workspace, stream[warm:], count)
        costs = side_by_side(runs, size.rounds)
    for name, found in costs.items():
        report.rates(f"durable, {name} entities", count, found)
    report.ratio(
        f"cost of an event, {many:,} entities to {few:,}", *reversed(costs.values()), goal="at most 1.3 (1 M)"
    )


@contextmanager
def _populated(accounts: int) -> Iterator[Durable]:
    """A new workspace with so many accounts, each with an opportunity."""
    with durable(rules_in(rules(RULES))) as made:
        made.close()
        fill(made.place, accounts, RULES)
        workspace = Durable(made.place)
        yield workspace
        workspace.close()


def _parts(workspace: Durable, stream: list[Entry], count: int) -> Callable[[], Cost]:
    begins = iter(range(0, len(stream), count))

    def one() -> Cost:
        begin = next(begins)
        return workspace.run(stream[begin : begin + count])

    return one


# -- deals of one account ----------------------------------------------------------------------------------


def _deals(report: Report, size: Size) -> None:
    """One account with ten thousand deals against a thousand accounts with ten, in memory and durable."""
    count = size.of(10_000, 3_000)
    shapes = {FEW_DEALS: MANY_DEALS // FEW_DEALS, MANY_DEALS: 1}
    streams = {
        deals: [*_openings(accounts, deals), *_calls(accounts, deals, count * (size.rounds + 1))]
        for deals, accounts in shapes.items()
    }
    opened = {deals: accounts * (deals + 1) for deals, accounts in shapes.items()}
    kernels = {d: Kernel(RULES, streams[d], opened[d] + count) for d in shapes}
    in_memory = side_by_side({str(d): partial(kernels[d].run, count) for d in shapes}, size.rounds)
    with ExitStack() as stack:
        runs: dict[str, Callable[[], Cost]] = {}
        for deals in shapes:
            workspace = stack.enter_context(durable(rules_in(rules(RULES))))
            workspace.take(streams[deals][: opened[deals] + count])
            runs[str(deals)] = _parts(workspace, streams[deals][opened[deals] + count :], count)
        on_disk = side_by_side(runs, size.rounds)
    for where, costs in (("in memory", in_memory), ("durable", on_disk)):
        for deals in shapes:
            report.rates(f"{where}, accounts with {deals:,} deals", count, costs[str(deals)])
        report.ratio(
            f"{where}, cost of an event, account with {MANY_DEALS:,} deals to one with {FEW_DEALS}",
            costs[str(MANY_DEALS)],
            costs[str(FEW_DEALS)],
            goal="at most 1.2",
        )


def _openings(accounts: int, deals: int) -> Iterator[Entry]:
    return chain.from_iterable(opening_entries(number, deals) for number in range(accounts))


def _calls(accounts: int, deals: int, count: int) -> Iterator[Entry]:
    """Calls, changes of stage and amount, quotes; any deal of any account."""
    draw = Random(f"deals/{deals}")
    for number in range(count):
        account = draw.randrange(accounts)
        deal = deal_of(account, draw.randrange(deals))
        time, places = START + (number + 1) * STEP, {"opportunity": deal, "account": f"A{account}"}
        kind, more = _DEEDS[number % len(_DEEDS)]
        data = {**places, **{name: text.format(n=number, stage=number % 2) for name, text in more.items()}}
        yield entry_of(Event(f"x{number}", "bench", kind, time, data), time)


_CALL = ("activity.logged", {"activity": "V{n}", "kind": "call", "by": "rep1"})
_DEEDS: tuple[tuple[str, dict[str, str]], ...] = (
    _CALL,
    _CALL,
    ("opportunity.stage_changed", {"stage": "stage{stage}"}),
    _CALL,
    ("opportunity.updated", {"amount": "{n}"}),
    ("quote.created", {"quote": "Q{n}", "version": "1", "amount": "{n}"}),
)
