"""Disk full, database locked, failing disk, odd values: nothing lost, nothing twice."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas.errors import StreamError, WorkspaceError
from streams.kernel.contract import Context, Record, Step, Wait
from streams.runtimes.embedded.clock import ManualClock, ScaledClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from streams.stores.sqlite import SqliteStore
from streams.topology import SALES_EVENTS, MachineSpec
from tests.integration.embedded.dump import differences, dump
from tests.integration.embedded.machines import HOUR, MACHINES, START, Counter, Front, events

END = START + 10_000 * HOUR
MINUTE = HOUR // 60


class FailingConnection(sqlite3.Connection):
    """Fails at the writing statement number `fail_at`. statements: their count before the close."""

    fail_at: ClassVar[int] = 0
    count: ClassVar[int] = 0
    statements: ClassVar[int] = 0

    def _count(self, sql: str) -> None:
        if sql.startswith(("SELECT", "PRAGMA")):
            return
        FailingConnection.count += 1
        if FailingConnection.count == FailingConnection.fail_at:
            raise sqlite3.OperationalError("disk I/O error")

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._count(sql)
        return super().execute(sql, *values)

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._count(sql)
        return super().executemany(sql, *values)


class SmallDisk(sqlite3.Connection):
    """A database that may not grow beyond `pages`."""

    pages: ClassVar[int] = 1_000_000

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql.startswith("BEGIN"):
            super().execute(f"PRAGMA max_page_count = {SmallDisk.pages}")
        return super().execute(sql, *values)


def retried(action: Callable[[], object], code: str) -> int:
    """Do it again as long as it fails with `code`; how often it failed."""
    failures = 0
    while True:
        try:
            action()
        except StreamError as error:
            if error.code != code or failures > 1000:
                raise
            failures += 1
        else:
            return failures


def ready(runtime: EmbeddedRuntime) -> bool:
    return runtime.ready and runtime.problem is None


def run(directory: Path, entries: Sequence[Entry], options: Options, code: str) -> int:
    """Import and work off, trying again after each failure."""
    directory.mkdir()
    runtime = EmbeddedRuntime(directory, clock=ManualClock(END), options=options)
    failures = 0
    for start in range(0, len(entries), 100):
        chunk = entries[start : start + 100]
        failures += retried(partial(runtime.append_history, chunk), code)
        failures += retried(runtime.process, code)
    failures += retried(runtime.finish_history, code)
    failures += retried(runtime.process, code)
    assert ready(runtime)
    FailingConnection.statements = FailingConnection.count
    runtime.close()
    return failures


FAILING = Options(machines=MACHINES, batch_entries=50, connection=FailingConnection)


def fail_at(number: int) -> None:
    FailingConnection.count, FailingConnection.fail_at = 0, number


def test_a_failure_at_any_statement_changes_nothing(tmp_path: Path) -> None:
    entries = list(events(230))
    fail_at(0)
    run(tmp_path / "calm", entries, FAILING, "none")
    statements = FailingConnection.statements
    calm = dump(tmp_path / "calm")
    assert statements > 60
    for number in range(31, statements, 7):
        fail_at(number)
        directory = tmp_path / f"fail{number}"
        assert run(directory, entries, FAILING, "SW-STREAM-023") == 1
        assert differences(calm, dump(directory)) == {}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def runtime(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedRuntime]:
    SmallDisk.pages = 1_000_000
    options = Options(machines=MACHINES, connection=SmallDisk, busy_seconds=0.01, batch_ms=60_000)
    made = EmbeddedRuntime(tmp_path, clock=clock, options=options)
    yield made
    made.close()


def some(count: int, name: str = "e") -> list[Entry]:
    value = {"deal": 0, "amount": 5, "wait": 2}
    return [
        Entry("crm.activity", f"deal:{n}", "event", {**value, "id": f"{name}{n}", "account": n}, 0)
        for n in range(count)
    ]


def test_a_workspace_opens_after_a_failed_opening(tmp_path: Path) -> None:
    options = Options(machines=MACHINES, connection=FailingConnection)
    for number in (1, 5, 20):
        fail_at(number)
        with pytest.raises(WorkspaceError, match="SW-WS-022"):
            EmbeddedRuntime(tmp_path, options=options)
    fail_at(0)
    EmbeddedRuntime(tmp_path, options=options).close()


def test_a_full_disk_stops_the_work_until_there_is_space(runtime: EmbeddedRuntime) -> None:
    runtime.append(some(2000))
    SmallDisk.pages = 1
    with pytest.raises(StreamError, match="SW-STREAM-021"):
        runtime.process()
    assert not ready(runtime)
    with pytest.raises(StreamError, match="SW-STREAM-021"):
        runtime.append(some(2000, "f"))
    assert runtime.backlog == 2000
    SmallDisk.pages = 1_000_000
    assert runtime.process().entries == 2000
    assert ready(runtime)
    assert runtime.armed == 2000


def stores() -> int:
    return sum(isinstance(found, SqliteStore) for found in gc.get_objects())


def test_failures_do_not_pile_up_in_memory(runtime: EmbeddedRuntime) -> None:
    """The cyclic collector may come by once in ten minutes; a full disk is tried twice a second."""
    runtime.append(some(100))
    SmallDisk.pages = 1
    gc.collect()
    before = stores()
    gc.disable()
    try:
        for _ in range(5):
            with pytest.raises(StreamError, match="SW-STREAM-021"):
                runtime.process()
        assert stores() <= before  # the last failure's traceback still shows where it came from
    finally:
        gc.enable()


def test_a_locked_database_is_waited_for(runtime: EmbeddedRuntime, tmp_path: Path) -> None:
    runtime.append(some(10))
    other = sqlite3.connect(tmp_path / "stagewatch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for action in (runtime.process, partial(runtime.append, some(1))):
        with pytest.raises(StreamError, match="SW-STREAM-022"):
            action()
    assert not ready(runtime)
    other.execute("ROLLBACK")
    other.close()
    assert runtime.process().entries == 10
    assert ready(runtime)


def test_a_scaled_workspace_stays_marked(tmp_path: Path) -> None:
    options = Options(machines=MACHINES)
    runtime = EmbeddedRuntime(tmp_path, clock=ScaledClock(3600, START), options=options)
    runtime.append(some(1))
    assert runtime.scaled
    assert START <= runtime.at < START + 100 * HOUR
    runtime.close()
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(START - 5 * HOUR), options=options)
    assert runtime.scaled
    runtime.append(some(1))
    assert runtime.at >= START
    runtime.close()


@pytest.mark.parametrize("value", [2**70, {"x": object()}, "\ud800"])
def test_an_entry_that_cannot_be_stored_is_refused(runtime: EmbeddedRuntime, value: object) -> None:
    with pytest.raises(StreamError, match="SW-STREAM-024"):
        runtime.append([*some(1), Entry("crm.activity", "deal:1", "event", value, 0)])
    assert ready(runtime)
    assert runtime.received == 0
    runtime.append(some(1))
    assert runtime.process().entries == 1


class Careless(Counter):
    """Writes what no store can hold: in a row, in an output, in a wait's row."""

    def on_event(self, ctx: Context, record: Record) -> Step:
        step = super().on_event(ctx, record)
        if record.value["id"] == "e3":
            ctx.put("odd", "row", 2**70)
        if record.value["id"] == "e5":
            ctx.emit("alerts", ctx.key, "odd", object())
        return step

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        step = super().on_wait(ctx, wait)
        if ctx.key == "account:7":
            ctx.put("odd", "row", 2**64)
        return step


def test_a_step_that_cannot_be_stored_is_a_dead_letter_alone(tmp_path: Path, clock: ManualClock) -> None:
    specs = (
        MachineSpec("front", lambda _: Front(), ("crm.activity",)),
        MachineSpec("counter", lambda _: Careless(), (SALES_EVENTS,), "front"),
    )
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=Options(machines=specs))
    runtime.append(some(10))
    progress = runtime.process()
    assert (progress.entries, progress.dead) == (10, 2)
    clock.advance(2 * HOUR)
    assert runtime.tick()
    progress = runtime.process()
    assert (progress.entries, progress.dead) == (1, 1)
    assert len(runtime.poll_outputs("alerts")) == 7
    runtime.close()
    assert [(row[1], row[3]) for row in dump(tmp_path)["dlq"]] == [
        ("counter", "account:3"),
        ("counter", "account:5"),
        ("counter", "account:7"),
    ]
