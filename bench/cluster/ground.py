"""What every run on Kafka stands on: events appended fast, alerts watched, probes that tell when all is done.

A probe is a contract that raises an alert. One goes through each pair of an identity partition and an account
partition, behind everything else: when all their alerts are there, all that was sent before is worked off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from bench.workload import REGIONS
from schemas.canonical import partition_of
from schemas.envelope import Event

BATCH_BYTES = 500_000
PATIENCE = 400.0

Alert = tuple[str, str]
"""(rule, id of the entity)."""

Sent = tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]
"""(topic, partition, key, value, headers) of a record to be appended."""

Writes = Callable[[Event], Sent]
"""How somebody wants an event to be given to him."""

Reads = Callable[[bytes], Alert | None]
"""The alert in a record of a topic of alerts; None: it tells of no new one."""


class Ground:
    """The topics of one system, written and read by the bench itself. Use as an asynchronous context manager.

    found: alerts, as often as they were told. when: entity -> first sight of an alert, s since the epoch.
    """

    def __init__(self, broker: str, partitions: int, alerts: str, writes: Writes, reads: Reads) -> None:
        self.partitions = partitions
        self.found: Counter[Alert] = Counter()
        self.when: dict[str, float] = {}
        self._broker, self._alerts, self._writes, self._reads = broker, alerts, writes, reads
        self._rounds = 0
        self._news = asyncio.Condition()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Ground:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._broker, enable_idempotence=True, max_batch_size=BATCH_BYTES
        )
        await self._producer.start()
        self._stack.push_async_callback(self._producer.stop)
        watching = asyncio.create_task(self._watch())
        self._stack.push_async_callback(_ended, watching)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def append(self, events: Iterable[Event]) -> None:
        """Append events in their order, as fast as Kafka takes them."""
        places: dict[tuple[str, int], list[Sent]] = {}
        for event in events:
            sent = self._writes(event)
            places.setdefault(sent[:2], []).append(sent)
        waiting = []
        for (topic, number), records in places.items():
            batch = self._producer.create_batch()
            for _, _, key, value, headers in records:
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    waiting.append(await self._producer.send_batch(batch, topic, partition=number))
                    batch = self._producer.create_batch()
                    batch.append(timestamp=None, key=key, value=value, headers=headers)
            waiting.append(await self._producer.send_batch(batch, topic, partition=number))
        await asyncio.gather(*waiting)

    async def append_one(self, event: Event) -> asyncio.Future[RecordMetadata]:
        """Append an event; its acknowledgement comes later."""
        topic, number, key, value, headers = self._writes(event)
        sending = self._producer.send(topic, value=value, key=key, partition=number, headers=headers)
        return asyncio.ensure_future(await sending)

    async def probe(self) -> list[str]:
        """Send a round of probes; their contracts."""
        self._rounds += 1
        events, contracts = probes(self._rounds, self.partitions)
        await self.append(events)
        return contracts

    async def arrived(self, entities: Iterable[str], seconds: float = PATIENCE) -> None:
        """Wait until all these entities have had an alert.

        Raises:
            TimeoutError: some have not.
        """
        wanted = set(entities)
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: wanted <= self.when.keys())

    async def worked_off(self) -> None:
        """Wait until everything sent so far is worked off."""
        await self.arrived(await self.probe())

    async def _watch(self) -> None:
        """Read the alerts, committed ones only, until cancelled."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._broker,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self._alerts, number) for number in range(self.partitions)])
            while True:
                pages = (await consumer.getmany(timeout_ms=1000)).values()
                await self._told([record.value or b"" for page in pages for record in page], time.time())
        finally:
            await consumer.stop()

    async def _told(self, values: Sequence[bytes], now: float) -> None:
        async with self._news:
            for value in values:
                alert = self._reads(value)
                if alert is not None:
                    self.found[alert] += 1
                    self.when.setdefault(alert[1], now)
            self._news.notify_all()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def told(value: bytes) -> Alert | None:
    """A peer's alert; ours, when it is the first transition of an alert."""
    found = msgspec.json.decode(value)
    return (found["rule"], found["key"]) if found.get("state", "firing") == "firing" else None


# -- probes ------------------------------------------------------------------------------------------------


def probes(number: int, partitions: int) -> tuple[list[Event], list[str]]:
    """Accounts and then contracts of a round, one for each pair of partitions; the ids of the contracts."""
    events: list[Event] = []
    contracts: list[str] = []
    for target in range(partitions):
        account = _hashing(f"P{number}x", "account:", target, partitions)
        events.append(probe_account(account))
        for way in range(partitions):
            contract = _hashing(f"HT{account}-", "contract:", way, partitions)
            events.append(probe_contract(contract, account))
            contracts.append(contract)
    return events, contracts


def probe_account(account: str) -> Event:
    """An account that the rules on large contracts concern."""
    data = {"account": account, "name": account, "tier": "S", "region": REGIONS[0], "owner": "rep1"}
    return Event(f"a-{account}", "bench", "account.updated", now(), data)


def probe_contract(contract: str, account: str) -> Event:
    """A contract that raises an alert at once."""
    data = {"contract": contract, "account": account, "amount": "900000", "currency": "CNY", "owner": "rep1"}
    return Event(
        f"c-{contract}", "bench", "contract.drafted", now(), {**data, "version": 1, "ends_on": "2036-12-31"}
    )


def _hashing(prefix: str, kind: str, wanted: int, partitions: int) -> str:
    tries = (f"{prefix}{number}" for number in range(1_000_000))
    return next(name for name in tries if partition_of(kind + name, partitions) == wanted)


def present(event: Event) -> Event:
    """The event, of now."""
    return msgspec.structs.replace(event, time=now())


def now() -> int:
    """The present, us."""
    return time.time_ns() // 1000
