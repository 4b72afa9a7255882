"""What the metrics say is true: topics, who refused, how far behind, how long a delivery took, alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.channels.channel import MemoryChannel, Outcome, Temporary, always_delivered
from connectors.channels.delivery import Delivery
from connectors.channels.memory_outbox import MemoryOutbox
from connectors.channels.notification import Notification
from connectors.channels.outbox import HOUR, SECOND
from schemas.envelope import decode_event
from stagewatch.metrics import Metrics
from stagewatch.service.observe import Observer
from streams.kernel.contract import Context, Record, Step
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.topology import MachineSpec
from tests.integration.embedded.machines import MACHINES, START, Front


def observer() -> Observer:
    return Observer(Metrics("0", process=False))


def value(observed: Observer, name: str, **labels: str) -> float | None:
    found: float | None = observed.metrics.registry.get_sample_value(name, labels)
    return found


def lead(number: int, topic: str = "crm.activity") -> Entry:
    event = decode_event(
        {
            "specversion": "1.0", "id": f"e{number}", "source": "crm", "type": "lead.created",
            "time": "2023-11-14T00:00:00Z", "data": {"lead": f"L{number}", "owner": "li.lei"},
        },
        zone=ZoneInfo("Asia/Shanghai"),
    )  # fmt: skip
    entry = entry_of(event, 0)
    return Entry(topic, entry.key, entry.kind, entry.value, 0)


def test_records_are_counted_by_the_topic_they_came_in_by(tmp_path: Path) -> None:
    observed = observer()
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START))
    runtime.subscribe(observed.committed)
    runtime.append_history([lead(1), lead(2), lead(3), lead(4, "erp.orders"), lead(5, "erp.orders")])
    runtime.finish_history()  # a tick of the runtime's own, nobody's event
    assert runtime.process().entries == 6
    runtime.close()
    counted = {
        topic: value(observed, "stagewatch_events_total", topic=topic)
        for topic in ("crm.activity", "erp.orders", "")
    }
    assert counted == {"crm.activity": 3, "erp.orders": 2, "": None}


class Odd(Front):
    """Sends an alert that no view can show."""

    def on_event(self, ctx: Context, record: Record) -> Step:
        if record.value["id"] == "odd":
            ctx.emit("alerts", ctx.key, "transition", {"alert": "no number"})
            return ctx.step
        return super().on_event(ctx, record)


def test_dead_letters_name_the_machine_that_refused(tmp_path: Path) -> None:
    observed = observer()
    specs = (MachineSpec("front", lambda _: Odd(), ("crm.activity",)), *MACHINES[1:])
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START), options=Options(machines=specs))
    runtime.subscribe(observed.committed)
    runtime.append([Entry("crm.activity", "deal:1", "event", {"id": name}, 0) for name in ("x", "y", "odd")])
    runtime.process()
    assert runtime.dead == 3
    runtime.close()
    name = "stagewatch_dead_letters_total"
    assert value(observed, name, machine="front", code="SW-STREAM-024") == 2
    assert value(observed, name, machine="intake", code="SW-STREAM-024") == 1
    assert value(observed, name, machine="", code="SW-STREAM-024") is None


def test_lag_is_the_age_of_what_is_not_worked_off(tmp_path: Path) -> None:
    observed, clock = observer(), ManualClock(START)
    runtime = EmbeddedRuntime(tmp_path, clock=clock)

    def lag() -> float | None:
        observed.gauges(runtime, clock.now())
        found = value(observed, "stagewatch_lag_seconds", machine="account")
        assert found == value(observed, "stagewatch_watermark_age_seconds", machine="inbox")
        return found

    assert lag() == 0
    runtime.append([lead(1), lead(2)])
    clock.advance(30 * SECOND)
    runtime.append([lead(3)])
    assert lag() == 30
    runtime.process(max_entries=2)
    clock.advance(2 * SECOND)
    assert lag() == 2
    runtime.process()
    clock.advance(9 * HOUR)
    assert lag() == 0
    runtime.close()


def test_an_import_of_the_past_is_backlog_and_not_lag(tmp_path: Path) -> None:
    observed = observer()
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START))
    runtime.append_history([lead(1), lead(2)])
    observed.gauges(runtime, START)
    runtime.close()
    assert value(observed, "stagewatch_lag_seconds", machine="identity") == 0
    assert value(observed, "stagewatch_backlog_records", topic="intake") == 2


class Clock:
    """Goes when a channel is slow or the loop sleeps."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time

    async def sleep(self, us: int) -> None:
        self.time += us
        await asyncio.sleep(0)


def delivering(
    observed: Observer, clock: Clock, answer: Callable[[Notification], Outcome], *names: str
) -> Delivery:
    store, channel = MemoryOutbox(), MemoryChannel("email", answer)
    for name in names:
        note = Notification(
            id=name, channel="email", receiver="p", address="p@k.example", subject="s", text="t", reason="r",
            at=0,
        )  # fmt: skip
        store.put(note, clock.now())
    return Delivery({"email": channel}, store, clock, owner="a", observe=observed.attempt)


async def test_a_delivery_counts_the_time_it_took() -> None:
    observed, clock = observer(), Clock()

    def slow(notification: Notification) -> Outcome:
        clock.time += 3 * SECOND
        return Temporary("451 later")

    await delivering(observed, clock, slow, "n1", "n2").run_once()
    assert value(observed, "stagewatch_delivery_seconds_sum", channel="email") == 6
    assert value(observed, "stagewatch_deliveries_total", channel="email", result="retry") == 2
    assert observed.warnings == []


async def test_an_alarm_is_shown_until_the_channel_delivers_again() -> None:
    observed, clock = observer(), Clock()
    refused = Temporary("login: 535 no", scope="channel", alarm=True)
    loop = delivering(observed, clock, lambda _: refused, "n1")
    await loop.run_once()
    assert observed.warnings == ["channel email: login: 535 no"]
    assert value(observed, "stagewatch_delivery_alarm", channel="email") == 1
    assert value(observed, "stagewatch_delivery_alarms_total", channel="email") == 1
    await delivering(observed, clock, lambda _: Temporary("451 later"), "n2").run_once()
    assert observed.warnings == ["channel email: login: 535 no"]
    await delivering(observed, clock, always_delivered, "n3").run_once()
    assert observed.warnings == []
    assert value(observed, "stagewatch_delivery_alarm", channel="email") == 0
    assert value(observed, "stagewatch_delivery_alarms_total", channel="email") == 1
