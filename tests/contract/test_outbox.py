"""What every `OutboxStore` must do, tried on each: in memory, and in the workspace's database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Fact, Notification, encode_notification
from connectors.channels.outbox import MINUTE, SECOND, OutboxRow, OutboxStore
from stagewatch.service.outbox import SqliteOutbox
from streams.stores.log import Log
from streams.stores.sqlite_db import Database
from streams.topology import NOTIFICATIONS

NOW = 1_772_409_600_000_000


class Harness(Protocol):
    """An empty store, and how messages enter it."""

    @property
    def store(self) -> OutboxStore: ...

    async def put(self, *notes: Notification, now: int = NOW) -> None:
        """Enter messages, due at once."""
        ...

    def close(self) -> None: ...


class MemoryHarness:
    """The reference."""

    def __init__(self, directory: Path) -> None:
        self.store = MemoryOutbox()

    async def put(self, *notes: Notification, now: int = NOW) -> None:
        for one in notes:
            self.store.put(one, now)

    def close(self) -> None:
        pass


class SqliteHarness:
    """Messages enter from the log, in its order."""

    def __init__(self, directory: Path) -> None:
        self._writer = Database(directory)
        self._log = Log(self._writer)
        self.store = SqliteOutbox(directory, lambda record: record)

    async def put(self, *notes: Notification, now: int = NOW) -> None:
        values = [msgspec.json.decode(encode_notification(one)) for one in notes]
        self._log.append(NOTIFICATIONS, 0, [("person:li", "notification", v, NOW, 0, 0) for v in values])
        self._writer.commit()
        await self.store.enter(now)

    def close(self) -> None:
        self.store.close()
        self._writer.close()


@pytest.fixture(params=[MemoryHarness, SqliteHarness])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made: Harness = request.param(tmp_path)
    yield made
    made.close()


def note(name: str, channel: str = "email") -> Notification:
    return Notification(
        id=name, channel=channel, receiver="li", address="li@example.com", subject="催办", text="一\n二",
        reason="fired", at=NOW, alert="a1", facts=(Fact("金额", "5"),), language="zh",
    )  # fmt: skip


def names(rows: Sequence[OutboxRow]) -> list[str]:
    """The ids of rows, in their order."""
    return [row.notification.id for row in rows]


async def test_a_message_comes_out_as_it_went_in(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    assert await outbox.store.due(NOW, 10, "a") == [OutboxRow(note("n1"), NOW, NOW)]
    assert await outbox.store.next_due("a") == NOW


async def test_an_id_enters_once_even_when_it_is_settled(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    await outbox.put(note("n1"), now=NOW + SECOND)
    assert [row.entered for row in await outbox.store.due(NOW + SECOND, 10, "a")] == [NOW]
    await outbox.store.mark_sent("n1", "a", "250", NOW)
    await outbox.put(note("n1"))
    assert await outbox.store.due(NOW + MINUTE, 10, "a") == []
    assert await outbox.store.next_due("a") is None


async def test_the_earliest_come_first_by_instant_then_id_up_to_the_limit(outbox: Harness) -> None:
    await outbox.put(note("n3"), note("n1"))
    await outbox.put(note("n0"), now=NOW + SECOND)
    assert await outbox.store.due(NOW - 1, 10, "a") == []
    assert names(await outbox.store.due(NOW, 10, "a")) == ["n1", "n3"]
    assert names(await outbox.store.due(NOW + SECOND, 10, "a")) == ["n1", "n3", "n0"]
    assert names(await outbox.store.due(NOW + SECOND, 2, "a")) == ["n1", "n3"]


async def test_channels_may_be_left_out(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    await outbox.put(note("n2", "wecom"), now=NOW + SECOND)
    assert names(await outbox.store.due(NOW + SECOND, 10, "a", {"email"})) == ["n2"]
    assert await outbox.store.next_due("a", {"email"}) == NOW + SECOND
    assert await outbox.store.next_due("a", {"email", "wecom"}) is None


async def test_a_lease_keeps_others_away_until_it_ends(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    assert await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    assert not await outbox.store.claim("n1", "b", NOW + MINUTE, NOW)
    assert await outbox.store.due(NOW, 10, "b") == []
    assert await outbox.store.next_due("b") == NOW + MINUTE
    [mine] = await outbox.store.due(NOW, 10, "a")
    assert (mine.owner, mine.lease_until) == ("a", NOW + MINUTE)
    assert await outbox.store.claim("n1", "a", NOW + 2 * MINUTE, NOW), "the same owner after a restart"
    assert await outbox.store.claim("n1", "b", NOW + 9 * MINUTE, NOW + 2 * MINUTE)


async def test_nobody_claims_what_is_not_due_or_not_there(outbox: Harness) -> None:
    await outbox.put(note("n1"), now=NOW + SECOND)
    assert not await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    assert not await outbox.store.claim("gone", "a", NOW + MINUTE, NOW + MINUTE)


async def test_a_retry_counts_gives_the_lease_back_and_waits(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    await outbox.store.mark_retry("n1", "a", NOW + SECOND, "421 busy")
    assert await outbox.store.due(NOW, 10, "a") == []
    [row] = await outbox.store.due(NOW + SECOND, 10, "b")
    assert row == OutboxRow(note("n1"), NOW, NOW + SECOND, attempts=1, last_reason="421 busy")


@pytest.mark.parametrize("owner", ["b", "nobody"])
async def test_whoever_has_no_lease_decides_nothing(outbox: Harness, owner: str) -> None:
    await outbox.put(note("n1"))
    await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    await outbox.store.mark_retry("n1", owner, NOW + SECOND, "late")
    await outbox.store.mark_failed("n1", owner, "late", NOW)
    [row] = await outbox.store.due(NOW, 10, "a")
    assert (row.attempts, row.owner) == (0, "a")


async def test_a_final_failure_is_over(outbox: Harness) -> None:
    await outbox.put(note("n1"))
    await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    await outbox.store.mark_failed("n1", "a", "550", NOW)
    assert await outbox.store.due(NOW + MINUTE, 10, "a") == []
    assert not await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)


async def test_what_was_sent_stays_sent_whoever_says_so_and_however_often(outbox: Harness) -> None:
    await outbox.put(note("n1"), note("n2"))
    await outbox.store.claim("n1", "b", NOW + MINUTE, NOW)
    for _ in range(2):
        await outbox.store.mark_sent("n1", "a", "250", NOW)
    await outbox.store.mark_retry("n1", "b", NOW, "late")
    await outbox.store.mark_failed("n1", "b", "late", NOW)
    assert names(await outbox.store.due(NOW + MINUTE, 10, "b")) == ["n2"]
    await outbox.store.mark_sent("gone", "a", "250", NOW)


async def test_what_became_of_messages_is_told_once_and_survives_a_restart(tmp_path: Path) -> None:
    outbox = SqliteHarness(tmp_path)
    await outbox.put(note("n1"), note("n2"), note("n3"))
    await outbox.store.mark_sent("n2", "a", "250", NOW + SECOND)
    await outbox.store.claim("n1", "a", NOW + MINUTE, NOW)
    await outbox.store.mark_failed("n1", "a", "550", NOW + MINUTE)
    found = await outbox.store.settled(10)
    assert [(m.id, m.state, m.note) for m in found] == [("n2", "sent", "250"), ("n1", "failed", "550")]
    assert [m.id for m in await outbox.store.settled(1)] == ["n2"]
    await outbox.store.told(["n2"])
    outbox.close()
    again = SqliteOutbox(tmp_path, lambda record: record)
    assert [m.id for m in await again.settled(10)] == ["n1"]
    await again.told(["n1"])
    assert await again.settled(10) == []
    again.close()
