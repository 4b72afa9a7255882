"""Moves change nothing: rows, standing alerts and what fires later are those of a history without moves."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.runtimes.memory import MemoryRuntime
from tests.property.account_moves.cluster import UNDER_WAY
from tests.property.account_moves.histories import BEGIN, DAY, Move, Story, plans, run, settled, tell

OPEN = ("firing", "acknowledged", "snoozed")
Transition = dict[str, Any]


def told(runtime: MemoryRuntime, topic: str = "alerts") -> list[Transition]:
    return [a for a in runtime.take_outputs(topic) if not a["rule"].startswith("system-")]


def standing(transitions: list[Transition]) -> list[tuple[str, str, str, int]]:
    """(rule, kind, entity, due) of all alerts that stand at the end."""
    last = {a["alert"]: a for a in transitions}
    return sorted((a["rule"], a["entity"], a["key"], a["due"]) for a in last.values() if a["state"] in OPEN)


def later(transitions: list[Transition]) -> list[tuple[Any, ...]]:
    return sorted(
        (a["rule"], a["entity"], a["key"], a["state"], a["due"], a["at"], a["reason"]) for a in transitions
    )


def entity_rows(runtime: MemoryRuntime) -> dict[str, dict[str, Any]]:
    """What is known of each entity, without what tells where it has been; an entity in two places fails."""
    found: dict[str, dict[str, Any]] = {}
    for (machine, _), store in runtime.stores.items():
        key = store.next_key(None) if machine == "account" else None
        while key is not None:
            for name, row in store.scan(key, "e"):
                assert name not in found, f"{name} is in two places"
                found[name] = {**_comparable(row), "home": key}
            key = store.next_key(key)
    return found


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in row["d"].items() if name != "account"}
    kept = ("kind", "id", "c", "ca", "n", "op", "st", "s", "ss", "sh", "x", "p", "vt")
    sums = {name: count for name, count in row.get("k", {}).items() if count}
    return {**{n: row[n] for n in kept if n in row}, "d": data, "k": sums, "o": row["o"][:2]}


def left_over(runtime: MemoryRuntime) -> list[str]:
    """Rows of moves that should be gone when nothing is under way any more."""
    found: list[str] = []
    for (machine, _), store in runtime.stores.items():
        key = store.next_key(None) if machine == "account" else None
        while key is not None:
            rows = store.scan_key(key, None, 100_000)
            found.extend(f"{key} {bucket}" for bucket, _, _ in rows if bucket.partition("|")[0] in UNDER_WAY)
            key = store.next_key(key)
    return found


def of(rows: dict[str, Any], story: Story) -> dict[str, Any]:
    """Without accounts that ended or that nothing names in the end."""
    named = {story.survivor(e.data.get("account", "")) for e in settled(story).events}
    return {n: r for n, r in rows.items() if not n.startswith("account|") or n[8:] in named}


def check(plan: list[Move], partitions: int) -> None:
    story = tell(plan)
    quiet = settled(story)
    moved, still = run(story, partitions), run(quiet, partitions)
    assert [str(d.error) for _, d in moved.dead] == []
    assert left_over(moved) == []
    names = of(entity_rows(still), story)
    assert of(entity_rows(moved), story) == names
    end = BEGIN + story.events[-1].at
    moved.advance(end)
    still.advance(end)
    first, second = told(moved), told(still)
    ids = [(a["alert"], a["n"]) for a in first]
    assert len(set(ids)) == len(ids)
    here = {tuple(name.split("|", 1)) for name in names}
    assert [s for s in standing(first) if s[1:3] in here] == standing(second)
    moved.advance(end + 30 * DAY)
    still.advance(end + 30 * DAY)
    after = [a for a in told(moved) if (a["entity"], a["key"]) in here]
    assert later(after) == later(told(still))


@settings(max_examples=100)
@given(plans, st.integers(1, 5))
def test_moves_change_nothing(plan: list[Move], partitions: int) -> None:
    check(plan, partitions)
