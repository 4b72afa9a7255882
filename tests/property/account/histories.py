"""Random histories of one account, and how engine and oracle take them.

An *item* is an event as it is sent, or a correction or deletion of one. Instants lie on a grid of six
hours, so ties with each other, with deadlines and with midnights are common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from rules.testing.instants import read_time
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry
from streams.runtimes.pipeline import Entry
from tests.property.account import judged
from tests.property.account.judged import ACCOUNT, RULES
from tests.property.account.oracle import Spell
from tests.property.account.pictures import DAY, HOUR, ZONE, Fact, line, today

BEGIN = read_time("2026-03-02", None, ZONE)
TICK = 6 * HOUR
LAST_TICK = 40
END = BEGIN + 20 * DAY
DEALS = ("D1", "D2", "D3")
ALL = tuple(RULES)
OPEN = ("firing", "acknowledged", "snoozed")


@dataclass(frozen=True)
class Item:
    """tick: when it happened, in ticks from BEGIN. lag: ticks until it arrives (below 0: it is from the
    future).

    of: index of the item that this one corrects (with `data`, perhaps to_tick) or takes back.
    """

    type: str
    native: str
    tick: int
    data: dict[str, Any]
    day: bool = False
    lag: int = 0
    of: int | None = None
    to_tick: int | None = None

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Short: hypothesis shows whole histories."""
        rest = {"day": self.day, "lag": self.lag, "of": self.of, "to": self.to_tick}
        more = "".join(f" {name}={value}" for name, value in rest.items() if value)
        printer.text(f"<{self.tick} {self.type} {self.native} {self.data}{more}>")


# -- strategies ----------------------------------------------------------------------------------------------

Update = tuple[str, dict[str, Any]]


def _update(type_: str, field: str, values: Iterable[str | None]) -> st.SearchStrategy[Update]:
    return st.sampled_from(list(values)).map(lambda value: (f"opportunity.{type_}", {field: value}))


ENDS: list[Update] = [(f"opportunity.{end}", {}) for end in ("won", "lost", "reopened")]
UPDATES = st.one_of(
    _update("updated", "amount", ["50", "100", "150", None]),
    _update("updated", "close_date", [None, *(f"2026-03-{n:02d}" for n in range(3, 15))]),
    _update("stage_changed", "stage", ["quote", "contract", "quote", "lost"]),
    st.sampled_from(ENDS),
)
KINDS = st.sampled_from(["call", "demo", "proposal"])
PEOPLE, DEAL, TIERS = st.sampled_from(["li", "wang"]), st.sampled_from(DEALS), st.sampled_from("AB")
AMOUNTS, CHANGED_AMOUNTS = st.sampled_from(["50", "100"]), st.sampled_from(["50", "100", None])
TICKS, LAGS, CHANGE_LAGS = st.integers(1, LAST_TICK), st.integers(-3, 12), st.integers(-2, 12)
TO_TICK, BOOLS = st.one_of(st.none(), TICKS), st.booleans()
FOUR, EIGHT, TEN, SIZES = st.integers(0, 3), st.integers(0, 7), st.integers(0, 9), st.integers(2, 14)


def _plain(draw: st.DrawFn, number: int, *, messy: bool) -> Item:
    what = draw(TEN)
    lag = draw(LAGS) if messy else 0
    tick = draw(TICKS)
    if what == 0:
        return Item("account.updated", ACCOUNT, tick, {"tier": draw(TIERS)}, lag=lag)
    if what <= 4:
        data = {"kind": draw(KINDS), "by": draw(PEOPLE), "opportunity": draw(DEAL)}
        day = draw(EIGHT) == 0
        if day and not messy:  # known at the beginning of that day already
            tick -= tick % 4
        return Item("activity.logged", f"x{number}", tick, data, day, lag)
    type_, data = draw(UPDATES)
    return Item(type_, draw(DEAL), tick, data, lag=lag)


