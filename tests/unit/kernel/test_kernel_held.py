"""A key's waits and records take turns by their times, however far the clock jumps at once."""

from __future__ import annotations

import pytest

from streams.kernel.contract import Context, Record, Step, Sweep, Wait
from streams.kernel.driver import Partition
from streams.stores.memory import MemoryStore


class Bell:
    """Rings every ten from the first record on, until it is told to stop."""

    name = "bell"

    def on_event(self, ctx: Context, record: Record) -> Step:
        ctx.emit("said", ctx.key, record.kind, record.at)
        ctx.wait("ring", ctx.at + 10 if record.kind == "start" else None)
        return ctx.step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        ctx.emit("said", ctx.key, "ring", wait.due)
        ctx.wait("ring", wait.due + 10)
        return ctx.step

    def on_sweep(self, ctx: Context, sweep: Sweep) -> Step:
        return ctx.step


def said(partition: Partition) -> list[tuple[str, int]]:
    return [(out.emit.kind, out.emit.value) for out in partition.outs]


@pytest.mark.parametrize("marks", [[100], [20, 100], [14, 15, 16, 33, 100], []])
def test_a_record_that_was_held_comes_before_waits_that_fall_due_after_it(marks: list[int]) -> None:
    partition = Partition(Bell(), MemoryStore(), 0, [0, 1])
    for at, kind in ((5, "start"), (32, "stop"), (41, "start"), (58, "stop")):
        partition.receive(Record("notices", "k", kind, None, at, 0))
    for mark in [*marks, 200]:
        partition.watermark(0, mark)
        partition.watermark(1, mark)
    expected = [
        ("start", 5), ("ring", 15), ("ring", 25), ("stop", 32), ("start", 41), ("ring", 51), ("stop", 58),
    ]  # fmt: skip
    assert said(partition) == expected
    assert partition.held == 0


@pytest.mark.parametrize("late", [12, 14])
def test_what_a_slower_feed_brings_goes_before_what_is_held(late: int) -> None:
    partition = Partition(Bell(), MemoryStore(), 0, [0, 1])
    partition.receive(Record("notices", "k", "start", None, 5, 0))
    partition.receive(Record("notices", "k", "start", None, 40, 0))
    partition.receive(Record("notices", "k", "stop", None, late, 1))
    for feed in (0, 1):
        partition.watermark(feed, 45)
    assert said(partition) == [("start", 5), ("stop", late), ("start", 40)]
    assert partition.held == 0


def test_what_slower_feeds_bring_queues_by_its_time() -> None:
    partition = Partition(Bell(), MemoryStore(), 0, [0, 1, 2])
    for at, kind, feed in ((5, "start", 0), (60, "stop", 0), (32, "start", 1), (41, "start", 1)):
        partition.receive(Record("notices", "k", kind, None, at, feed))
    for feed in (0, 1, 2):
        partition.watermark(feed, 75)
    assert said(partition) == [
        ("start", 5), ("ring", 15), ("ring", 25), ("start", 32), ("start", 41), ("ring", 51), ("stop", 60),
    ]  # fmt: skip
    assert partition.held == 0
