"""The story of the benchmark: what it expects, peers' rules make of it and this project does is one."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from bench.cluster.contest import Balance
from bench.cluster.ground import probes, told
from bench.cluster.peers.deals import LARGE, RULES, SILENT, UNREPORTED, Alert, Rules, State, Story, new_state
from bench.workload import directory
from schemas.canonical import canonical_json, partition_of
from schemas.envelope import Event
from schemas.time import SECOND, parse_instant
from streams.runtimes.memory import MemoryRuntime, entry_of, rule_entry

BASE = parse_instant("2026-03-02T09:30:00Z")
WITHIN = 60 * SECOND
END = BASE + WITHIN + SECOND


@pytest.fixture
def story() -> Story:
    return Story(60, 150, BASE, WITHIN)


def of_a_peer(events: list[Event]) -> Counter[Alert]:
    rules, states = Rules(), dict[str, State]()
    found: Counter[Alert] = Counter()
    for event in events:
        state = states.setdefault(event.data["account"], new_state())
        found.update(rules.take(state, {"type": event.type, "time": event.time, "data": event.data}))
        assert not rules.overdue(state, BASE)
    for state in states.values():
        while (due := rules.next_due(state)) and due <= END:
            found.update(rules.overdue(state, due))
    return found


def of_this_project(events: list[Event]) -> Counter[Alert]:
    runtime = MemoryRuntime(partitions=2)
    runtime.put_all(directory())
    runtime.put_all(rule_entry(text.split()[1], text, 0) for text in RULES.split("---\n"))
    runtime.put_all(entry_of(event, max(BASE, event.time)) for event in events)
    runtime.advance(END)
    transitions: list[dict[str, Any]] = runtime.take_outputs("alerts")
    return Counter(alert for one in transitions if (alert := told(canonical_json(one))) is not None)


def test_all_three_kinds_are_expected_once(story: Story) -> None:
    kinds = Counter(rule for rule, _ in story.alerts())
    assert set(kinds) == {SILENT, LARGE, UNREPORTED}
    assert len(story.alerts()) < 60 + 150


def test_where_nothing_falls_due_only_contracts_are_told(story: Story) -> None:
    timeless = Story(story.accounts, story.more, BASE)
    assert timeless.alerts() == {alert for alert in story.alerts() if alert[0] == LARGE}


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_peers_and_this_project_do_the_same_work(story: Story, seed: int | None) -> None:
    later = list(story.later())
    if seed is not None:
        random.Random(seed).shuffle(later)
    events = [*story.opening(), *later]
    wanted = Counter(dict.fromkeys(story.alerts(), 1))
    assert of_a_peer(events) == wanted
    assert of_this_project(events) == wanted


def test_a_balance_tells_lost_doubled_and_false_alerts_and_leaves_probes_out() -> None:
    a, b, c = (SILENT, "O1"), (LARGE, "C1"), (LARGE, "C2")
    found = Counter({b: 3, c: 1, (LARGE, "HTP1x0-1"): 2})
    assert Balance.of({a, b}, found) == Balance(expected=2, lost=1, doubled=2, false=1)


def test_probes_go_through_every_pair_of_partitions() -> None:
    events, contracts = probes(1, 3)
    drafted = [event.data for event in events if event.type == "contract.drafted"]
    assert [data["contract"] for data in drafted] == contracts
    pairs = {
        (partition_of(f"contract:{data['contract']}", 3), partition_of(f"account:{data['account']}", 3))
        for data in drafted
    }
    assert pairs == {(way, target) for way in range(3) for target in range(3)}
