"""Scenarios as scripts that any driver can play: entries with their logical times, and instants to come to.

Recorded from the scenario suites that exist (cases of other engines, tests beside rules).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rules.testing import load_suite
from streams.rule_tests import runner
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import MemoryRuntime
from streams.runtimes.pipeline import Entry
from streams.topology import SINKS
from tests.parity.translate import run, translate

HOME = Path(__file__).parents[3]
CASES = HOME / "tests" / "parity" / "cases.json"
PACKS = HOME / "rules" / "packs"
LINKS = HOME / "tests" / "parity" / "links"

Step = Entry | int
"""An entry to put, or an instant (us) to come to."""

Outputs = dict[tuple[str, str], list[str]]
"""(topic, key) -> values in their order, as JSON."""


@dataclass(frozen=True)
class Scenario:
    """A named script."""

    name: str
    steps: tuple[Step, ...]


@contextmanager
def recorded(steps: list[Step]) -> Iterator[None]:
    """Note all that any memory runtime is given."""
    put, advance = MemoryRuntime.put, MemoryRuntime.advance

    def note_put(runtime: MemoryRuntime, entry: Entry) -> None:
        steps.append(entry)
        put(runtime, entry)

    def note_advance(runtime: MemoryRuntime, at: int) -> None:
        steps.append(at)
        advance(runtime, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryRuntime, "put", note_put)
        patch.setattr(MemoryRuntime, "advance", note_advance)
        yield


def of_cases() -> list[Scenario]:
    """The cases of other engines' suites that can be said in our rules."""
    found = []
    for case in json.loads(CASES.read_text("utf-8"))["cases"]:
        said = translate(case)
        if said is not None:
            found.append(_record(case["id"], partial(run, case, said)))
    return found


def of_packs(folder: Path = PACKS) -> list[Scenario]:
    """The tests beside the rules of a folder: those that are shipped, or `LINKS`."""
    run_job = runner(lambda name: (folder / name).read_text("utf-8"))
    found = []
    for path in sorted(folder.glob("*.test.yaml")):
        for case in load_suite(path.read_text("utf-8"), path.name).cases:
            name = f"{path.name.partition('.')[0]}: {case.name}"
            found.append(_record(name, partial(run_job, case.job)))
    return found


def _record(name: str, play: Callable[[], object]) -> Scenario:
    steps: list[Step] = []
    with recorded(steps):
        play()
    return Scenario(name, tuple(steps))


def in_memory(scenario: Scenario, partitions: int) -> Outputs:
    """What the memory driver makes of it."""
    runtime = MemoryRuntime(partitions)
    found: Outputs = {}
    runtime.on_output = lambda out: found.setdefault((out.emit.topic, out.emit.key), []).append(
        said(out.emit.value)
    )
    for step in scenario.steps:
        if isinstance(step, int):
            runtime.advance(step)
        else:
            runtime.put(step)
    return {place: values for place, values in found.items() if place[0] in SINKS}


def in_embedded(scenario: Scenario, folder: Path, partitions: int) -> Outputs:
    """What the embedded driver makes of it: the entries as history, then time to its end."""
    last = max(step if isinstance(step, int) else step.at for step in scenario.steps)
    runtime = EmbeddedRuntime(folder, partitions=partitions, clock=ManualClock(last))
    try:
        for step in scenario.steps:
            if not isinstance(step, int):
                runtime.append_history([step])
        runtime.finish_history(last)
        while not runtime.process().idle:
            pass
        found: Outputs = {}
        for topic in SINKS:
            for logged in runtime.poll_outputs(topic, limit=10_000):
                found.setdefault((topic, logged.key), []).append(said(logged.value))
    finally:
        runtime.close()
    return found


def said(value: Any) -> str:
    """A value as the bytes that are compared."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
