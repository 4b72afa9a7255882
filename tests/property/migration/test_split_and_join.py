"""Splitting and joining partitions changes nothing of what comes out afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.runtimes.memory import MemoryRuntime
from streams.runtimes.pipeline import Entry
from streams.topology import NOTIFICATIONS, SINKS
from tests.property.account.histories import Item, histories
from tests.property.account.test_same_output import one_by_one
from tests.property.account_moves.histories import DAY, ZONE, Move, entries, plans, tell
from tests.property.migration.repartitioned import moved

Outputs = dict[tuple[str, str], list[str]]
Cut = tuple[int, int]
"""(entries before it, partitions after it)"""

cuts = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), min_size=1, max_size=3)


def hear(runtime: MemoryRuntime, found: Outputs) -> MemoryRuntime:
    """Note what comes out, by topic and key."""
    runtime.on_output = lambda out: found.setdefault((out.emit.topic, out.emit.key), []).append(
        json.dumps(out.emit.value)
    )
    return runtime


def play(given_entries: Sequence[Entry], partitions: int, moves: Sequence[Cut] = ()) -> Outputs:
    """What comes out by topic and key; before some entries all rows move to another number of partitions.

    What one person is told by several customers in one instant is not in any order between partitions.
    """
    found: Outputs = {}
    runtime = hear(MemoryRuntime(partitions, ZONE), found)
    for place, entry in enumerate(given_entries):
        for where, count in moves:
            if where == place:
                runtime = hear(moved(runtime, count), found)
        runtime.put(entry)
    runtime.advance(given_entries[-1].at + 30 * DAY)
    assert [str(dead.error) for _, dead in runtime.dead] == []
    for (topic, _), values in found.items():
        if topic == NOTIFICATIONS:
            values.sort()
    return {where: values for where, values in found.items() if where[0] in SINKS}


@settings(max_examples=15)
@given(histories(messy=True), st.integers(1, 4), cuts)
def test_histories_with_late_events_and_corrections(
    items: list[Item], partitions: int, moves: list[Cut]
) -> None:
    given_entries = one_by_one(items)
    assert play(given_entries, partitions, moves) == play(given_entries, 1)


@settings(max_examples=12)
@given(plans, st.integers(1, 4), cuts)
def test_histories_with_merges_conversions_and_parked_events(
    plan: list[Move], partitions: int, moves: list[Cut]
) -> None:
    given_entries = entries(tell(plan))
    assert play(given_entries, partitions, moves) == play(given_entries, partitions)
