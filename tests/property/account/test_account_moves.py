"""Merged accounts, converted leads, deals that change their customer: nothing lost, nothing doubled.

The yardstick is the history in which everything named the survivor from the start, as the oracle reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec import structs

from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.kernel.contract import EVENT
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry
from streams.runtimes.pipeline import Entry
from tests.property.account.histories import (
    BEGIN,
    DEALS,
    LAST_TICK,
    TICK,
    Item,
    entries,
    expected,
    facts,
    histories,
    left,
    rows,
    run,
    told,
)
from tests.property.account.judged import OWN
from tests.property.account.pictures import DAY, ZONE, drawn

HOME = {"D1": "A1", "D2": "A2", "D3": "A1"}
BETWEEN = 999_999
"""us after a tick: no event arrives then."""
ticks, partitions = st.integers(1, LAST_TICK + 4), st.sampled_from([1, 2, 5])
accounts = st.sampled_from(["A1", "A2", "A3"])


def event(at: int, type_: str, event_id: str, **data: Any) -> Entry:
    """An event that arrives when it happens."""
    time = format_instant(at)
    record = {"specversion": "1.0", "id": event_id, "source": "m", "type": type_, "time": time, "data": data}
    return entry_of(decode_event(record, zone=ZONE), at)


def homed(items: Sequence[Item], *, moving: bool = False) -> list[Item]:
    """The history without events of a customer itself. moving: an activity may be moved to another deal."""
    return [_homed(item, items, n, moving=moving) for n, item in enumerate(items)]


def _homed(item: Item, items: Sequence[Item], n: int, *, moving: bool) -> Item:
    if item.type.startswith("account.") and item.of is None:
        data = {"kind": "email", "by": "li", "opportunity": "D1"}
        return replace(item, type="activity.logged", native=f"a{n}", data=data)
    if item.of is not None and items[item.of].type.startswith("account."):
        return replace(item, type=f"activity.{item.type.partition('.')[2]}", native=f"a{item.of}", data={})
    if item.of is not None and not moving:
        return replace(item, data={k: v for k, v in item.data.items() if k != "opportunity"})
    return item


def named(entry: Entry, account: str | None) -> Entry:
    """The entry with the customer that it names; None: it names none, its deal tells."""
    if entry.kind != EVENT:
        return entry
    data = {k: v for k, v in entry.value["data"].items() if k != "account"}
    return structs.replace(
        entry, value={**entry.value, "data": data if account is None else {**data, "account": account}}
    )


def of_deals(given_entries: Sequence[Entry], since: int, after: Sequence[str]) -> list[Entry]:
    """Events name their deal's customer; from `since` (us) on, any of `after` will do for it."""
    found = []
    for n, entry in enumerate(given_entries):
        deal = entry.value["data"].get("opportunity") if entry.kind == EVENT else None
        home = None if deal is None else HOME[deal]
        found.append(named(entry, after[n % len(after)] if home and entry.at >= since else home))
    return found


def check(runtime: MemoryRuntime, history: Sequence[Item]) -> None:
    """Rows and alerts are those of the history, wherever it was kept; each entity is at one key only."""
    found: dict[tuple[str, str], Any] = {}
    for (_, name), row in rows(runtime, "e").items():
        kind, _, native = name.partition("|")
        if kind != "account":
            assert (kind, native) not in found, "at two keys"
            fields = {k: v for k, v in row["d"].items() if k not in (kind, "account")}
            stages = [tuple(s) for s in row.get("sh", ())]
            found[kind, native] = {
                "fields": fields,
                "stages": stages,
                "open": bool(row["op"]),
                "gone": bool(row.get("x")),
                "first": row["c"],
            }
    assert found == drawn(facts(history, 1))
    assert left(told(runtime)) == expected(history, OWN, apart=1)


def in_time(given_entries: Sequence[Entry]) -> list[Entry]:
    return sorted(given_entries, key=lambda e: e.at)


