"""What a rule reads by way of other documents, whose links come late, change and go again.

The oracle follows the links of each picture by itself; its readings of triggers are those of `oracle`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.runtimes.memory import rule_entry
from tests.property.account.histories import (
    BEGIN,
    CHANGE_LAGS,
    END,
    LAGS,
    OPEN,
    TICKS,
    Item,
    entries,
    facts,
    run,
    told,
)
from tests.property.account.oracle import Look, Spell, Where, holding
from tests.property.account.pictures import DAY, Picture, line

LINKS = {"invoice": ("order", "contract"), "order": ("contract", "opportunity"), "contract": ("opportunity",)}
"""kind -> fields that name documents above it, most trusted first."""
IDS = {"opportunity": ("D1", "D2"), "contract": ("C1", "C2"), "order": ("O1", "O2"), "invoice": ("I1", "I2")}
FIRST = {"opportunity": "created", "contract": "signed", "order": "placed", "invoice": "issued"}


# -- the oracle's reading ------------------------------------------------------------------------------------


def above(picture: Picture, kind: str, native: str) -> list[tuple[str, str]]:
    """All documents above, nearest first."""
    known = [(kind, native)]
    for one in known:
        fields = picture[one]["fields"] if one in picture else {}
        known += [
            (link, fields[link])
            for link in LINKS.get(one[0], ())
            if link in fields and (link, fields[link]) not in known
        ]
    return known[1:]


def dear(kind: str, *path: str) -> Where:
    """The amount of the document that the path of kinds leads to is 100 or more."""

    def where(picture: Picture, native: str, at: int) -> bool:
        place: tuple[str, str] | None = (kind, native)
        for step in path:
            found = [one for one in above(picture, *place) if one[0] == step] if place in picture else []
            place = found[0] if found else None
            if place is None:
                return False
        return place in picture and int(picture[place]["fields"].get("amount", 0)) >= 100

    return where


def called(picture: Picture, native: str, at: int) -> bool:
    """Two calls or more about the deal."""
    found = [thing["fields"] for (kind, _), thing in picture.items() if kind == "activity"]
    there = ("opportunity", native) in picture
    return there and sum(f.get("opportunity") == native and f.get("kind") == "call" for f in found) >= 2


@dataclass(frozen=True)
class Linked:
    """A rule on entities of a kind, its condition as text and as the oracle reads it."""

    watch: str
    text: str
    where: Where


RULES = {
    "near": Linked("order", "{field: contract.amount, op: gte, value: 100}", dear("order", "contract")),
    "far": Linked("invoice", "{field: contract.amount, op: gte, value: 100}", dear("invoice", "contract")),
    "farther": Linked(
        "invoice", "{field: opportunity.amount, op: gte, value: 100}", dear("invoice", "opportunity")
    ),
    "by-way-of": Linked(
        "invoice",
        "{field: order.contract.opportunity.amount, op: gte, value: 100}",
        dear("invoice", "order", "contract", "opportunity"),
    ),
    "calls": Linked("opportunity", "{field: calls, op: gte, value: 2}", called),
}


def spells(items: Sequence[Item], name: str) -> list[Spell]:
    rule = RULES[name]
    points = line(facts(items), END)
    return [s for one in IDS[rule.watch] for s in holding(Look(name, one, rule.where, points, END))]


# -- histories -----------------------------------------------------------------------------------------------

AMOUNTS = st.sampled_from(["50", "100"])
KINDS = st.sampled_from([*IDS, "order", "activity"])


def _said(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    links = LINKS.get(kind, ("opportunity",))
    link = draw(st.sampled_from(links))
    return {link: draw(st.sampled_from([*IDS[link], None]))}


def _item(draw: st.DrawFn, number: int, *, messy: bool) -> Item:
    kind = draw(KINDS)
    tick, lag = draw(TICKS), draw(LAGS) if messy else 0
    if kind == "activity":
        native = draw(st.sampled_from(["x1", "x2"]))
        return Item("activity.updated", native, tick, _said(draw, kind), lag=lag)
    native = draw(st.sampled_from(IDS[kind]))
    if kind in LINKS and draw(st.booleans()):
        return Item(f"{kind}.updated", native, tick, _said(draw, kind), lag=lag)
    return Item(f"{kind}.updated", native, tick, {"amount": draw(AMOUNTS)}, lag=lag)


def _changed(draw: st.DrawFn, items: Sequence[Item], of: int) -> Item:
    old = items[of]
    kind = old.type.partition(".")[0]
    tick = max(0, old.tick + draw(CHANGE_LAGS))
    if draw(st.booleans()):
        return Item(f"{kind}.deleted", old.native, tick, {}, of=of)
    data = {"amount": draw(AMOUNTS)} if "amount" in old.data else _said(draw, kind)
    return Item(f"{kind}.corrected", old.native, tick, data, of=of)


@st.composite
def histories(draw: st.DrawFn, *, messy: bool) -> list[Item]:
    """Documents that become known at any time, in any order, and what is said of them."""
    items = [Item("account.updated", "A1", 0, {"tier": "A"})]
    for kind, ids in IDS.items():
        for native in ids:
            data = {"amount": draw(AMOUNTS), **(_said(draw, kind) if kind in LINKS else {})}
            tick = draw(st.integers(0, 8))
            items.append(Item(f"{kind}.{FIRST[kind]}", native, tick, data, lag=draw(LAGS) if messy else 0))
    calls = [Item("activity.logged", f"x{n}", n, {"kind": "call", "opportunity": "D1"}) for n in (1, 2)]
    items += calls
    first = len(items)
    items += [_item(draw, n, messy=messy) for n in range(draw(st.integers(1, 8)))]
    if messy:
        changed = draw(st.lists(st.integers(first, len(items) - 1), max_size=3, unique=True))
        items += [_changed(draw, items, of) for of in changed]
    return items


def left(items: Sequence[Item], name: str) -> Counter[tuple[Any, ...]]:
    """(key, due, stands) of every alert that was not withdrawn in the end."""
    rule = RULES[name]
    text = f"rule: {name}\ntitle: t\nwatch: {rule.watch}\nwhen: {{holds: {{}}}}\nwhere: {rule.text}\n"
    runtime = run([rule_entry(name, text, BEGIN - DAY), *entries(items, [])])
    last = {one["alert"]: one for one in told(runtime)}
    return Counter(
        (o["key"], o["due"], o["state"] in OPEN) for o in last.values() if o["state"] != "withdrawn"
    )


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("messy", [False, True])
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_left_are_the_spells_of_the_final_history(
    name: str, messy: bool, data: st.DataObject
) -> None:
    items = data.draw(histories(messy=messy))
    assert left(items, name) == Counter((s.deal, s.due, s.end is None) for s in spells(items, name))
