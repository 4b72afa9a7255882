"""One contract suite for every view: SQLite, and Redis where a redis-server is installed.

Views are told transitions in order, twice, in another order, in other batches; `Model` says what is right.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.stores.log import Logged
from streams.views.port import KEPT, OPEN_STATES
from tests.contract.redis_server import RedisServer, redis_server
from tests.contract.view_contract import (
    OPENED,
    TOPICS,
    Harness,
    Model,
    RedisHarness,
    SqliteHarness,
    fits,
    histories,
    told,
    transition,
    walked,
)

KINDS = ["sqlite", "redis"] if shutil.which("redis-server") else ["sqlite"]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture(params=KINDS)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made = make(request, tmp_path, KEPT)
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    """A view that keeps two closed items of each topic."""
    made = make(request, tmp_path, 2)
    yield made
    made.close()


def make(request: pytest.FixtureRequest, folder: Path, keep: int) -> Harness:
    if request.param == "sqlite":
        return SqliteHarness(folder, keep)
    return RedisHarness(request.getfixturevalue("server").url, keep)


def test_the_last_transition_and_the_first_instant_stand(harness: Harness) -> None:
    reader = told(harness, [transition("x", 1, data={"name": "华东"}), transition("x", 2, "resolved")])
    item = reader.get("alerts", "x")
    assert item is not None
    assert (item.opened, item.at, item.position, item.n) == (OPENED + 1, OPENED + 2, 20, 2)
    assert item.value == transition("x", 2, "resolved", data={"name": "华东"}).value
    assert [row["state"] for row in reader.history("alerts", "x")] == ["firing", "resolved"]
    assert "data" not in reader.history("alerts", "x")[1]
    assert (reader.get("alerts", "y"), reader.history("alerts", "y")) == (None, [])
    assert reader.get("tasks", "x") is None


def test_other_records_are_passed_over(harness: Harness) -> None:
    other = Logged("notifications", 0, 0, "k", "notification", {"id": "m"}, OPENED, 0, 0)
    mark = Logged("alerts", 0, 0, "", "watermark", None, OPENED, 0, 0)
    reader = told(harness, [other, mark, transition("x", 1)])
    assert [item.id for item in reader.items("alerts")] == ["x"]


def test_nothing_told_is_nothing_found(harness: Harness) -> None:
    reader = told(harness, [])
    assert (reader.items("alerts"), reader.find("alerts", ""), reader.count_open("alerts")) == ([], [], 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(records=histories(), data=st.data())
def test_order_repeats_and_batches_change_nothing(
    harness: Harness, records: list[Logged], data: st.DataObject
) -> None:
    harness.empty()
    order = data.draw(st.permutations(records))
    order = order + data.draw(st.lists(st.sampled_from(records), max_size=3))
    cut = data.draw(st.integers(0, len(order)))
    told(harness, order[:cut])
    reader = told(harness, order[cut:])
    for topic in TOPICS:
        right = Model(records).items(topic)
        assert reader.items(topic, newest_first=False) == right
        assert reader.items(topic) == right[::-1]
        opened = [item for item in right if item.value["state"] in OPEN_STATES[topic]]
        assert reader.items(topic, open_only=True) == opened[::-1]
        assert reader.count_open(topic) == len(opened)
        for item in right:
            known = [r.value for r in records if r.topic == topic and r.value["item"] == item.id]
            assert reader.history(topic, item.id) == known


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    records=histories(),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "state": st.lists(st.sampled_from(["firing", "resolved", "open", "requested"]), max_size=3),
            "severity": st.lists(st.sampled_from(["warning", "critical"]), min_size=1, max_size=2),
            "receiver": st.lists(st.sampled_from(["person:1", "person:2", "team:东"]), max_size=3),
            "account": st.lists(st.sampled_from(["K1", "", "K2"]), max_size=2),
        },
    ),
    newest_first=st.booleans(),
    size=st.integers(1, 3),
)
def test_filters_and_pages(
    harness: Harness,
    records: list[Logged],
    filters: dict[str, list[str]],
    newest_first: bool,
    size: int,
) -> None:
    harness.empty()
    reader = told(harness, records)
    for topic in TOPICS:
        right = [item for item in Model(records).items(topic) if fits(item, filters)]
        found = walked(reader, topic, size, filters=filters, newest_first=newest_first)
        assert list(found) == (right[::-1] if newest_first else right)


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_go_on_within_one_instant(harness: Harness, newest_first: bool) -> None:
    names = [f"{number:03}" for number in range(257)]
    reader = told(harness, [transition(name, 1, at=OPENED) for name in names])
    asked = {"newest_first": newest_first, "rule": "r1"}
    found = [item.id for item in walked(reader, "alerts", 50, **asked)]
    assert found == (names[::-1] if newest_first else names)
    after = (OPENED, "100x")
    page = reader.items("alerts", after=after, limit=2, newest_first=newest_first)
    assert [item.id for item in page] == (["100", "099"] if newest_first else ["101", "102"])


def test_an_unknown_filter_is_refused(harness: Harness) -> None:
    with pytest.raises(KeyError):
        harness.reader.items("alerts", colour="red")


def test_items_of_an_alert_and_beginnings_of_ids(harness: Harness) -> None:
    reader = told(
        harness,
        [
            *(transition(f"t{number:02}", 1, "open", topic="tasks", alert="A7") for number in range(25)),
            transition("u", 1, "open", topic="tasks", alert="A8", at=OPENED - 1),
            transition("客户", 1, "requested", topic="approvals"),
        ],
    )
    assert [item.id for item in reader.of_alert("tasks", "A8")] == ["u"]
    assert [item.id for item in reader.of_alert("tasks", "A7")] == [f"t{n:02}" for n in range(25)]
    assert reader.of_alert("approvals", "A7") == []
    assert [item.id for item in reader.find("tasks", "t1")] == [f"t1{n}" for n in range(10)]
    assert [item.id for item in reader.find("tasks", "")] == [f"t{n:02}" for n in range(20)]
    assert [item.id for item in reader.find("approvals", "客")] == ["客户"]
    assert reader.find("tasks", "v") == []


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_of_closed_items_those_that_closed_last_are_kept(small: Harness, data: st.DataObject) -> None:
    """However the transitions come, if those of an item come in order; and told twice it is the same."""
    small.empty()
    records = data.draw(histories())
    lanes: dict[tuple[str, str], list[Logged]] = {}
    for record in records:
        lanes.setdefault((record.topic, str(record.value["item"])), []).append(record)
    mixed: list[Logged] = []
    while lanes:
        lane = data.draw(st.sampled_from(sorted(lanes)))
        mixed.append(lanes[lane].pop(0))
        if not lanes[lane]:
            del lanes[lane]
    for record in mixed:
        small.view.project([record])
    small.view.project(mixed)
    small.settle()
    for topic in TOPICS:
        expected = Model(records).kept(topic, 2)
        found = small.reader.items(topic, newest_first=False, limit=-1)
        assert [item.id for item in found] == [item.id for item in expected]
        assert small.reader.count(topic) == len(expected)
        for gone in {item.id for item in Model(records).items(topic)} - {item.id for item in expected}:
            assert small.reader.history(topic, gone) == []
            assert small.reader.find(topic, gone) == [i for i in expected if i.id.startswith(gone)]
