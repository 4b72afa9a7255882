"""The account machine against the oracle: random histories, every trigger, every order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import assume, given, settings

from streams.runtimes.memory import MemoryRuntime
from tests.property.account.histories import (
    END,
    TICK,
    Item,
    arrival,
    day_of,
    entries,
    expected,
    facts,
    final_entries,
    histories,
    left,
    read,
    rows,
    run,
    told,
)
from tests.property.account.judged import RULES
from tests.property.account.oracle import Spell
from tests.property.account.pictures import drawn


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


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=40)
@given(items=histories(messy=True))
def test_in_any_order_what_is_left_are_the_spells_of_the_final_history(rule: str, items: list[Item]) -> None:
    assert left(told(run(entries(items, [rule])))) == expected(items, [rule])


def picture(runtime: MemoryRuntime) -> dict[tuple[str, str], dict[str, Any]]:
    """The entity rows in the oracle's form."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for (_, name), row in rows(runtime, "e").items():
        kind, _, native = name.partition("|")
        fields = {k: v for k, v in row["d"].items() if k not in (kind, "account")}
        found[kind, native] = {
            "fields": fields,
            "stages": [tuple(s) for s in row.get("sh", ())],
            "open": bool(row["op"]),
            "gone": bool(row.get("x")),
            "first": row["c"],
        }
    return found


@settings(max_examples=100)
@given(histories(messy=True))
def test_entity_rows_are_the_fold_of_the_final_history(items: list[Item]) -> None:
    assert picture(run(entries(items, []))) == drawn(facts(items))


def sums(runtime: MemoryRuntime) -> dict[tuple[str, str], Any]:
    """What children add to their parents, zero counts left out."""
    return {
        name: {k: v for k, v in row.get("k", {}).items() if v} for name, row in rows(runtime, "e").items()
    }


@settings(max_examples=60)
@given(histories(messy=True))
def test_what_is_known_late_is_as_if_it_had_been_known_from_the_start(items: list[Item]) -> None:
    days = [fact for fact in facts(items) if fact.end > fact.at]
    assume(all(fact.at == day_of(fact.at) for fact in days))  # no date says when a day to come was known
    now = max(map(arrival, items)) + TICK
    late, clean = run(entries(items), now), run(final_entries(items), now)
    assert sums(late) == sums(clean)
    assert picture(late) == picture(clean)
    first, second = told(late), told(clean)
    assert left(first, "event") == left(second, "event")
    for runtime in (late, clean):
        runtime.advance(END)
    assert left([*first, *told(late)], "event") == left([*second, *told(clean)], "event")
