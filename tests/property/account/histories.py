"""Random histories of one account, the rules they are judged by, and both ways to read them: engine and oracle.

An *item* is an event as it is sent, or a correction or deletion of one. Instants lie on a grid of six hours, so ties
with each other, with deadlines and with midnights are common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from rules.testing.instants import read_time
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry
from streams.runtimes.pipeline import Entry
from tests.property.account import oracle
from tests.property.account.oracle import DAY, HOUR, ZONE, Fact, Point, Spell

BEGIN = read_time("2026-03-02", None, ZONE)
TICK = 6 * HOUR
END = BEGIN + 20 * DAY
DEALS = ("D1", "D2", "D3")

Picture = oracle.Picture
Reading = Callable[[Sequence[Point], str, int], list[Spell]]


@dataclass(frozen=True)
class Item:
    """tick: when it happened, in ticks from BEGIN. lag: ticks until it arrives (less than 0: it is from the future).

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
        more = "".join(f" {name}={value}" for name, value in (("day", self.day), ("lag", self.lag), ("of", self.of),
                                                              ("to", self.to_tick)) if value)  # fmt: skip
        printer.text(f"<{self.tick} {self.type} {self.native} {self.data}{more}>")


# -- rules -------------------------------------------------------------------------------------------------------------

AMOUNT = "{field: amount, op: gte, value: 100}"
TIER = "{field: account.tier, op: eq, value: A}"
NEAR = "{all: [{field: close_date, op: gte, value: today}, {field: close_date, op: lte, value: today+2d}]}"
ACTIVITY = "{{type: activity.logged, where: {{field: kind, op: in, value: [{0}]}}}}"


def there(picture: Picture, deal: str, at: int) -> bool:
    thing = picture.get(("opportunity", deal))
    return thing is not None and not thing["gone"]


def rich(picture: Picture, deal: str, at: int) -> bool:
    return int(oracle.field(picture, deal, "amount") or 0) >= 100


def key_account(picture: Picture, deal: str, at: int) -> bool:
    account = picture.get(("account", "A1"), {"fields": {}})
    return there(picture, deal, at) and account["fields"].get("tier") == "A"


def near(picture: Picture, deal: str, at: int) -> bool:
    value = oracle.field(picture, deal, "close_date")
    return value is not None and 0 <= (oracle.dt.date.fromisoformat(value) - oracle.today(at)).days <= 2


def quoted(picture: Picture, deal: str, at: int) -> bool:
    return there(picture, deal, at) and oracle.stage_of(picture[("opportunity", deal)]) == "quote"


def busy(picture: Picture, deal: str, at: int) -> bool:
    return there(picture, deal, at) and oracle.calls(picture, deal) >= 2


def both(picture: Picture, deal: str, at: int) -> bool:
    return rich(picture, deal, at) and key_account(picture, deal, at)


def _silent(name: str, kinds: Sequence[str], days: int, where: oracle.Where) -> Reading:
    return lambda points, deal, until: oracle.silences(name, points, deal, where, until, kinds, days * DAY)


def _holds(name: str, where: oracle.Where, stays: int = 0, keep: int = 0) -> Reading:
    return lambda points, deal, until: oracle.holding(name, points, deal, where, until, stays * DAY, keep * DAY)


def _missing(name: str, each: str, where: oracle.Where = there, *, match: bool = False) -> Reading:
    return lambda points, deal, until: oracle.not_followed(
        name, points, deal, where, until, "demo", "proposal", 2 * DAY, each, match=match
    )


def _missing_text(each: str, more: str = "") -> str:
    after, expect = ACTIVITY.format("demo"), ACTIVITY.format("proposal")
    return f"{{missing_after: {{after: {after}, expect: {expect}, within: 2d, each: {each}{more}}}}}"


