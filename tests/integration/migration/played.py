"""Scenarios played half in one place, moved, and played on in another; and what came out of both, by key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.migration.copying import Copied, Copy
from streams.runtimes.migration.embedded import EmbeddedSource, EmbeddedTarget
from streams.runtimes.migration.ports import Source, Target
from streams.runtimes.pipeline import Entry
from streams.stores.log import Logged
from streams.topology import NOTIFICATIONS, RESULTS, SINKS
from tests.integration.cluster.scenarios import Outputs, Scenario, Step, in_memory, of_packs, said

Steps = Sequence[Step]


def instant(step: Step) -> int:
    """When it is played (us)."""
    return step if isinstance(step, int) else step.at


def busiest(count: int) -> list[Scenario]:
    """The scenarios of the shipped rules that say most."""
    spoken = {one.name: sum(map(len, in_memory(one, 1).values())) for one in of_packs()}
    return sorted(of_packs(), key=lambda one: (-spoken[one.name], one.name))[:count]


def thirds(scenario: Scenario) -> tuple[Steps, Steps, Steps]:
    """The scenario in three parts, each with something in it and at instants of its own."""
    steps = scenario.steps
    entries = [place for place, step in enumerate(steps) if not isinstance(step, int)]
    cuts = [place for place in entries[1:] if instant(steps[place]) > instant(steps[place - 1])]
    first, second = cuts[len(cuts) // 3], cuts[2 * len(cuts) // 3]
    return steps[:first], steps[first:second], steps[second:]


def begin(folder: Path, steps: Steps, partitions: int) -> None:
    """A workspace that has lived through the steps."""
    folder.mkdir()
    runtime = EmbeddedRuntime(folder, partitions=partitions, clock=ManualClock(instant(steps[-1])))
    try:
        for step in steps:
            if not isinstance(step, int):
                runtime.append_history([step])
        runtime.finish_history(instant(steps[-1]))
        work_off(runtime)
    finally:
        runtime.close()


def go_on(folder: Path, steps: Steps) -> None:
    """The workspace lives through further steps, in real time as it seems to it."""
    clock = ManualClock(0)
    runtime = EmbeddedRuntime(folder, partitions=7, clock=clock)
    clock.jump(runtime.at)
    try:
        for step in steps:
            due = runtime.next_due()
            while due is not None and due < instant(step):
                come_to(runtime, clock, due)
                due = runtime.next_due()
            if isinstance(step, Entry):
                clock.advance(step.at - clock.now())
                runtime.append([step])
                work_off(runtime)
            else:
                come_to(runtime, clock, step)
    finally:
        runtime.close()


def come_to(runtime: EmbeddedRuntime, clock: ManualClock, at: int) -> None:
    """Time passes to `at` us."""
    clock.advance(max(0, at - clock.now()))
    runtime.tick()
    work_off(runtime)


def work_off(runtime: EmbeddedRuntime) -> None:
    """To the log's end."""
    while not runtime.process().idle:
        pass


def outputs(folder: Path) -> Outputs:
    """All that the workspace's log holds of what came out, by topic and key."""
    found: Outputs = {}
    runtime = EmbeddedRuntime(folder, clock=ManualClock(0))
    try:
        for topic in SINKS:
            for logged in runtime.poll_outputs(topic, limit=100_000):
                found.setdefault((topic, logged.key), []).append(said(logged.value))
    finally:
        runtime.close()
    return without_results(found)


async def all_messages(source: EmbeddedSource) -> AsyncIterator[Logged]:
    """Every notification of a workspace."""
    for record in source.log.read(NOTIFICATIONS):
        yield record


async def moved(source: Source, target: Target, messages: AsyncIterator[Logged]) -> Copied:
    """The whole move."""
    copy = Copy(source, target, messages, lambda done, total: None)
    copied = await copy.run()
    await copy.hand_over()
    return copied


async def move_embedded(old: Path, new: Path, partitions: int) -> Copied:
    """A workspace into another folder and other partitions."""
    with EmbeddedSource(old) as source, EmbeddedTarget(new, partitions) as target:
        return await moved(source, target, all_messages(source))


def without_results(found: Outputs) -> Outputs:
    """All but what became of commands, which is kept for a day only and not moved."""
    return {place: values for place, values in found.items() if place[0] != RESULTS}
