"""What must not matter: how many partitions, how often watermarks come, repeats; and a replay is exact."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.kernel.contract import EVENT
from streams.runtimes.memory import MemoryRuntime
from streams.runtimes.pipeline import Entry
from tests.property.account.histories import (
    BEGIN,
    END,
    TICK,
    Item,
    entries,
    expected,
    histories,
    left,
    told,
)
from tests.property.account.pictures import ZONE

SINKS = ("alerts", "tasks", "approvals", "notifications", "results")


def of_another_customer(entry: Entry) -> Entry:
    """The same thing happening at another customer, with ids of its own."""
    if entry.kind != EVENT:
        return entry
    value = dict(entry.value)
    kind = value["type"].partition(".")[0]
    data = {
        k: f"{v}b" if k in (kind, "account", "opportunity", "event") else v for k, v in value["data"].items()
    }
    return replace(
        entry, key=f"{entry.key}b", value={**value, "id": f"{value['id']}b", "data": data}, at=entry.at + 500
    )


def one_by_one(items: Sequence[Item]) -> list[Entry]:
    """Two customers' entries, no two of them at the same instant."""
    given = entries(items, apart=1)
    both = [*given, *(of_another_customer(e) for e in given if e.kind == EVENT)]
    return sorted(both, key=lambda e: e.at)


def run(given: Sequence[Entry], partitions: int = 1, watermarks: Sequence[int] = ()) -> MemoryRuntime:
    runtime = MemoryRuntime(partitions, ZONE)
    left = sorted(watermarks)
    for entry in given:
        while left and left[0] <= entry.at:
            runtime.advance(left.pop(0))
        runtime.put(entry)
    runtime.advance(END)
    assert [str(dead.error) for _, dead in runtime.dead] == []
    return runtime


def outputs(runtime: MemoryRuntime) -> dict[str, list[str]]:
    """Topic and key -> all that came out, in its order, as JSON."""
    found: dict[str, list[str]] = {}
    for topic in SINKS:
        for value in runtime.take_outputs(topic):
            found.setdefault(f"{topic} {_key(topic, value)}", []).append(json.dumps(value))
    return found


def _key(topic: str, value: dict[str, Any]) -> str:
    return str(value["alert"] if topic == "notifications" else value["home"])


watermarks = st.lists(st.integers(-4, 80 * 7).map(lambda n: BEGIN + n * TICK // 7), max_size=12)


@examples(max_examples=40)
@given(histories(messy=True), st.sampled_from([2, 5]), watermarks)
def test_neither_partitions_nor_watermarks_matter(
    items: list[Item], partitions: int, marks: list[int]
) -> None:
    given_entries = one_by_one(items)
    plain = outputs(run(given_entries))
    assert outputs(run(given_entries, 1, marks)) == plain
    assert outputs(run(given_entries, partitions, marks)) == plain


@examples(max_examples=40)
@given(histories(messy=True), st.data())
def test_repeats_change_nothing(items: list[Item], data: st.DataObject) -> None:
    given_entries = one_by_one(items)
    events = [e for e in given_entries if e.kind == EVENT]
    chosen = data.draw(st.lists(st.sampled_from(range(len(events))), max_size=6))
    delay = data.draw(st.lists(st.integers(0, 20), min_size=len(chosen), max_size=len(chosen)))
    again = [replace(events[n], at=events[n].at + late * TICK) for n, late in zip(chosen, delay, strict=True)]
    mixed = sorted([*given_entries, *again], key=lambda e: e.at)
    assert outputs(run(mixed)) == outputs(run(given_entries))


@examples(max_examples=20)
@given(histories(messy=True), st.integers(1, 3))
def test_a_replay_is_exact_to_the_byte(items: list[Item], partitions: int) -> None:
    first, second = (outputs(run(entries(items), partitions)) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def with_ids_of_its_table(entry: Entry, number: int) -> Entry:
    """The same event as a source names it that counts the rows of each of its tables by itself."""
    if entry.kind != EVENT:
        return entry
    kind, _, end = entry.value["type"].partition(".")
    value = dict(entry.value)
    if kind == "activity" and end == "logged":
        value["id"] = f"row-{int(value['id'][1:]) % number}"
    elif kind == "activity":
        target = int(value["data"]["event"][1:])
        value["data"] = {**value["data"], "event": f"row-{target % number}"}
    return replace(entry, value=value)


@examples(max_examples=60)
@given(histories(messy=True), st.integers(1, 3))
def test_an_id_that_stands_for_events_of_several_entities_mixes_nothing_up(
    items: list[Item], number: int
) -> None:
    given_entries = entries(items, apart=1)
    shared = run([with_ids_of_its_table(entry, number) for entry in given_entries])
    assert left(told(shared)) == expected(items, apart=1)