RULES: dict[str, tuple[str, str | None, Reading]] = {
    "silent-calls": (
        f"{{silent: {{of: [{ACTIVITY.format('call')}], for: 2d}}}}", AMOUNT, _silent("silent-calls", ["call"], 2, rich)
    ),
    "silent-all": (
        "{silent: {of: [activity.logged], for: 3d}}", TIER,
        _silent("silent-all", ["call", "demo", "proposal"], 3, key_account),
    ),
    "rich": ("{holds: {}}", AMOUNT, _holds("rich", rich)),
    "rich-long": ("{holds: {for: 2d}}", AMOUNT, _holds("rich-long", rich, stays=2)),
    "quoted": ("{holds: {keep_firing_for: 1d}}", "{field: stage, op: eq, value: quote}", _holds("quoted", quoted, keep=1)),
    "near": ("{holds: {}}", NEAR, _holds("near", near)),
    "both": ("{holds: {for: 1d}}", f"{{all: [{AMOUNT}, {TIER}]}}", _holds("both", both, stays=1)),
    "busy": ("{holds: {}}", "{field: calls, op: gte, value: 2}", _holds("busy", busy)),
    "after-every": (_missing_text("every"), AMOUNT, _missing("after-every", "every", rich)),
    "after-restart": (_missing_text("restart"), None, _missing("after-restart", "restart")),
    "after-first": (_missing_text("first"), None, _missing("after-first", "first")),
    "after-once": (_missing_text("once"), None, _missing("after-once", "once")),
    "after-match": (
        _missing_text("every", ", match: [by]"), None, _missing("after-match", "every", match=True)
    ),
    "before": (
        f"{{missing_before: {{event: {ACTIVITY.format('proposal')}, requires: {ACTIVITY.format('demo')}, within: 2d}}}}",
        None,
        lambda points, deal, until: oracle.not_preceded("before", points, deal, there, "proposal", "demo", 2 * DAY),
    ),
    "enters": (
        "{enters: [quote]}", None,
        lambda points, deal, until: oracle.crossings("enters", points, deal, there, ["quote"]),
    ),
    "leaves": (
        "{leaves: [quote]}", AMOUNT,
        lambda points, deal, until: oracle.crossings("leaves", points, deal, rich, ["quote"], leaves=True),
    ),
    "event": (
        f"{{event: {ACTIVITY.format('call')}}}", AMOUNT,
        lambda points, deal, until: oracle.happenings(
            "event", points, deal, rich, lambda point, _: oracle.logged(point.fact, deal, ["call"])
        ),
    ),
    "date": (
        '{date: {field: close_date, before: 2d, at: "06:00"}}', AMOUNT,
        lambda points, deal, until: oracle.dates("date", points, deal, rich, until, 2 * DAY, 6 * HOUR),
    ),
}  # fmt: skip
"""name -> (`when`, `where`, how the oracle reads it); all watch opportunities."""


def rule_text(name: str) -> str:
    """The rule as YAML."""
    when, where, _ = RULES[name]
    tail = "" if where is None else f"where: {where}\n"
    return f"rule: {name}\ntitle: {name}\nwatch: opportunity\nwhen: {when}\n{tail}"


# -- histories ---------------------------------------------------------------------------------------------------------

LAST_TICK = 40


AMOUNTS = st.sampled_from(["50", "100", "150", None]).map(lambda v: ("opportunity.updated", {"amount": v}))
CLOSES = st.sampled_from([None, *(f"2026-03-{n:02d}" for n in range(3, 15))]).map(
    lambda v: ("opportunity.updated", {"close_date": v})
)
STAGES = st.sampled_from(["quote", "contract", "quote", "lost"]).map(
    lambda v: ("opportunity.stage_changed", {"stage": v})
)
ENDINGS = st.sampled_from(["opportunity.won", "opportunity.lost", "opportunity.reopened"]).map(lambda v: (v, {}))
UPDATES = st.one_of(AMOUNTS, CLOSES, STAGES, ENDINGS)
KINDS = st.sampled_from(["call", "demo", "proposal"])
PEOPLE, DEAL, TIERS = st.sampled_from(["li", "wang"]), st.sampled_from(DEALS), st.sampled_from("AB")
TICKS, LAGS, TEN, EIGHT = st.integers(1, LAST_TICK), st.integers(-3, 12), st.integers(0, 9), st.integers(0, 7)
CHANGED_AMOUNTS = st.sampled_from(["50", "100", None])
CHANGE_LAGS, MOVED, FLIP = st.integers(-2, 12), st.one_of(st.none(), TICKS), st.booleans()


def _plain(draw: st.DrawFn, number: int, *, messy: bool) -> Item:
    what = draw(TEN)
    lag = draw(LAGS) if messy else 0
    tick = draw(TICKS)
    if what == 0:
        return Item("account.updated", "A1", tick, {"tier": draw(TIERS)}, lag=lag)
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
    if draw(FLIP):
        return change
    data: dict[str, Any] = {}
    if "amount" in old.data:
        data = {"amount": draw(CHANGED_AMOUNTS)}
    elif "kind" in old.data:
        data = {"kind": draw(KINDS), "opportunity": draw(DEAL)}
    return replace(change, type=change.type.replace("deleted", "corrected"), data=data, to_tick=draw(MOVED))


