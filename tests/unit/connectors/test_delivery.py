"""The delivery loop over stores and channels that fail at chosen moments. No network, no real time."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import msgspec
import pytest

from connectors.channels.channel import (
    AbsentChannel,
    Channel,
    Delivered,
    MemoryChannel,
    Outcome,
    Permanent,
    PreparingChannel,
    Temporary,
)
from connectors.channels.delivery import Delivery
from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Link, Notification, decode_notification, encode_notification
from connectors.channels.outbox import HOUR, MINUTE, SECOND, OutboxRow


class Clock:
    """Sleeping moves the time."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        """The time of the test."""
        return self.time

    async def sleep(self, us: int) -> None:
        """Moves the time."""
        self.time += us
        await asyncio.sleep(0)


class StoreDownError(Exception):
    """The store's own trouble, for example a locked database."""


class FlakyOutbox(MemoryOutbox):
    """Fails in the next `broken` calls of mark_sent."""

    broken = 0

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """Fails or marks."""
        if self.broken > 0:
            self.broken -= 1
            raise StoreDownError
        await super().mark_sent(notification, owner, receipt, at)


def note(name: str, channel: str = "email") -> Notification:
    return Notification(
        id=name, channel=channel, receiver="p", address="p@k.example", subject="s", text="t", reason="r", at=0
    )


def delivery(
    store: MemoryOutbox, *channels: Channel, clock: Clock | None = None, owner: str = "a"
) -> Delivery:
    return Delivery({each.name: each for each in channels}, store, clock or Clock(), owner=owner)


def failing(outcome: Outcome) -> Callable[[Notification], Outcome]:
    return lambda notification: outcome


async def test_receipt_that_cannot_be_written_is_kept_and_the_message_not_sent_again() -> None:
    store, channel, clock = FlakyOutbox(), MemoryChannel("email"), Clock()
    store.put(note("n1"), 0)
    loop = delivery(store, channel, clock=clock)
    store.broken = 3
    for _ in range(3):
        with pytest.raises(StoreDownError):
            await loop.run_once()
        clock.time += 10 * MINUTE
    assert await loop.next_round() == clock.time
    assert await loop.run_once() == 0
    assert channel.tried == 1
    assert store.sent["n1"] == ("kept n1", 0)


async def test_crash_between_acceptance_and_commit_is_the_only_way_to_a_second_message() -> None:
    store, channel = FlakyOutbox(), MemoryChannel("email")
    store.put(note("n1"), 0)
    store.broken = 1
    with pytest.raises(StoreDownError):
        await delivery(store, channel).run_once()
    await delivery(store, channel).run_once()
    assert [each.id for each in channel.sent] == ["n1", "n1"]
    assert list(store.sent) == ["n1"]


async def test_other_process_waits_for_the_lease_and_the_same_one_does_not() -> None:
    store, clock = MemoryOutbox(), Clock()
    store.put(note("n1"), 0)
    assert await store.claim("n1", "a", 4 * MINUTE, 0)
    assert await delivery(store, MemoryChannel("email"), clock=clock, owner="b").run_once() == 0
    assert await delivery(store, MemoryChannel("email"), clock=clock, owner="a").run_once() == 1


async def test_two_processes_send_each_message_once() -> None:
    store, channel = MemoryOutbox(), MemoryChannel("email")
    for number in range(50):
        store.put(note(f"n{number}"), 0)
    await asyncio.gather(*(delivery(store, channel, owner=name).run_once() for name in "ab"))
    assert len(channel.sent) == len(store.sent) == 50


async def test_channel_in_trouble_is_probed_by_one_message_and_others_flow() -> None:
    store, clock = MemoryOutbox(), Clock()
    mail = MemoryChannel("email", failing(Temporary("absent", scope="channel")))
    chat = MemoryChannel("wecom")
    for number in range(300):
        store.put(note(f"a{number:03}"), 0)
    store.put(note("z", "wecom"), 0)
    loop = delivery(store, mail, chat, clock=clock)
    assert await loop.run_once() == 1
    assert await loop.run_once() == 1
    assert (mail.tried, list(store.sent)) == (1, ["z"])
    due = await loop.next_round()
    assert due is not None
    assert 20 * SECOND < due < 40 * SECOND
    clock.time = due
    assert await loop.run_once() == 1
    mail.plan = failing(Delivered("ok"))
    clock.time += 10 * MINUTE
    while await loop.run_once():
        clock.time += MINUTE
    assert len(store.sent) == 301


