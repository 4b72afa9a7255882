"""However the logs of the partitions are read: nothing is lost, doubled, split, or left on its way."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.machines.keys import entity_key
from tests.property.account_moves.cluster import AccountCluster, Choose, small_records
from tests.property.account_moves.histories import (
    BEGIN,
    DAY,
    RULES,
    Move,
    Story,
    plans,
    rule_text,
    settled,
    tell,
)
from tests.property.identity.test_identity_moves import Sent, World, refused, steps
from tests.unit.identity.cluster import MARCH, SECOND, first


class Accounts(World):
    """The world of identity's tests, with real accounts."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.accounts = self.cluster = AccountCluster(partitions)


@settings(max_examples=200)
@given(steps, st.integers(1, 4), st.booleans(), st.data())
def test_no_interleaving_loses_doubles_or_splits(
    plan: list[tuple[Sent, int, int]], partitions: int, small: bool, data: st.DataObject
) -> None:
    world = Accounts(partitions)
    choose = data.draw(st.randoms(use_true_random=False)).choice
    with small_records() if small else nullcontext():
        for what, turns, late in plan:
            world.send(what, MARCH + late * SECOND)
            world.cluster.take_steps(choose, turns)
        world.cluster.run(choose)
        world.make_all_known()
    lost = refused(world.cluster)
    for entity, sent in world.order.items():
        kind, namespace, native = entity.split("|")
        kept = world.accounts.entity_places().get(
            f"{kind}|{namespace}/{native}" if namespace else f"{kind}|{native}"
        )
        names = sorted(name for name in sent if name not in lost)
        assert [sorted(ids) for ids in (kept or {}).values()] == ([names] if names else [])
    assert world.accounts.under_way() == []


def reads(story: Story, partitions: int, choose: Choose, turns: list[int]) -> AccountCluster:
    """A cluster that is told the story, reads as many records after each event as `turns` says, in the end
    all.
    """
    cluster = AccountCluster(partitions)
    for name in RULES:
        value = {"what": "rule", "rule": name, "text": rule_text(name), "on": True}
        cluster.at = BEGIN - DAY
        cluster.send("", value, kind="shared", topic="commands")
    cluster.settle(choose, BEGIN - DAY + SECOND)
    for told, steps_taken in zip(story.events, cycle(turns), strict=False):
        value = {"id": f"{told.type}-{told.native}-{told.at}", "src": "crm", "type": told.type,
                 "time": BEGIN + told.time, "data": told.data}  # fmt: skip
        cluster.at = BEGIN + told.at - SECOND
        cluster.send(entity_key(told.kind, "", told.native), value)
        cluster.take_steps(choose, steps_taken)
    cluster.settle(choose, BEGIN + story.events[-1].at + 30 * DAY)
    return cluster


def standing(cluster: AccountCluster, here: set[str]) -> list[tuple[str, str, int]]:
    """(rule, entity, due) of alerts that stand at the end, of these entities; no transition came twice."""
    transitions = [a for a in cluster.alerts if not a["rule"].startswith("system-")]
    ids = [a["id"] for a in transitions]
    assert len(set(ids)) == len(ids)
    last = {a["alert"]: a for a in sorted(transitions, key=lambda a: int(a["n"]))}
    found = (
        (a["rule"], f"{a['entity']}|{a['key']}", a["due"]) for a in last.values() if a["state"] == "firing"
    )
    return sorted(one for one in found if one[1] in here)


@settings(max_examples=60)
@given(plans, st.integers(1, 4), st.lists(st.integers(0, 12), min_size=1, max_size=6), st.data())
def test_in_every_interleaving_the_same_alerts_stand(
    plan: list[Move], partitions: int, turns: list[int], data: st.DataObject
) -> None:
    story = tell(plan)
    moved = reads(story, partitions, data.draw(st.randoms(use_true_random=False)).choice, turns)
    still = reads(settled(story), 1, first, [1_000])
    assert moved.codes() == []
    assert moved.under_way() == []
    here = {name for _, name, _ in still.rows("e")}
    assert {name for _, name, _ in moved.rows("e")} >= here
    assert standing(moved, here) == standing(still, here)