@st.composite
def histories(draw: st.DrawFn, *, messy: bool) -> list[Item]:
    """A history; a messy one arrives late and out of order, and has corrections and deletions."""
    items = [
        Item("account.updated", "A1", 0, {"tier": draw(st.sampled_from("AB"))}),
        *(Item("opportunity.created", deal, 0, {"amount": draw(st.sampled_from(["50", "100"]))}) for deal in DEALS),
    ]
    for number in range(draw(st.integers(2, 14))):
        items.append(_plain(draw, number, messy=messy))
    if messy:
        for of in draw(st.lists(st.integers(1, len(items) - 1), max_size=4, unique=True)):
            items.append(_changed(draw, items, of))
    if draw(st.integers(0, 3)) == 0:
        items.append(Item("opportunity.deleted", draw(st.sampled_from(DEALS)), draw(st.integers(1, LAST_TICK)), {}))
    return items


def arrival(item: Item) -> int:
    """When it arrives (us): never before the history begins."""
    return BEGIN + max(0, item.tick + item.lag) * TICK


def happened(item: Item) -> int:
    """When it happened (us), as it says itself; a day alone is its start."""
    at = BEGIN + item.tick * TICK
    return at - (at - BEGIN) % DAY if item.day else at


def sent(items: Sequence[Item]) -> list[int]:
    """Indexes in order of arrival."""
    return sorted(range(len(items)), key=lambda n: (arrival(items[n]), n))


def record(items: Sequence[Item], n: int) -> dict[str, Any]:
    """The CloudEvents record of an item."""
    item = items[n]
    kind = item.type.partition(".")[0]
    data = {kind: item.native, "account": "A1", **item.data}
    if item.of is not None:
        data["event"] = f"e{item.of}"
        if item.to_tick is not None:
            data["time"] = format_instant(BEGIN + item.to_tick * TICK)
    time = oracle.today(happened(item)).isoformat() if item.day else format_instant(happened(item))
    return {"specversion": "1.0", "id": f"e{n}", "source": "s", "type": item.type, "time": time, "data": data}


def final_entries(items: Sequence[Item], rules: Iterable[str] = tuple(RULES)) -> list[Entry]:
    """The final history as if it had been known from the start: each fact arrives when it happened."""
    given = [rule_entry(name, rule_text(name), BEGIN - DAY) for name in rules]
    for fact in facts(items):
        data = {fact.kind: fact.native, "account": "A1", **fact.data}
        time = oracle.today(fact.at).isoformat() if fact.end > fact.at else format_instant(fact.at)
        one = {"specversion": "1.0", "id": fact.ref[2:], "source": "s", "type": fact.type, "time": time, "data": data}
        given.append(entry_of(decode_event(one, zone=ZONE), fact.at))
    return given


def entries(items: Sequence[Item], rules: Iterable[str] = tuple(RULES), apart: int = 0) -> list[Entry]:
    """What the runtime is given, rules first."""
    given = [rule_entry(name, rule_text(name), BEGIN - DAY) for name in rules]
    for place, n in enumerate(sent(items)):
        given.append(entry_of(decode_event(record(items, n), zone=ZONE), arrival(items[n]) + place * apart))
    return given


def facts(items: Sequence[Item], apart: int = 0) -> list[Fact]:
    """What counts in the end, in its order: corrections and deletions applied, the future counted from its arrival.

    apart: how far apart (us) arrivals are put, so that no two fall together.
    """
    place = {n: position for position, n in enumerate(sent(items))}
    found: list[tuple[tuple[int, int, int], Fact]] = []
    for n, item in enumerate(items):
        if item.of is not None:
            continue
        change = next((c for c in items if c.of == n), None)
        if change is not None and change.type.endswith(".deleted"):
            continue
        data, time, day = item.data, happened(item), item.day
        if change is not None:
            data = {**data, **change.data}
            if change.to_tick is not None:
                time, day = BEGIN + change.to_tick * TICK, False
        came = known = arrival(item) + place[n] * apart
        if change is not None and change.to_tick is not None:  # the new time is known once both have arrived
            index = items.index(change)
            known = max(came, arrival(change) + place[index] * apart)
        at = min(time, known)
        end = at - (at - BEGIN) % DAY + DAY if day else at
        found.append(((at, came, place[n]), Fact(f"s|e{n}", item.type, item.native, at, end, data)))
    return [fact for _, fact in sorted(found, key=lambda pair: pair[0])]


def read(items: Sequence[Item], rules: Iterable[str] = tuple(RULES), until: int = END, apart: int = 0) -> list[Spell]:
    """Every spell of the rules, by the oracle."""
    points = oracle.line(facts(items, apart), until)
    return [spell for name in rules for deal in DEALS for spell in RULES[name][2](points, deal, until)]


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
