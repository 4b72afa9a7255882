"""Partitions are split and joined while clocks stand behind, merges wait for time and keys hold records."""

from __future__ import annotations

from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kernel.contract import Store
from streams.kernel.driver import Partition
from streams.machines.account.machine import AccountMachine
from streams.machines.identity.machine import IdentityMachine
from streams.machines.keys import entity_key
from streams.topology import MACHINES
from tests.property.account_moves.cluster import AccountCluster, Choose
from tests.property.account_moves.histories import BEGIN, DAY, RULES, Move, Story, plans, rule_text, tell
from tests.property.account_moves.test_account_moves_interleavings import standing
from tests.property.migration.repartitioned import repartitioned
from tests.unit.identity.cluster import SECOND, first

Cut = tuple[int, int]
"""(events before it, partitions after it)"""

cuts = st.lists(st.tuples(st.integers(3, 20), st.integers(1, 4)), min_size=1, max_size=3)


def repartition(cluster: AccountCluster, partitions: int) -> None:
    """Take all rows over into so many partitions; no record may be on its way."""
    assert not any(cluster.logs.values())
    old: dict[tuple[str, int], Store] = {}
    for name, parts in (("identity", cluster.identity), ("account", cluster.ledger)):
        for part in parts:
            part.checkpoint()
            assert not part.sweeping
            old[(name, part.number)] = part.store
    new, numbers = repartitioned(old, partitions, MACHINES[:2]), range(partitions)
    cluster.partitions = partitions
    cluster.identity = [
        Partition(IdentityMachine(partitions), new[("identity", n)], n, [n], stamps=True) for n in numbers
    ]
    cluster.ledger = [Partition(AccountMachine(), new[("account", n)], n, numbers) for n in numbers]


def reads(
    story: Story, partitions: int, choose: Choose, turns: list[int], moves: list[Cut]
) -> tuple[AccountCluster, int]:
    """A cluster that is told the story and moved at some events; how often something was under way then."""
    cluster, under_way = AccountCluster(partitions), 0
    for name in RULES:
        value = {"what": "rule", "rule": name, "text": rule_text(name), "on": True}
        cluster.at = BEGIN - DAY
        cluster.send("", value, kind="shared", topic="commands")
    cluster.settle(choose, BEGIN - DAY + SECOND)
    for (place, told), steps in zip(enumerate(story.events), cycle(turns), strict=False):
        for where, count in moves:
            if where == place:
                cluster.run(choose)
                under_way += bool(cluster.under_way()) or any(part.held for part in cluster.ledger)
                repartition(cluster, count)
        value = {"id": f"{told.type}-{told.native}-{told.at}", "src": "crm", "type": told.type,
                 "time": BEGIN + told.time, "data": told.data}  # fmt: skip
        cluster.at = BEGIN + told.at - SECOND
        cluster.send(entity_key(told.kind, "", told.native), value)
        cluster.take_steps(choose, steps)
    cluster.settle(choose, BEGIN + story.events[-1].at + 30 * DAY)
    return cluster, under_way


@settings(max_examples=25)
@given(plans, st.integers(1, 4), st.lists(st.integers(0, 12), min_size=1, max_size=6), cuts, st.data())
def test_the_same_alerts_stand(
    plan: list[Move], partitions: int, turns: list[int], moves: list[Cut], data: st.DataObject
) -> None:
    story = tell(plan)
    choose = data.draw(st.randoms(use_true_random=False)).choice
    moved, _ = reads(story, partitions, choose, turns, moves)
    still, _ = reads(story, partitions, first, [1_000], [])
    assert moved.codes() == []
    assert moved.under_way() == []
    here = {name for _, name, _ in still.rows("e")}
    assert {name for _, name, _ in moved.rows("e")} == here
    assert standing(moved, here) == standing(still, here)


def test_that_happens_while_moves_are_under_way() -> None:
    """A deal changes its customer while the clock stands: what came is held until it goes on."""
    plan = [(0, 0, 0, 2, 1), (3, 0, 0, 0, 1), (13, 0, 1, 0, 30), (3, 0, 0, 0, 50), (0, 2, 0, 3, 11)] * 3
    _, under_way = reads(tell(plan), 3, first, [0, 1], [(place, 1 + place % 3) for place in range(4, 12)])
    assert under_way > 0
