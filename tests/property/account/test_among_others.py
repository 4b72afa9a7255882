"""What a rule says does not depend on which other rules are there.

Rules of the same trigger share a run of it, and all rules are matched in groups: each must say, transition by
transition, what it says when it is alone. So must one that is added, edited or switched off meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streams.runtimes.memory import MemoryRuntime, rule_entry
from streams.runtimes.pipeline import Entry
from tests.property.account.histories import BEGIN, END, TICK, Item, entries, histories, told
from tests.property.account.judged import RULES
from tests.property.account.pictures import ZONE

SHARING = ("after-every", "after-restart", "after-first", "after-once", "after-match", "date")
OTHERS = ("silent-calls", "rich", "enters", "event")
CONDITIONS = (
    "",
    "where: {field: amount, op: gte, value: 500}",
    "where: {field: amount, op: lt, value: 500}",
    "where: {field: account.tier, op: eq, value: A}",
    "where: {field: stage, op: eq, value: quote}",
    "where: {all: [{field: account.tier, op: eq, value: A}, {field: amount, op: is_set}]}",
)
COPIES = {
    f"{name}-{number}": (name, tail)
    for name in (*SHARING, *OTHERS)
    for number, tail in enumerate(CONDITIONS)
    if tail or name != "rich"
}

Edits = dict[str, tuple[int, str]]
"""Name of a copy -> when (us) it is added, edited or switched off, and which of these."""


def text_of(copy: str, *, edited: bool = False) -> str:
    name, tail = COPIES[copy]
    title = f"{copy} again" if edited else copy
    return f"rule: {copy}\ntitle: {title}\nwatch: opportunity\nwhen: {RULES[name].when}\n{tail}\n"


def changes(names: Sequence[str], edits: Edits) -> list[Entry]:
    """The rules as they come: in force from the beginning, or changed meanwhile."""
    found: list[Entry] = []
    for name in names:
        at, what = edits.get(name, (0, ""))
        begin = at if what == "added" else 0
        found.append(rule_entry(name, text_of(name), begin))
        if what == "edited":
            found.append(rule_entry(name, text_of(name, edited=True), at))
        elif what == "off":
            found.append(rule_entry(name, text_of(name), at, on=False))
    return found


def run(items: Sequence[Item], names: Sequence[str], edits: Edits) -> dict[str, list[Any]]:
    """Rule -> its transitions in order."""
    given_entries = entries(items, rules=(), apart=1)
    runtime = MemoryRuntime(2, ZONE)
    runtime.put_all(sorted([*changes(names, edits), *given_entries], key=lambda entry: entry.at))
    runtime.advance(END)
    assert [str(dead.error) for _, dead in runtime.dead] == []
    found: dict[str, list[Any]] = {name: [] for name in names}
    for row in told(runtime):
        found[row["rule"]].append(shown(row))
    return found


def shown(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("key", "state", "at", "due", "reason", "version", "event", "n"))


edits = st.dictionaries(
    st.sampled_from(sorted(COPIES)),
    st.tuples(
        st.integers(1, 70).map(lambda n: BEGIN + n * TICK + 500_000),
        st.sampled_from(["added", "edited", "off"]),
    ),
    max_size=4,
)
copies = st.lists(st.sampled_from(sorted(COPIES)), min_size=2, max_size=9, unique=True)


@examples(max_examples=30)
@given(histories(messy=True), copies)
def test_a_rule_says_the_same_alone_and_among_others(items: list[Item], names: list[str]) -> None:
    together = run(items, names, {})
    assert together == {name: run(items, [name], {})[name] for name in names}


@examples(max_examples=30)
@given(histories(messy=True), copies, edits)
def test_and_so_do_rules_that_change_meanwhile(items: list[Item], names: list[str], edits: Edits) -> None:
    names = sorted({*names, *edits})
    together = run(items, names, edits)
    assert together == {name: run(items, [name], edits)[name] for name in names}
