"""A stream of calls and replies whose alerts are known beforehand, and the books that must balance.

Every deal gets a call; some get a reply in time. The rule fires once for each call without one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaProducer

from schemas.canonical import partition_of
from schemas.envelope import decode_event
from schemas.time import format_instant
from streams.kernel.contract import SHARED, SHARED_CHANGE, Record
from streams.runtimes.cluster.codec import line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.topology import ALERTS, NOTIFICATIONS, SALES_EVENTS
from tests.integration.cluster.trial import Read, read_all

ZONE = ZoneInfo("Asia/Shanghai")
WITHIN = 4

RULE = f"""\
rule: no-reply
title: No reply
watch: opportunity
when:
  missing_after:
    after: {{type: activity.logged, where: {{field: kind, op: eq, value: call}}}}
    expect: {{type: activity.logged, where: {{field: kind, op: eq, value: reply}}}}
    within: {WITHIN}s
then: [{{notify: {{to: ["user:li"]}}}}]
"""


def person(name: str) -> Entry:
    """Somebody who can be told."""
    data = {"person": name, "mail": f"{name}@example.com"}
    event = {"id": name, "src": "hr", "type": "person.updated", "time": 0, "data": data}
    return Entry("commands", SHARED, SHARED_CHANGE, {"what": "person", "event": event}, 0)


class Load:
    """Makes events and remembers what must come of them."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.unanswered: set[str] = set()

    def deals(self, numbers: Iterable[int]) -> list[Entry]:
        """Deals, each of an account that has ten."""
        return [
            self._event(
                "opportunity.created", f"c{n}", opportunity=f"d{n}", account=f"a{n // 10}", owner="li"
            )
            for n in numbers
        ]

    def calls(self, numbers: Iterable[int]) -> list[Entry]:
        """A call of each deal; those with an even number are answered at once."""
        found = []
        for n in numbers:
            found.append(self._event("activity.logged", f"l{n}", opportunity=f"d{n}", kind="call"))
            if n % 2:
                self.unanswered.add(f"d{n}")
        return found

    def replies(self, numbers: Iterable[int]) -> list[Entry]:
        """A reply of each deal with an even number."""
        return [
            self._event("activity.logged", f"r{n}", opportunity=f"d{n}", kind="reply")
            for n in numbers
            if n % 2 == 0
        ]

    def quotes(self, numbers: Iterable[int]) -> list[Entry]:
        """Quotes, each of an account that gets ten."""
        return [
            self._event("quote.sent", f"q{n}", quote=f"q{n}", account=f"a{n // 10}", amount=7, owner="li")
            for n in numbers
        ]

    def merges(self, accounts: Iterable[int]) -> list[Entry]:
        """Each of these accounts becomes part of the next one."""
        return [self._event("account.merged", f"m{n}", account=f"a{n}", into=f"a{n + 1}") for n in accounts]

    def _event(self, type_: str, name: str, **data: Any) -> Entry:
        self.sent.append(name)
        record = {
            "specversion": "1.0", "id": name, "source": "crm", "type": type_, "data": data,
            "time": format_instant(time.time_ns() // 1000),
        }  # fmt: skip
        return entry_of(decode_event(record, zone=ZONE), 0)


async def append(cluster: Cluster, entries: Sequence[Entry], rate: float = 0) -> None:
    """Append entries to the intake topics, `rate` a second (0: as fast as it goes), retrying for as long as
    Kafka is away.
    """
    async with AIOKafkaProducer(enable_idempotence=True, linger_ms=5, **cluster.options) as producer:
        begun, sent = time.monotonic(), []
        for count, entry in enumerate(entries):
            if rate and (ahead := count / rate - (time.monotonic() - begun)) > 0.01:
                await asyncio.sleep(ahead)
            number = 0 if entry.key == SHARED else partition_of(entry.key, cluster.partitions)
            key, value, headers = line(Record(entry.topic, entry.key, entry.kind, entry.value, 0))
            sent.append(
                await producer.send(
                    cluster.name(entry.topic), key=key, value=value, headers=headers, partition=number
                )
            )
        await asyncio.gather(*sent)


class Books:
    """What came out of a cluster."""

    def __init__(self, records: Sequence[Read]) -> None:
        self.events = Counter(r.value["id"] for r in records if r.topic == SALES_EVENTS and r.kind == "event")
        alerts = [r.value for r in records if r.topic == ALERTS]
        self.fired = Counter(a["key"] for a in alerts if a["state"] == "firing")
        self.other = [(a["key"], a["state"], a["reason"]) for a in alerts if a["state"] != "firing"]
        self.transitions = Counter(a["id"] for a in alerts)
        self.alerts = alerts
        self.notes = Counter(r.value["id"] for r in records if r.topic == NOTIFICATIONS)
        self.letters = [r.value["error"] for r in records if r.topic.endswith(".dlq")]

    def problems(self, load: Load) -> dict[str, Any]:
        """What does not balance; empty when all does."""
        wanted = Counter(dict.fromkeys(load.unanswered, 1))
        return {
            name: found
            for name, found in {
                "lost events": sorted(set(load.sent) - set(self.events))[:10],
                "doubled events": [name for name, count in self.events.items() if count > 1][:10],
                "lost alerts": sorted((wanted - self.fired).elements())[:10],
                "false or doubled alerts": sorted((self.fired - wanted).elements())[:10],
                "doubled transitions": [name for name, count in self.transitions.items() if count > 1][:10],
                "doubled messages": [name for name, count in self.notes.items() if count > 1][:10],
                "withdrawn": self.other[:10],
                "dead letters": self.letters[:3],
            }.items()
            if found
        }


TOPICS = (SALES_EVENTS, ALERTS, NOTIFICATIONS, f"{SALES_EVENTS}.dlq", "crm.activity.dlq", "notices.dlq")


async def books(cluster: Cluster) -> Books:
    """What has come out so far."""
    return Books([one async for one in read_all(cluster, TOPICS)])


async def settled(cluster: Cluster, load: Load, seconds: float) -> tuple[Books, float]:
    """Wait until all that was sent has come out, and a second more for what should not; what, when."""
    begun = time.monotonic()
    while True:
        found = await books(cluster)
        done = set(load.sent) <= set(found.events) and load.unanswered <= set(found.fired)
        if done or time.monotonic() - begun > seconds:
            took = time.monotonic() - begun
            await asyncio.sleep(1)
            return await books(cluster), took
        await asyncio.sleep(0.3)


async def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


def rules(folder: Path) -> None:
    """Put the rule into a workspace."""
    for old in (folder / "rules").glob("*.yaml"):
        old.unlink()
    (folder / "rules" / "no-reply.yaml").write_text(RULE, "utf-8")