@examples(max_examples=60)
@given(
    histories(messy=True), ticks, st.lists(st.sampled_from(["A1", "A2"]), min_size=1, max_size=8), partitions
)
def test_a_merge_at_any_moment(items: list[Item], tick: int, after: list[str], parts: int) -> None:
    history, at = homed(items), BEGIN + tick * TICK + BETWEEN
    merged = event(at, "account.merged", "merge", account="A1", into="A2")
    runtime = run(in_time([*of_deals(entries(history, OWN, 1), at, after), merged]), partitions=parts)
    check(runtime, history)
    deals = {key for key, name in rows(runtime, "e") if name.startswith("opportunity|")}
    assert deals == {"account:A2"}


moves = st.lists(st.tuples(ticks, st.sampled_from(DEALS), accounts), max_size=5, unique_by=lambda m: m[0])


@examples(max_examples=60)
@given(histories(messy=True), moves, partitions)
def test_deals_that_change_their_customer(
    items: list[Item], moved: list[tuple[int, str, str]], parts: int
) -> None:
    history = [
        i for i in homed(items, moving=True) if i.of is None or not items[i.of].type.endswith("created")
    ]
    given_entries = [_by_deal(e) for e in entries(history, OWN, 1)]
    for n, (tick, deal, account) in enumerate(moved):
        at = BEGIN + tick * TICK + BETWEEN
        given_entries.append(
            event(at, "opportunity.updated", f"m{n}", opportunity=deal, account=account, region="x")
        )
    runtime = run(in_time(given_entries), partitions=parts)
    for (_, name), row in rows(runtime, "e").items():
        if name.startswith("opportunity|"):
            row["d"].pop("region", None)
    check(runtime, history)


@examples(max_examples=60)
@given(
    histories(messy=True),
    moves,
    st.lists(st.tuples(ticks, st.integers(0, 4), st.one_of(st.none(), accounts)), max_size=4),
    st.booleans(),
    partitions,
)
def test_changes_of_the_customer_that_are_corrected_or_taken_back(
    items: list[Item],
    moved: list[tuple[int, str, str]],
    changes: list[tuple[int, int, str | None]],
    owned: bool,
    parts: int,
) -> None:
    """changes: (tick, which move, the right customer or None when there was no such change). owned: deals
    have a customer from the start.
    """
    history = [
        i for i in homed(items, moving=True) if i.of is None or not items[i.of].type.endswith("created")
    ]
    given_entries = [_by_deal(e) if owned else named(e, None) for e in entries(history, OWN, 1)]
    right = {which: (tick, account) for tick, which, account in reversed(changes)}
    homes = {deal: [(0, f"account:{HOME[deal]}" if owned else f"opportunity:{deal}")] for deal in DEALS}
    for n, (tick, deal, account) in enumerate(moved):
        customer = right[n][1] if n in right else account
        homes[deal] += [] if customer is None else [(tick, f"account:{customer}")]
        given_entries += _moved(n, tick, deal, account, right.get(n))
    runtime = run(in_time(given_entries), partitions=parts)
    for (key, name), row in rows(runtime, "e").items():
        if name.startswith("opportunity|"):
            row["d"].pop("region", None)
            assert key == max(homes[row["id"]])[1]
    check(runtime, history)


def _moved(n: int, tick: int, deal: str, account: str, right: tuple[int, str | None] | None) -> list[Entry]:
    """A deal names a customer. right: (tick, customer) of its correction; None: it is taken back."""
    at = BEGIN + tick * TICK + BETWEEN
    told = [event(at, "opportunity.updated", f"m{n}", opportunity=deal, region="x", account=account)]
    if right is not None:
        end, more = ("deleted", {}) if right[1] is None else ("corrected", {"account": right[1]})
        then = BEGIN + right[0] * TICK + BETWEEN + 1 + n
        told.append(event(then, f"opportunity.{end}", f"c{n}", opportunity=deal, event=f"m{n}", **more))
    return told


def _by_deal(entry: Entry) -> Entry:
    """Only the creation names a customer; afterwards the deal tells."""
    created = entry.kind == EVENT and entry.value["type"] == "opportunity.created"
    return named(entry, HOME[entry.value["data"]["opportunity"]] if created else None)


