"""What records become on their way: CloudEvents in both modes, misplaced ones, poison; replayed letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deploy.local.kafka import Kafka
from schemas.canonical import partition_of
from schemas.cloudevents import encode_kafka, encode_kafka_binary
from schemas.envelope import decode_event
from schemas.errors import StreamError
from schemas.topics import dlq_of
from streams.runtimes.cluster.codec import PLACE
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import LetterBox, letters_of, replay
from streams.runtimes.cluster.letters import again
from streams.runtimes.memory import entry_of, event_value
from streams.topology import SALES_EVENTS
from tests.integration.cluster.trial import Trial, cluster_of

ZONE = ZoneInfo("Asia/Shanghai")
PARTITIONS = 3
TOPIC = "crm.activity"

pytestmark = pytest.mark.real


def deal(name: str, **more: Any) -> dict[str, Any]:
    """A CloudEvents record of a deal of that name."""
    data = {"opportunity": name, "account": f"a-{name}", "owner": "li", **more}
    return {
        "specversion": "1.0", "id": f"e-{name}", "source": "crm", "type": "opportunity.created",
        "time": "2026-03-02T09:00:00Z", "data": data, "tenant": "north",
    }  # fmt: skip


async def send(
    trial: Trial, number: int, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
) -> None:
    await trial.producer.send_and_wait(
        trial.cluster.name(TOPIC), value=value, key=key, partition=number, headers=list(headers)
    )
    await trial.settle()


@pytest.fixture
def cluster(kafka: Kafka, tmp_path: Path, request: pytest.FixtureRequest) -> Cluster:
    return cluster_of(kafka.address, tmp_path, f"r{abs(hash(request.node.name)):x}", PARTITIONS)


async def test_both_modes_of_cloudevents_become_what_the_intake_makes(cluster: Cluster) -> None:
    async with Trial(cluster) as trial:
        expected = {}
        for name, encode in (("s", encode_kafka), ("b", encode_kafka_binary)):
            event = decode_event(deal(name), zone=ZONE)
            headers, value = encode(event)
            number = partition_of(entry_of(event, 0).key, PARTITIONS)
            await send(trial, number, b"any", value, headers)
            expected[f"account:a-{name}"] = event_value(event)
        found = {r.key: r.value for r in await trial.read(SALES_EVENTS) if r.kind == "event"}
    assert found == expected


async def test_records_in_a_wrong_partition_are_brought_where_they_belong(cluster: Cluster) -> None:
    async with Trial(cluster) as trial:
        event = decode_event(deal("m"), zone=ZONE)
        right = partition_of(entry_of(event, 0).key, PARTITIONS)
        headers, value = encode_kafka(event)
        await send(trial, (right + 1) % PARTITIONS, b"m", value, headers)
        moved = [r for r in await trial.read(TOPIC) if r.kind == "event"]
        events = [r.value for r in await trial.read(SALES_EVENTS) if r.kind == "event"]
    assert [r.partition for r in moved] == [right]
    assert events == [event_value(event)]


HOME = partition_of("k", PARTITIONS)
POISON = [
    (b"\xff\xfe", (), "SW-EVENT"),
    (b"{}", (), "SW-EVENT"),
    (b"{}", ((PLACE, b"event"),), "SW-STREAM-041"),
    (b"not json", ((PLACE, b"event 1 0 0 "),), "SW-STREAM-041"),
    (b'{"what": 7}', ((PLACE, b"kind.of.2031 1 0 0 "),), "SW-STREAM-041"),
]


async def test_poison_goes_to_the_letters_with_reason_place_and_headers(cluster: Cluster) -> None:
    async with Trial(cluster) as trial:
        for value, headers, _ in POISON:
            await send(trial, HOME, b"k", value, [*headers, ("trace", b"t1")])
        plain, good = encode_kafka(decode_event(deal("g"), zone=ZONE))
        await send(trial, HOME, b"k", good, plain)
        letters = [letter.value for letter in await letters_of(cluster)]
        events = [r for r in await trial.read(SALES_EVENTS) if r.kind == "event"]
    assert len(events) == 1
    codes = [letter["error"]["code"] for letter in letters]
    assert [code[: len(want)] for code, (_, _, want) in zip(codes, POISON, strict=True)] == [
        p[2] for p in POISON
    ]
    assert [letter["position"]["offset"] for letter in letters] == list(range(len(POISON)))
    assert {letter["topic"] for letter in letters} == {TOPIC}
    assert all("trace" in dict(letter["raw"]["headers"]) for letter in letters if letter["raw"])


async def test_a_letter_is_brought_back_once_however_often_it_is_replayed(cluster: Cluster) -> None:
    async with Trial(cluster) as trial:
        bad = {"account": "x", "into": "x"}
        merge = {**deal("x"), "id": "m1", "type": "account.merged", "data": bad}
        headers, value = encode_kafka(decode_event(merge, zone=ZONE))
        number = partition_of("account:x", PARTITIONS)
        await send(trial, number, b"x", value, headers)
        first = await letters_of(cluster)
        assert [letter.code for letter in first] == ["SW-STREAM-044"]
        assert first[0].name.startswith(f"{dlq_of(TOPIC)}/{number}/")
        await replay(cluster, [first[0].name])
        await trial.settle()
        with pytest.raises(StreamError, match="SW-STREAM-026"):
            await replay(cluster, [first[0].name])
        for (topic, place), lines in again(first[0].value, first[0].name).items():  # the mark got lost
            for key, body, marks in lines:
                await trial.producer.send_and_wait(
                    cluster.name(topic), key=key, value=body, headers=marks, partition=place
                )
        await trial.settle()
        letters = sorted(await letters_of(cluster), key=lambda letter: letter.number)
        assert [(letter.code, letter.replayed) for letter in letters] == [
            ("SW-STREAM-044", True), ("SW-STREAM-044", False),
        ]  # fmt: skip
        async with LetterBox(cluster, values=False) as box:
            assert box.waiting == 1
