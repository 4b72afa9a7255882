"""Merged accounts, converted leads, deals that change their customer: nothing lost, nothing doubled, final rows right.

The yardstick is the history in which everything named the survivor from the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.kernel.contract import EVENT
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry
from streams.runtimes.pipeline import Entry
from tests.property.account import oracle
from tests.property.account.histories import (
    BEGIN,
    DAY,
    LAST_TICK,
    RULES,
    TICK,
    ZONE,
    Item,
    entries,
    facts,
    histories,
    read,
    rows,
    run,
)

OWN = [name for name in RULES if name not in ("silent-all", "both")]
"""Rules that read nothing of the customer itself."""
OPEN = ("firing", "acknowledged", "snoozed")
moments = st.integers(1, LAST_TICK + 4)


def event(at: int, type_: str, event_id: str, **data: Any) -> Entry:
    """An event that arrives when it happens."""
    record = {"specversion": "1.0", "id": event_id, "source": "m", "type": type_, "time": format_instant(at), "data": data}
    return entry_of(decode_event(record, zone=ZONE), at)


HOME = {"D1": "A1", "D2": "A2", "D3": "A1"}


def homed(items: Sequence[Item], *, moving: bool) -> list[Item]:
    """The history for deals of two customers: no events of a customer itself.

    moving: corrections may move an activity to another deal.
    """
    found = []
    for n, item in enumerate(items):
        if item.type.startswith("account."):
            data = {"kind": "email", "by": "li", "opportunity": "D1"}
            item = replace(item, type="activity.logged", native=f"a{n}", data=data, of=None, day=False)
        if item.of is not None and items[item.of].type.startswith("account."):
            item = replace(item, type=f"activity.{item.type.partition('.')[2]}", native=f"a{item.of}", data={})
        if item.of is not None and not moving:
            item = replace(item, data={k: v for k, v in item.data.items() if k != "opportunity"})
        found.append(item)
    return found


def named(given_entries: Iterable[Entry], since: int, after: Sequence[str]) -> list[Entry]:
    """The entries with the customer that each names; from `since` (us) on any name of it will do."""
    found = []
    for n, entry in enumerate(given_entries):
        if entry.kind == EVENT:
            data = {k: v for k, v in entry.value["data"].items() if k != "account"}
            deal = data.get("opportunity")
            if deal is not None:
                data["account"] = HOME[deal] if entry.at < since else after[n % len(after)]
            entry = replace(entry, value={**entry.value, "data": data})
        found.append(entry)
    return found


def left(runtime: MemoryRuntime) -> Counter[tuple[Any, ...]]:
    """(rule, deal, due, stands) of what was not withdrawn; no alert is told of twice in one state."""
    outputs = [a for a in runtime.take_outputs("alerts") if not a["rule"].startswith("system-")]
    assert len({(a["alert"], a["n"]) for a in outputs}) == len(outputs), "a transition came out twice"
    last = {one["alert"]: one for one in outputs}
    kept = [one for one in last.values() if one["state"] != "withdrawn"]
    return Counter((o["rule"], o["key"], o["due"], o["state"] in OPEN) for o in kept)


def deals(runtime: MemoryRuntime) -> dict[tuple[str, str], Any]:
    """The rows of deals and activities in the oracle's form, each of which must be at one key only."""
    found: dict[tuple[str, str], Any] = {}
    for (_, name), row in rows(runtime, "e").items():
        kind, _, native = name.partition("|")
        if kind in ("opportunity", "activity"):
            assert (kind, native) not in found, "at two keys"
            fields = {k: v for k, v in row["d"].items() if k not in (kind, "account")}
            stages = [tuple(s) for s in row.get("sh", ())]
            found[kind, native] = {"fields": fields, "stages": stages, "gone": bool(row.get("x")), "first": row["c"]}
    return found


def inserted(given_entries: Sequence[Entry], more: Sequence[Entry]) -> list[Entry]:
    return sorted([*given_entries, *more], key=lambda e: e.at)


@examples(max_examples=60)
@given(
    histories(messy=True), moments, st.lists(st.sampled_from(["A1", "A2"]), min_size=1, max_size=8),
    st.sampled_from([1, 2, 5]),
)  # fmt: skip
def test_a_merge_at_any_moment(items: list[Item], tick: int, after: list[str], partitions: int) -> None:
    history, at = homed(items, moving=False), BEGIN + tick * TICK + 999_999
    merged = event(at, "account.merged", "merge", account="A1", into="A2")
    runtime = run(inserted(named(entries(history, OWN, 1), at, after), [merged]), partitions=partitions)
    check(runtime, history)
    assert {key for key, name in rows(runtime, "e") if name.startswith("opportunity|")} == {"account:A2"}


def check(runtime: MemoryRuntime, history: Sequence[Item]) -> None:
    """Rows and alerts are those of the history, wherever it was kept."""
    assert deals(runtime) == {k: v for k, v in oracle.drawn(facts(history, 1)).items() if k[0] != "account"}
    assert left(runtime) == Counter((s.rule, s.deal, s.due, s.end is None) for s in read(history, OWN, apart=1))
