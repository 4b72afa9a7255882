"""The table of states: what is legal, and that people have a word for every state."""

from __future__ import annotations

import pytest

from rules.lifecycle import OPEN, OPEN_TASK, TABLES, legal
from stagewatch.commands.standing import STATES


def states(kind: str) -> set[str]:
    """All states of the table, those that are only reached included."""
    table = TABLES[kind]
    return {state for state in table if state is not None} | {s for after in table.values() for s in after}


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_has_a_line_of_its_own(kind: str) -> None:
    assert states(kind) == set(TABLES[kind]) - {None}


def test_people_have_a_word_for_every_state_and_for_no_other() -> None:
    assert set(STATES) == set().union(*(states(kind) for kind in TABLES))


def test_an_alert_begins_when_it_fires() -> None:
    assert TABLES["alert"][None] == {"firing", "suppressed"}
    assert not legal("alert", None, "pending")
    assert states("alert") >= OPEN
    assert states("task") >= OPEN_TASK


def test_what_was_withdrawn_stays_so() -> None:
    assert all(not legal("alert", "withdrawn", after) for after in states("alert"))