def _changed(draw: st.DrawFn, items: Sequence[Item], of: int) -> Item:
    old = items[of]
    tick = max(0, old.tick + draw(CHANGE_LAGS))
    change = Item(f"{old.type.partition('.')[0]}.deleted", old.native, tick, {}, of=of)
    if draw(BOOLS):
        return change
    data: dict[str, Any] = {}
    if "amount" in old.data:
        data = {"amount": draw(CHANGED_AMOUNTS)}
    elif "kind" in old.data:
        data = {"kind": draw(KINDS), "opportunity": draw(DEAL)}
    return replace(change, type=change.type.replace("deleted", "corrected"), data=data, to_tick=draw(TO_TICK))


@st.composite
def histories(draw: st.DrawFn, *, messy: bool) -> list[Item]:
    """A history; a messy one arrives late and out of order, and has corrections and deletions.

    A deal that is deleted in the end is never reopened.
    """
    items = [Item("account.updated", ACCOUNT, 0, {"tier": draw(TIERS)})]
    items += [Item("opportunity.created", deal, 0, {"amount": draw(AMOUNTS)}) for deal in DEALS]
    items += [_plain(draw, number, messy=messy) for number in range(draw(SIZES))]
    gone = Item("opportunity.deleted", draw(DEAL), draw(TICKS), {}) if draw(FOUR) == 0 else None
    if gone is not None:
        items = [i for i in items if (i.type, i.native) != ("opportunity.reopened", gone.native)]
    if messy:
        first = 1 if gone is None else len(DEALS) + 1
        changeable = st.integers(first, max(first, len(items) - 1))
        changed = draw(st.lists(changeable, max_size=4, unique=True))
        items += [_changed(draw, items, of) for of in changed if of < len(items)]
    return items if gone is None else [*items, gone]


# -- what is sent --------------------------------------------------------------------------------------------


def arrival(item: Item) -> int:
    """When it arrives (us): never before the history begins."""
    return BEGIN + max(0, item.tick + item.lag) * TICK


def happened(item: Item) -> int:
    """When it happened (us), as it says itself; a day alone is its start."""
    at = BEGIN + item.tick * TICK
    return day_of(at) if item.day else at


def day_of(at: int) -> int:
    """The start of the day."""
    return at - (at - BEGIN) % DAY


def sent(items: Sequence[Item]) -> list[int]:
    """Indexes in order of arrival."""
    return sorted(range(len(items)), key=lambda n: (arrival(items[n]), n))


def _entry(event_id: str, type_: str, time: str, data: dict[str, Any], at: int) -> Entry:
    record = {"specversion": "1.0", "id": event_id, "source": "s", "type": type_, "time": time, "data": data}
    return entry_of(decode_event(record, zone=ZONE), at)


def _time(at: int, *, day: bool) -> str:
    return today(at).isoformat() if day else format_instant(at)


def rule_entries(rules: Iterable[str]) -> list[Entry]:
    """The rules, in force before the history begins."""
    return [rule_entry(name, judged.rule_text(name), BEGIN - DAY) for name in rules]


def entries(items: Sequence[Item], rules: Iterable[str] = ALL, apart: int = 0) -> list[Entry]:
    """What the runtime is given, rules first. apart: us between arrivals, so that no two fall together."""
    given = rule_entries(rules)
    for place, n in enumerate(sent(items)):
        item = items[n]
        data = {item.type.partition(".")[0]: item.native, "account": ACCOUNT, **item.data}
        if item.of is not None:
            data["event"] = f"e{item.of}"
        if item.to_tick is not None:
            data["time"] = format_instant(BEGIN + item.to_tick * TICK)
        time = _time(happened(item), day=item.day)
        given.append(_entry(f"e{n}", item.type, time, data, arrival(item) + place * apart))
    return given


