"""Outbox, delivery loop and a real SMTP server together: nothing lost, nothing doubled, whatever the
server does.

The clock is handed in and jumps; it must not be waited for.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from connectors.channels.channel import Delivered, Temporary
from connectors.channels.delivery import Attempt, Delivery
from connectors.channels.mail import MailChannel, MailSettings
from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Notification
from connectors.channels.outbox import HOUR, MINUTE, SECOND
from tests.integration.mail.mail_server import Mailbox, mail_server

START = 1_772_443_800_000_000


class JumpingClock:
    """Sleeping moves the time and returns at once."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        """The time of the test."""
        return self.time

    async def sleep(self, us: int) -> None:
        """Moves the time."""
        self.time += us
        await asyncio.sleep(0)


def note(number: int, address: str = "") -> Notification:
    return Notification(
        id=f"n-{number:03}",
        channel="email",
        receiver=f"p{number}",
        address=address or f"p{number}@kunde.example",
        subject=f"提醒 {number}",
        text="…",
        reason="fired",
        at=START,
    )


class Bench:
    """A delivery over a memory outbox and one mail channel, with its attempts counted."""

    def __init__(self, settings: MailSettings, clock: JumpingClock) -> None:
        self.clock = clock
        self.store = MemoryOutbox()
        self.attempts: list[Attempt] = []
        self.tried = asyncio.Event()
        self.channel = MailChannel(settings, now=clock.now)
        self.delivery = Delivery({"email": self.channel}, self.store, clock, owner="test", observe=self.note)

    def note(self, attempt: Attempt) -> None:
        """Keeps the attempt."""
        self.attempts.append(attempt)
        self.tried.set()

    async def until(self, done: Callable[[], bool], rounds: int = 2000) -> None:
        """Rounds, with the clock moved to the next one, until `done`; then the connection is closed."""
        for _ in range(rounds):
            if done():
                break
            if await self.delivery.run_once() == 0:
                due = await self.delivery.next_round()
                assert due is not None
                self.clock.time = max(due, self.clock.time + SECOND)
        await self.channel.aclose()
        assert done()


async def test_a_hundred_mails(ca_file: Path) -> None:
    async with mail_server(ca_file) as server:
        bench = Bench(server.settings(), JumpingClock())
        for number in range(100):
            assert bench.store.put(note(number), START)
        await bench.until(lambda: len(bench.store.sent) == 100)
        assert Counter(message["To"].addresses[0].addr_spec for message in server.box.messages) == {
            f"p{number}@kunde.example": 1 for number in range(100)
        }
        assert server.box.connections == 1


async def test_server_absent_for_an_hour_loses_and_doubles_nothing(ca_file: Path) -> None:
    async with mail_server(ca_file) as server:
        settings, port = server.settings(), server.port
    clock = JumpingClock()
    bench = Bench(settings, clock)
    for number in range(20):
        bench.store.put(note(number), START)
    await bench.until(lambda: clock.time >= START + HOUR)
    assert len(bench.store.waiting) == 20
    assert len(bench.attempts) < 60
    assert all(attempt.outcome == bench.attempts[0].outcome for attempt in bench.attempts)
    back = clock.time
    async with mail_server(ca_file, port=port) as server:
        await bench.until(lambda: len(bench.store.sent) == 20)
        assert len(server.box.messages) == 20
        assert len({message["Message-ID"] for message in server.box.messages}) == 20
    assert clock.time - back < 10 * MINUTE


async def test_dropped_line_after_data_is_sent_again_with_the_same_message_id(ca_file: Path) -> None:
    async with mail_server(ca_file, box=Mailbox(hang_up=2)) as server:
        bench = Bench(server.settings(), JumpingClock())
        bench.store.put(note(1), START)
        await bench.until(lambda: len(bench.store.sent) == 1)
        assert server.box.seen_data == 3
        assert [message["Message-ID"] for message in server.box.messages] == ["<n-001@stagewatch.example>"]


async def test_one_bad_address_fails_visibly_and_stops_nobody(ca_file: Path) -> None:
    refuse = Mailbox(rcpt=lambda address: "550 5.1.1 unknown" if address.startswith("gone") else None)
    async with mail_server(ca_file, box=refuse) as server:
        bench = Bench(server.settings(), JumpingClock())
        bench.store.put(note(1), START)
        bench.store.put(note(2, "gone@kunde.example"), START)
        bench.store.put(note(3), START)
        await bench.until(lambda: not bench.store.waiting)
        assert sorted(bench.store.sent) == ["n-001", "n-003"]
        assert bench.store.failed["n-002"][0] == "recipient: 550 5.1.1 unknown"


async def test_server_refusing_for_days_ends_in_a_final_failure(ca_file: Path) -> None:
    async with mail_server(ca_file, box=Mailbox(data=lambda message: "451 4.3.0 later")) as server:
        bench = Bench(server.settings(), JumpingClock())
        bench.store.put(note(1), START)
        await bench.until(lambda: not bench.store.waiting)
        reason, at = bench.store.failed["n-001"]
        assert reason.startswith("given up after 72 h")
        assert reason.endswith("data: 451 4.3.0 later")
        assert START + 72 * HOUR <= at <= START + 73 * HOUR


async def test_limit_per_minute_is_kept(ca_file: Path) -> None:
    async with mail_server(ca_file) as server:
        bench = Bench(server.settings(per_minute=10), JumpingClock())
        for number in range(35):
            bench.store.put(note(number), START)
        await bench.until(lambda: len(bench.store.sent) == 35)
        times = sorted(at for _, at in bench.store.sent.values())
        assert all(later - earlier >= MINUTE for earlier, later in zip(times, times[10:], strict=False))
        assert times[-1] - times[0] < 4 * MINUTE


async def test_loop_runs_until_stopped_and_goes_on_when_woken(ca_file: Path) -> None:
    async with mail_server(ca_file) as server:
        bench = Bench(server.settings(), JumpingClock())
        running = asyncio.create_task(bench.delivery.run())
        bench.store.put(note(1), START)
        bench.delivery.wake()
        await bench.tried.wait()
        bench.delivery.stop()
        await running
        assert list(bench.store.sent) == ["n-001"]
        assert [type(attempt.outcome) for attempt in bench.attempts] == [Delivered]


async def test_channel_trouble_is_told_with_every_attempt(ca_file: Path) -> None:
    async with mail_server(ca_file, box=Mailbox(sender=lambda address: "550 5.7.1 not yours")) as server:
        bench = Bench(server.settings(), JumpingClock())
        for number in range(5):
            bench.store.put(note(number), START)
        await bench.delivery.run_once()
        await bench.channel.aclose()
    [attempt] = bench.attempts
    assert isinstance(attempt.outcome, Temporary)
    assert attempt.outcome.alarm
    assert len(bench.store.waiting) == 5