LEAD = """
rule: lead
title: 线索没有跟进
watch: lead
when: {silent: {of: [activity.logged], for: 2d}}
"""
WON = """
rule: won
title: 线索已转化
watch: lead
when: {holds: {}}
where: {field: status, op: eq, value: converted}
"""
calls = st.lists(st.integers(1, LAST_TICK), max_size=6)


@examples(max_examples=40)
@given(calls, ticks, partitions)
def test_a_converted_lead_takes_its_history_along(called: list[int], tick: int, parts: int) -> None:
    at = BEGIN + tick * TICK + BETWEEN
    converted = event(at, "lead.converted", "conv", lead="L1", account="A1", opportunity="D1")
    outputs = []
    for known in (None, "A1"):
        owner = {} if known is None else {"account": known}
        log = [rule_entry(name, text, BEGIN - DAY) for name, text in (("lead", LEAD), ("won", WON))]
        log.append(event(BEGIN, "lead.created", "lead", lead="L1", **owner))
        log += [
            event(
                BEGIN + when * TICK + n, "activity.logged", f"c{n}", activity=f"c{n}", lead="L1", kind="call"
            )
            for n, when in enumerate(called)
        ]
        runtime = run(in_time([*log, converted]), partitions=parts)
        assert {key for key, name in rows(runtime, "e") if not name.startswith("opp")} == {"account:A1"}
        outputs.append(left(told(runtime), "alert"))
    assert outputs[0] == outputs[1]


DEAL = """
rule: deal
title: 商机没有跟进
watch: opportunity
when: {silent: {of: [activity.logged], for: 2d}}
"""


def log_of_a_lead(called: list[int]) -> list[Entry]:
    """A lead and two deals that nobody has named a customer of, and calls about each of them."""
    rules = (("lead", LEAD), ("won", WON), ("deal", DEAL))
    log = [rule_entry(name, text, BEGIN - DAY) for name, text in rules]
    log.append(event(BEGIN, "lead.created", "lead", lead="L1"))
    for deal in ("D1", "D2"):
        log.append(event(BEGIN, "opportunity.created", deal, opportunity=deal))
    abouts = ({"lead": "L1"}, {"opportunity": "D1"}, {"opportunity": "D2"})
    for n, when in enumerate(called):
        at = BEGIN + when * TICK + n
        log.append(event(at, "activity.logged", f"c{n}", activity=f"c{n}", kind="call", **abouts[n % 3]))
    return log


def entities_of(runtime: MemoryRuntime) -> dict[str, Any]:
    """Where each entity but accounts is, and what its events have made of it."""
    found = {}
    for (key, name), row in rows(runtime, "e").items():
        if not name.startswith("account|"):
            kept = {part: row[part] for part in ("c", "st", "op", "s") if part in row}
            found[name] = {"key": key, "d": {k: v for k, v in row["d"].items() if v is not None}, **kept}
    return found


said_of_lead = st.fixed_dictionaries(
    {}, optional={"account": st.sampled_from(["A1", "A2"]), "opportunity": st.sampled_from(["D1", "D2"])}
)


@examples(max_examples=60)
@given(calls, ticks, said_of_lead, ticks, st.one_of(st.none(), said_of_lead), partitions)
def test_a_conversion_that_is_corrected_or_taken_back(
    called: list[int], tick: int, said: dict[str, str], later: int, right: dict[str, str] | None, parts: int
) -> None:
    """right: what the correction says; None: the lead was never converted."""
    at, then = BEGIN + tick * TICK + BETWEEN, BEGIN + (tick + later) * TICK + BETWEEN
    log = log_of_a_lead(called)
    converted = event(at, "lead.converted", "conv", lead="L1", **said)
    end, more = ("deleted", {}) if right is None else ("corrected", right)
    change = event(then, f"lead.{end}", "change", lead="L1", event="conv", **more)
    changed = run(in_time([*log, converted, change]), partitions=parts)
    known = [] if right is None else [event(at, "lead.converted", "conv", lead="L1", **{**said, **right})]
    clean = run(in_time([*log, *known]), partitions=1)
    assert entities_of(changed) == entities_of(clean)
    assert left(told(changed), "alert") == left(told(clean), "alert")
