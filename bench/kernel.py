"""The kernel on one core: all machines over the memory driver, not durable, with 0 to 1,000 rules."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench.answers import HOUR, LONGEST, answered
from bench.measure import Cost, Report, Size, side_by_side, timed
from bench.workload import ACCOUNTS, STEP, directory, entries, rules, rules_in
from schemas.time import SECOND
from streams.kernel.contract import Context, Machine, Record, Step, Sweep, Wait
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.memory import MemoryStore
from streams.topology import ALERTS, MACHINES, NOTIFICATIONS, MachineSpec

COUNTS = (0, 10, 100, 1000)


class Timed:
    """A machine whose handlers are timed: `spent` in ns."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.name = machine.name
        self.spent = 0

    def on_event(self, ctx: Context, record: Record) -> Step:
        """As the machine."""
        started = time.perf_counter_ns()
        step = self._machine.on_event(ctx, record)
        self.spent += time.perf_counter_ns() - started
        return step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        """As the machine."""
        started = time.perf_counter_ns()
        step = self._machine.on_wait(ctx, wait)
        self.spent += time.perf_counter_ns() - started
        return step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        """As the machine."""
        return self._machine.on_sweep(ctx, sweep)


class Kernel:
    """A pipeline in memory with rules in force; its first `warm` entries are worked off unmeasured."""

    def __init__(
        self, count: int, stream: Sequence[Entry], warm: int, specs: Sequence[MachineSpec] = MACHINES
    ) -> None:
        self.pipeline = Pipeline(lambda machine, number: MemoryStore(), 1, specs)
        self.outputs: Counter[str] = Counter()
        self.taken = warm
        self._stream = stream
        for entry in [*directory(), *rules_in(rules(count))]:
            self.take(entry)
        self.pipeline.finish_sweeps()
        for entry in stream[:warm]:
            self.take(entry)
        self.outputs.clear()

    def take(self, entry: Entry) -> None:
        """Work off one entry; outputs are counted and dropped."""
        while not self.pipeline.take(entry):
            pass
        for out in self.pipeline.outs:
            if out.emit.topic != ALERTS or out.emit.value["state"] == "firing":
                self.outputs[out.emit.topic] += 1
        self.pipeline.outs.clear()

    def run(self, count: int) -> Cost:
        """What the next `count` entries take."""
        begin, self.taken = self.taken, self.taken + count
        batch = self._stream[begin : self.taken]

        def all_of_them() -> None:
            for entry in batch:
                self.take(entry)

        cost = timed(all_of_them)
        if self.pipeline.dead:
            raise RuntimeError(f"refused: {self.pipeline.dead[0]}")
        return cost


def run(size: Size) -> Report:
    """Events per second of CPU by number of rules, what more rules cost, and where the time goes."""
    report = Report("Kernel: all machines over the memory driver, one core")
    warm, count = size.of(ACCOUNTS * 4, ACCOUNTS * 2), size.of(24_000, 6_000)
    events = entries(warm + count * (size.rounds + 1))
    counts = {number: count if number < 1000 else count // 4 for number in COUNTS}
    streams = {n: answered(events[: warm + counts[n] * (size.rounds + 1)], rules(n)) for n in COUNTS}
    kernels = {number: Kernel(number, streams[number], warm) for number in COUNTS}
    unanswered = Kernel(100, events, warm)
    runs = {str(n): partial(kernel.run, counts[n]) for n, kernel in kernels.items()}
    runs["unanswered"] = partial(unanswered.run, count)
    costs = side_by_side(runs, size.rounds)
    for number in COUNTS:
        goal = "at least 15,000, wished 30,000" if number == 100 else ""
        report.rates(f"{number:,} rules", counts[number], costs[str(number)], goal=goal)
    for number in COUNTS[1:]:
        per_event = [Cost(c.cpu * count / counts[number], c.wall) for c in costs[str(number)]]
        report.ratio(f"cost of an event, {number:,} rules to none", per_event, costs["0"])
    report.rates("100 rules, nobody ever answers", count, costs["unanswered"])
    _outputs(report, kernels[100], count * size.rounds)
    _shares(report, streams[100], warm, count)
    report.notes.append(
        "100 rules: the packs by region, tier, stage and threshold; 1,000: those for each of ten teams"
    )
    report.notes.append(
        f"people answer nine alerts in ten within {LONGEST // HOUR} h; answers count as events"
    )
    report.notes.append(
        f"{ACCOUNTS:,} accounts, an event each {STEP // SECOND} s of business time, waits fire in between"
    )
    return report


def _outputs(report: Report, kernel: Kernel, events: int) -> None:
    for topic in (ALERTS, NOTIFICATIONS):
        made = kernel.outputs[topic] / events * 1000
        report.add(f"new {topic} with 100 rules", "per 1,000 events", made, digits=1)


def _shares(report: Report, stream: Sequence[Entry], warm: int, count: int) -> None:
    """Share of each machine in the time of a run with 100 rules; what is left is the driver and the store."""
    machines: list[Timed] = []

    def timed_machine(spec: MachineSpec, partitions: int) -> Machine:
        machines.append(Timed(spec.make(partitions)))
        return machines[-1]

    specs = [replace(spec, make=partial(timed_machine, spec)) for spec in MACHINES]
    kernel = Kernel(100, stream, warm, specs)
    for machine in machines:
        machine.spent = 0
    cost = kernel.run(count)
    for machine in machines:
        report.add(f"share of {machine.name}", "%", machine.spent / cost.wall / 1e7)
    rest = 1 - sum(machine.spent for machine in machines) / cost.wall / 1e9
    report.add("share of driver and store", "%", rest * 100)