def final_entries(items: Sequence[Item], rules: Iterable[str] = ALL) -> list[Entry]:
    """The final history as if it had been known from the start: each fact arrives when it happened."""
    given = rule_entries(rules)
    for fact in facts(items):
        data = {fact.kind: fact.native, "account": ACCOUNT, **fact.data}
        time = _time(fact.at, day=fact.end > fact.at)
        given.append(_entry(fact.ref.partition("|")[2], fact.type, time, data, fact.at))
    return given


# -- what it means -------------------------------------------------------------------------------------------


def facts(items: Sequence[Item], apart: int = 0) -> list[Fact]:
    """What counts in the end, in its order: corrections and deletions applied.

    An event from the future counts from its arrival, one that was moved there from that of its correction.
    """
    came = {n: arrival(items[n]) + place * apart for place, n in enumerate(sent(items))}
    changes = {item.of: n for n, item in enumerate(items) if item.of is not None}
    found: list[tuple[tuple[int, int, int], Fact]] = []
    for place, n in enumerate(sent(items)):
        item = items[n]
        change = items[changes[n]] if n in changes else None
        if item.of is not None or (change is not None and change.type.endswith(".deleted")):
            continue
        at, day, data = min(happened(item), came[n]), item.day, item.data
        if change is not None:
            data = {**data, **change.data}
            if change.to_tick is not None:
                at, day = min(BEGIN + change.to_tick * TICK, max(came[n], came[changes[n]])), False
        end = day_of(at) + DAY if day else at
        found.append(((at, came[n], place), Fact(f"s|e{n}", item.type, item.native, at, end, data)))
    return [fact for _, fact in sorted(found, key=lambda pair: pair[0])]


def read(items: Sequence[Item], rules: Iterable[str] = ALL, until: int = END, apart: int = 0) -> list[Spell]:
    """Every spell of the rules, by the oracle."""
    points = line(facts(items, apart), until)
    return [spell for name in rules for deal in DEALS for spell in judged.read(name, points, deal, until)]


# -- running -------------------------------------------------------------------------------------------------


def run(given: Sequence[Entry], until: int = END, partitions: int = 1) -> MemoryRuntime:
    """A runtime that took all entries and went on until `until`. Nothing may be refused."""
    runtime = MemoryRuntime(partitions, ZONE)
    runtime.put_all(given)
    runtime.advance(until)
    assert [str(dead.error) for _, dead in runtime.dead] == []
    return runtime


def rows(runtime: MemoryRuntime, bucket: str) -> dict[tuple[str, str], Any]:
    """(key, name) -> row of a bucket of the account machine, over all partitions."""
    found: dict[tuple[str, str], Any] = {}
    for (machine, _), store in runtime.stores.items():
        key = store.next_key(None) if machine == "account" else None
        while key is not None:
            found.update({(key, name): row for name, row in store.scan(key, bucket)})
            key = store.next_key(key)
    return found


def told(runtime: MemoryRuntime) -> list[dict[str, Any]]:
    """New transitions of alerts, each once; without those of the system itself."""
    outputs = [a for a in runtime.take_outputs("alerts") if not a["rule"].startswith("system-")]
    assert len({(a["alert"], a["n"]) for a in outputs}) == len(outputs), "a transition came out twice"
    return outputs


def left(transitions: Iterable[dict[str, Any]], *more: str) -> Counter[tuple[Any, ...]]:
    """(rule, deal, due, stands, `more` fields) of every alert that was not withdrawn in the end."""
    last = {one["alert"]: one for one in transitions}
    kept = [one for one in last.values() if one["state"] != "withdrawn"]
    return Counter((o["rule"], o["key"], o["due"], o["state"] in OPEN, *(o[m] for m in more)) for o in kept)


def expected(items: Sequence[Item], rules: Iterable[str] = ALL, apart: int = 0) -> Counter[tuple[Any, ...]]:
    """What the oracle says is left."""
    return Counter((s.rule, s.deal, s.due, s.end is None) for s in read(items, rules, apart=apart))