async def test_unknown_channel_is_a_visible_failure() -> None:
    store = MemoryOutbox()
    store.put(note("n1", "pigeon"), 0)
    await delivery(store, MemoryChannel("email")).run_once()
    assert store.failed["n1"] == ("no channel named 'pigeon' is set up", 0)


async def test_messages_of_a_channel_that_is_not_set_up_wait_and_those_of_an_unknown_one_fail() -> None:
    store, clock = MemoryOutbox(), Clock()
    store.put(note("n1"), 0)
    store.put(note("n2", "pigeon"), 0)
    loop = delivery(store, AbsentChannel("email"), clock=clock)
    assert await loop.run_once() == 1
    clock.time += 100 * HOUR
    assert await loop.run_once() == 0
    assert store.waiting["n1"].attempts == 0
    assert list(store.failed) == ["n2"]
    there = MemoryChannel("email")
    assert await delivery(store, there, clock=clock).run_once() == 1
    assert [sent.id for sent in there.sent] == ["n1"]


async def test_final_failure_is_kept_and_not_tried_again() -> None:
    store = MemoryOutbox()
    channel = MemoryChannel("email", failing(Permanent("no such user")))
    store.put(note("n1"), 0)
    loop = delivery(store, channel)
    assert [await loop.run_once(), await loop.run_once()] == [1, 0]
    assert store.failed["n1"] == ("no such user", 0)
    assert not store.put(note("n1"), 0)


async def test_loop_survives_trouble_of_the_store() -> None:
    class Unreadable(MemoryOutbox):
        async def due(
            self, now: int, limit: int, owner: str, excluding: Collection[str] = ()
        ) -> Sequence[OutboxRow]:
            if not troubles:
                raise StoreDownError
            return await super().due(now, limit, owner, excluding)

    troubles: list[Exception] = []
    store, channel = Unreadable(), MemoryChannel("email")
    store.put(note("n1"), 0)
    loop: Delivery

    def kept(notification: Notification) -> Outcome:
        loop.stop()
        return Delivered("ok")

    channel.plan = kept
    loop = Delivery({"email": channel}, store, Clock(), owner="a", trouble=troubles.append)
    await loop.run()
    assert [type(each) for each in troubles] == [StoreDownError]
    assert list(store.sent) == ["n1"]


async def test_without_somebody_to_tell_trouble_ends_the_loop() -> None:
    store = FlakyOutbox()
    store.broken = 1
    store.put(note("n1"), 0)
    with pytest.raises(StoreDownError):
        await delivery(store, MemoryChannel("email")).run()


async def test_fault_in_a_channel_holds_up_nobody() -> None:
    def faulty(notification: Notification) -> Outcome:
        if notification.id == "n1":
            raise ZeroDivisionError
        return Delivered("ok")

    store = MemoryOutbox()
    for name in ("n1", "n2"):
        store.put(note(name), 0)
    assert await delivery(store, MemoryChannel("email", faulty)).run_once() == 2
    assert list(store.sent) == ["n2"]
    assert store.waiting["n1"].last_reason == "channel fault: ZeroDivisionError: "


async def test_links_are_signed_when_sent_and_not_before() -> None:
    def signed(notification: Notification) -> Notification:
        links = tuple(Link(str(each["label"]), "https://x.example/") for each in notification.wanted)
        return msgspec.structs.replace(notification, links=links, wanted=())

    record = {**msgspec.to_builtins(note("n1")), "wanted": [{"label": "Done", "seen": 3, "item": None}]}
    inner = MemoryChannel("email")
    channel = PreparingChannel(inner, signed)
    stored = decode_notification(encode_notification(decode_notification(record)))
    assert stored.links == ()
    assert isinstance(await channel.send(stored), Delivered)
    assert inner.sent[0].links == (Link("Done", "https://x.example/"),)
    failing_outcome = await channel.send(msgspec.structs.replace(stored, wanted=({},)))
    assert failing_outcome == Temporary("prepare: KeyError: 'label'", alarm=True)
    assert channel.ready_at(7) == 7
    assert channel.name == "email"
    assert len(inner.sent) == 1
