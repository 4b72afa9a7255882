"""How many partitions there are changes neither an alert, nor a task, nor a mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.time import DAY
from streams.runtimes.memory import MemoryRuntime
from streams.runtimes.pipeline import Entry
from tests.integration.faults.office import life, opening

TOPICS = ("alerts", "tasks", "approvals", "notifications")
Outputs = dict[tuple[str, str], dict[str, Any]]
"""(topic, id) -> what was said."""


def outputs(entries: Sequence[Entry], partitions: int) -> Outputs:
    """Everything that comes out, up to a month after the last event."""
    runtime = MemoryRuntime(partitions)
    runtime.put_all(entries)
    runtime.advance(entries[-1].at + 30 * DAY)
    assert runtime.dead == []
    return {(topic, value["id"]): value for topic in TOPICS for value in runtime.take_outputs(topic)}


@pytest.mark.parametrize("seed", [3, 4])
def test_the_number_of_partitions_does_not_matter(seed: int) -> None:
    entries = [*opening(), *life(2_500, seed)]
    one = outputs(entries, 1)
    assert len(one) > 500
    for partitions in (2, 5):
        other = outputs(entries, partitions)
        assert {name: other.get(name) for name in one} == one
        assert other.keys() == one.keys()
