"""In every interleaving no event is lost or doubled, and each entity's events keep their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kernel.contract import Record
from streams.kernel.driver import Out
from streams.machines.keys import entity_key
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, Log, event
from tests.unit.identity.ledger import entity_of

ACCOUNTS = ("A1", "A2", "A3", "A4")
CREATING = {
    "lead": "created", "opportunity": "created", "quote": "created", "invoice": "issued",
    "contact": "updated", "activity": "logged", "account": "updated", "message": "sent",
}  # fmt: skip
PARENTS = {
    "lead": (),
    "opportunity": ("lead",),
    "quote": ("opportunity",),
    "invoice": ("of",),
    "contact": (),
    "activity": ("opportunity", "lead", "contact"),
    "message": ("external",),
    "account": (),
}
numbers = st.sampled_from(("1", "2"))
accounts = st.sampled_from(ACCOUNTS)
namespaces = st.sampled_from(("", "", "", "erp"))

Sent = tuple[str, str, str, dict[str, Any]]
"""kind, namespace, native id, data"""


@st.composite
def plain(draw: st.DrawFn) -> Sent:
    """An event of an entity that may name its account, its parent, or nothing."""
    kind = draw(st.sampled_from(sorted(CREATING)))
    native = draw(accounts if kind == "account" else numbers)
    data: dict[str, Any] = {}
    if kind != "account" and draw(st.booleans()):
        data["account"] = draw(accounts)
    for field in PARENTS[kind]:
        if draw(st.booleans()):
            data[field] = draw(numbers)
    if kind == "message" and "external" in data:
        data["platform"] = "wecom"
    if kind == "contact":
        data["im"] = {"wecom": draw(numbers)}
    if kind == "account" and draw(st.booleans()):
        data["ids"] = [{"namespace": draw(st.sampled_from(("", "erp"))), "id": draw(accounts)}]
    return f"{kind}.{CREATING[kind]}", draw(namespaces), native, data


@st.composite
def merged(draw: st.DrawFn) -> Sent:
    """A wish to merge two accounts, or an account with itself."""
    return "account.merged", draw(namespaces), draw(accounts), {"into": draw(accounts)}


@st.composite
def converted(draw: st.DrawFn) -> Sent:
    """A lead that became business."""
    data = {"account": draw(accounts), "opportunity": draw(numbers)}
    return "lead.converted", draw(namespaces), draw(numbers), data


sent = st.one_of(plain(), plain(), plain(), merged(), converted())
steps = st.lists(st.tuples(sent, st.integers(0, 6), st.integers(-3, 3)), max_size=25)


class World:
    """A cluster and what was sent into it, by entity."""

    def __init__(self, partitions: int) -> None:
        self.cluster = Cluster(partitions)
        self.order: dict[str, list[str]] = {}
        self.keys: dict[str, str] = {}

    def send(self, what: Sent, time: int) -> None:
        type_, namespace, native, data = what
        kind = type_.partition(".")[0]
        name = f"e{sum(map(len, self.order.values()))}"
        entity = f"{kind}|{namespace}|{native}"
        self.order.setdefault(entity, []).append(name)
        self.keys[entity] = entity_key(kind, namespace, native)
        self.cluster.send(self.keys[entity], event(type_, name, time, **{kind: native}, **data))

    def make_all_known(self) -> None:
        """Name the account of everything that somebody waits for, until nobody waits."""
        for _ in range(20):
            waiting = self.cluster.waiting()
            if not waiting:
                return
            item = waiting[0]
            kind = item.kind
            what = (f"{kind}.{CREATING[kind]}", item.namespace, item.native, {"account": "A1"})
            self.send(what, MARCH + 10**9)
            self.cluster.run()
        raise AssertionError(self.cluster.waiting())


def refused(cluster: Cluster) -> set[str]:
    """Ids of events that identity refused; wishes to merge refused later were sent on as events before."""
    assert set(cluster.codes()) <= {"SW-STREAM-044", "SW-STREAM-045"}
    records = [dead.what for dead in cluster.dead if isinstance(dead.what, Record)]
    return {record.value["id"] for record in records if record.kind == "event"}


def emitted(outs: list[Out]) -> dict[str, list[str]]:
    """entity -> ids of its events in the order in which identity sent them on."""
    found: dict[str, list[str]] = {}
    for out in outs:
        if out.emit.kind == "event":
            found.setdefault(str(entity_of("event", out.emit.value)), []).append(out.emit.value["id"])
    return found


def check(world: World) -> None:
    """The property."""
    lost = refused(world.cluster)
    expected = {entity: [n for n in names if n not in lost] for entity, names in world.order.items()}
    expected = {entity: names for entity, names in expected.items() if names}
    assert emitted(world.cluster.sent) == expected
    kept = {e: [sorted(ids) for ids in found.values()] for e, found in world.cluster.places().items()}
    assert kept == {entity: [sorted(names)] for entity, names in expected.items()}
    for state in world.cluster.keys().values():
        assert (state.coming, state.queues, state.wholes) == ({}, {}, {})
    check_moves(world.cluster.sent)


def check_moves(outs: list[Out]) -> None:
    """Each move begins once, each partition confirms it once and sends nothing to the old key after."""
    begun: dict[str, dict[str, Any]] = {}
    confirmed: dict[str, list[int]] = {}
    closed: set[tuple[int, str]] = set()
    for out in outs:
        value, key = out.emit.value, out.emit.key
        if out.emit.kind == "move.begin":
            assert value["move"] not in begun
            begun[value["move"]] = value
        elif out.emit.kind == "move.confirm":
            confirmed.setdefault(value["move"], []).append(value["partition"])
            assert key == begun[value["move"]]["from"]
            if value["move"].startswith("merge:"):
                closed.add((out.feed, key))
        elif out.emit.kind == "event":
            assert (out.feed, key) not in closed
    assert {m: len(p) for m, p in confirmed.items()} == {m: v["partitions"] for m, v in begun.items()}
    assert all(len(set(p)) == len(p) for p in confirmed.values())


@settings(max_examples=150)
@given(steps, st.integers(1, 4), st.data())
def test_no_interleaving_loses_doubles_or_reorders(
    plan: list[tuple[Sent, int, int]], partitions: int, data: st.DataObject
) -> None:
    world = World(partitions)
    random = data.draw(st.randoms(use_true_random=False))
    choose: Callable[[list[Log]], Log] = random.choice
    for what, turns, late in plan:
        world.send(what, MARCH + late * SECOND)
        world.cluster.take_steps(choose, turns)
    world.cluster.run(choose)
    world.make_all_known()
    check(world)


@given(st.lists(st.tuples(accounts, accounts), min_size=1, max_size=8), st.data())
def test_merges_at_the_same_time_leave_one_survivor_for_each_group(
    wishes: list[tuple[str, str]], data: st.DataObject
) -> None:
    world = World(3)
    for account in ACCOUNTS:
        world.send(("account.updated", "", account, {}), MARCH)
        world.send(("opportunity.created", "", account, {"account": account}), MARCH)
    for account, into in wishes:
        world.send(("account.merged", "", account, {"into": into}), MARCH)
    world.cluster.run(data.draw(st.randoms(use_true_random=False)).choice)
    for account in ACCOUNTS:
        world.send(("opportunity.updated", "", account, {"account": account}), MARCH)
    world.cluster.run()
    check(world)
    merges = [part.store.scan("", "merge") for part in world.cluster.identity]
    tables = [dict(rows) for rows in merges]
    assert all(table == tables[0] for table in tables)
    assert all(survivor not in tables[0] for survivor in tables[0].values())
    assert len(tables[0]) < len(ACCOUNTS)
