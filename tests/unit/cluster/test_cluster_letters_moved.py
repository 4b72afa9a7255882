"""Dead letters of a workspace become those of a cluster and come back; each is tried where it belongs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.canonical import partition_of
from schemas.errors import EventError
from streams.kernel.contract import SHARED, Record, Sweep, Wait
from streams.runtimes.cluster.codec import value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.letters import again
from streams.runtimes.migration.cluster_letters import from_cluster, to_cluster
from streams.runtimes.migration.letters import distinct
from streams.stores.sqlite_dlq import IMPORT, DeadLetter, as_plain

CLUSTER = Cluster({}, Path("unused"), partitions=4)
ERROR = EventError("SW-STREAM-041", found="x").to_dict()


def letter(machine: str, what: Record | Wait | Sweep) -> DeadLetter:
    topic = what.topic if isinstance(what, Record) else ""
    return DeadLetter(0, what.at, machine, topic, what.key, "SW-STREAM-041", -1, False, ERROR, as_plain(what))


def moved(one: DeadLetter) -> list[tuple[str, int, dict[str, Any]]]:
    """(topic, partition, value) of its records."""
    lines = to_cluster(one, CLUSTER).items()
    return [(topic, number, value_of(line[1])) for (topic, number), found in lines for line in found]


@pytest.mark.parametrize(
    ("machine", "what", "topic"),
    [
        ("account", Record("sales.events", "account:a", "event", {"id": "1"}, 5), "sales.events.dlq"),
        ("account", Wait("account:a", "t|x", 5, 6), "sales.events.dlq"),
        ("account", Sweep("account:a", {"why": "rule"}, 6), "sales.events.dlq"),
        ("identity", Record("erp.orders", "order:7", "event", {"id": "1"}, 5), "erp.orders.dlq"),
        ("inbox", Wait("person:li", "remind|1", 5, 6), "notices.dlq"),
        (IMPORT, Record(IMPORT, "file.csv", "row", {"row": 1}, 5), "events.dlq"),
    ],
)
def test_a_letter_keeps_its_place_and_comes_back(
    machine: str, what: Record | Wait | Sweep, topic: str
) -> None:
    one = letter(machine, what)
    [(where, number, value)] = moved(one)
    assert (where, number) == (topic, partition_of(what.key, 4))
    assert from_cluster(value) == one
    if machine != IMPORT:
        home = CLUSTER.spec(machine).inputs[0]
        assert list(again(value, "name")) == [(home, number)]


def test_a_change_that_all_partitions_share_is_one_letter_in_a_workspace() -> None:
    one = letter("account", Record("sales.events", SHARED, "shared", {"what": "rule"}, 5))
    found = moved(one)
    assert [number for _, number, _ in found] == [0, 1, 2, 3]
    assert distinct(from_cluster(value) for _, _, value in found) == [one]


def test_an_entry_that_broke_goes_its_way_again_as_it_came() -> None:
    [(topic, number, value)] = moved(letter("", Record("erp.orders", "order:7", "event", {"id": "1"}, 5)))
    assert (topic, number) == ("erp.orders.dlq", partition_of("order:7", 4))
    [((where, home), [(key, body, headers)])] = again(value, "name").items()
    assert (where, home, key, value_of(body)) == ("erp.orders", number, b"order:7", {"id": "1"})
    assert [name for name, _ in headers] == ["sw", "sw-letter"]


def test_what_nobody_could_read_keeps_its_bytes() -> None:
    one = letter("", Record("crm.activity", "", "unread", {"key": None, "value": "eA==", "headers": []}, 5))
    [(topic, _, value)] = moved(one)
    assert (topic, value["what"], value["raw"]["value"]) == ("crm.activity.dlq", None, "eA==")
    assert from_cluster(value) == one
