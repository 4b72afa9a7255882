"""The account machine against the oracle: random histories, every trigger, every order of arrival."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings

from streams.runtimes.memory import MemoryRuntime
from tests.property.account import oracle
from tests.property.account.histories import (
    BEGIN,
    END,
    RULES,
    TICK,
    Item,
    entries,
    facts,
    final_entries,
    histories,
    read,
    rows,
    run,
)
from tests.property.account.oracle import Spell

OPEN = ("firing", "acknowledged", "snoozed")


def told(runtime: MemoryRuntime) -> list[dict[str, Any]]:
    """The transitions of alerts, without those of the system itself."""
    return [a for a in runtime.take_outputs("alerts") if not a["rule"].startswith("system-")]


def shown(spell: Spell) -> tuple[str, str, int, int | None]:
    return spell.rule, spell.deal, spell.due, spell.end


def episodes(transitions: Iterable[dict[str, Any]]) -> list[tuple[str, str, int, int | None]]:
    """(rule, deal, due, end) of every alert of a history that arrived in order."""
    found: dict[str, tuple[str, str, int, int | None]] = {}
    for one in transitions:
        if one["state"] == "firing":
            assert one["alert"] not in found, "an alert fired twice"
            assert one["at"] == one["due"], "it fired at another time than it was due"
            found[one["alert"]] = (one["rule"], one["key"], one["due"], None)
        else:
            assert one["state"] == "resolved", one
            found[one["alert"]] = (*found[one["alert"]][:3], one["at"])
    return sorted(found.values(), key=str)


@settings(max_examples=60)
@given(histories(messy=False))
def test_in_order_the_transitions_are_the_spells(items: list[Item]) -> None:
    spells = read(items)
    transitions = told(run(entries(items)))
    assert episodes(transitions) == sorted(map(shown, spells), key=str)
    why = {(s.rule, s.deal, s.end): s.why for s in spells if s.end is not None}
    for one in transitions:
        if one["state"] == "resolved":
            assert one["reason"] in why[one["rule"], one["key"], one["at"]]


def known(transitions: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """What is left of all alerts in the end: (rule, deal, due, stands) of those that were not withdrawn."""
    last = {one["alert"]: one for one in transitions}
    kept = [one for one in last.values() if one["state"] != "withdrawn"]
    return Counter((one["rule"], one["key"], one["due"], one["state"] in OPEN) for one in kept)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=40)
@given(items=histories(messy=True))
def test_in_any_order_what_is_left_are_the_spells_of_the_final_history(rule: str, items: list[Item]) -> None:
    expected = Counter((s.rule, s.deal, s.due, s.end is None) for s in read(items, [rule]))
    assert known(told(run(entries(items, [rule])))) == expected


def picture(runtime: MemoryRuntime) -> dict[tuple[str, str], dict[str, Any]]:
    """The entity rows in the oracle's form."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for (_, name), row in rows(runtime, "e").items():
        kind, _, native = name.partition("|")
        fields = {k: v for k, v in row["d"].items() if k not in (kind, "account")}
        found[kind, native] = {
            "fields": fields, "stages": [tuple(s) for s in row.get("sh", ())], "gone": bool(row.get("x")), "first": row["c"],
        }  # fmt: skip
    return found


@settings(max_examples=100)
@given(histories(messy=True))
def test_entity_rows_are_the_fold_of_the_final_history(items: list[Item]) -> None:
    assert picture(run(entries(items, []))) == oracle.drawn(facts(items))


def sums(runtime: MemoryRuntime) -> dict[tuple[str, str], Any]:
    """What children add to their parents, zero counts left out."""
    return {name: {k: v for k, v in row.get("k", {}).items() if v} for name, row in rows(runtime, "e").items()}


@settings(max_examples=60)
@given(histories(messy=True))
def test_what_is_known_late_is_as_if_it_had_been_known_from_the_start(items: list[Item]) -> None:
    now = BEGIN + (max(max(0, item.tick + item.lag) for item in items) + 1) * TICK
    late, clean = run(entries(items), now), run(final_entries(items), now)
    assert sums(late) == sums(clean)
    assert picture(late) == picture(clean)
    first, second = told(late), told(clean)
    assert standing(first) == standing(second)
    for runtime in (late, clean):
        runtime.advance(END)
    assert standing([*first, *told(late)]) == standing([*second, *told(clean)])


def standing(transitions: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """(rule, deal, triggering event, due, stands) of every alert that was not withdrawn."""
    last = {one["alert"]: one for one in transitions}
    kept = [one for one in last.values() if one["state"] != "withdrawn"]
    return Counter((o["rule"], o["key"], o["event"], o["due"], o["state"] in OPEN) for o in kept)
