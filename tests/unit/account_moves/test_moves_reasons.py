"""What people and lists are told of a move: why an alert ended, and where its entity is now."""

from __future__ import annotations

import pytest

from schemas.canonical import partition_of
from streams.kernel.contract import Rows
from streams.machines.account.moves.whereabouts import found_at
from tests.unit.account.desk import Desk
from tests.unit.account_moves.test_moves_rows import KEY, PARTS, create


@PARTS
@pytest.mark.parametrize(("how", "reason"), [("merge", "merged"), ("move", "moved")])
def test_an_alert_that_ends_by_a_move_says_so(how: str, reason: str, parts: int) -> None:
    desk = Desk(KEY, partitions=parts)
    desk.event("0d", "account.updated", account="A1", tier="A")
    desk.event("0d", "account.updated", account="A2", tier="B")
    create(desk, "0d")
    assert desk.alerts() == [("O1", "firing", "condition_met")]
    if how == "merge":
        desk.event("1d", "account.merged", account="A1", into="A2")
    else:
        desk.event("1d", "opportunity.updated", opportunity="O1", account="A2")
    assert desk.alerts()[1:] == [("O1", "withdrawn", reason)]


@PARTS
def test_who_asks_where_an_entity_was_learns_where_it_is(parts: int) -> None:
    desk = Desk(KEY, partitions=parts)
    create(desk, "0d")
    create(desk, "0d", "O2", "A9")
    desk.event("1d", "opportunity.updated", opportunity="O1", account="A2")
    desk.event("2d", "account.merged", account="A2", into="A3")
    desk.event("3d", "account.merged", account="A3", into="A4")

    def rows_of(key: str) -> Rows:
        return desk.runtime.stores["account", partition_of(key, parts)]

    for home in ("account:A1", "account:A2", "account:A3", "account:A4"):
        assert found_at(rows_of, home, "opportunity", "O1") == "account:A4"
    assert found_at(rows_of, "account:A9", "opportunity", "O2") == "account:A9"
    assert found_at(rows_of, "account:A1", "opportunity", "O2") == "account:A1"
