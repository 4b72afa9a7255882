"""The worker thread: durable answers, group commit, ticks, and going on after failures."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from schemas.errors import StreamError
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.progress import Committed
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.embedded.worker import Pace, Worker
from streams.runtimes.pipeline import Entry
from tests.integration.embedded.dump import dump
from tests.integration.embedded.machines import HOUR, MACHINES, START

FAST = Pace(slice_ms=5, tick_ms=1, retry_ms=1)


def entry(ident: str, value: object = None) -> Entry:
    body = {"id": ident, "deal": 0, "amount": 5, "wait": 1, "account": 1} if value is None else value
    return Entry("crm.activity", "deal:1", "event", body, 0)


class Bench:
    """A worker on a runtime whose clock is set by hand; `outputs` is set when something came out."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(START)
        self.runtime = EmbeddedRuntime(
            directory, clock=self.clock, options=Options(machines=MACHINES, busy_seconds=0.01)
        )
        self.outputs = threading.Event()
        self.runtime.subscribe(self._see)
        self.worker = Worker(self.runtime, FAST)

    def _see(self, committed: Committed) -> None:
        if committed.outputs:
            self.outputs.set()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.worker.stop()
    made.runtime.close()


def test_what_is_handed_in_together_is_one_transaction(bench: Bench, tmp_path: Path) -> None:
    futures = [bench.worker.submit([entry(f"{n}a"), entry(f"{n}b")]) for n in range(50)]
    assert bench.worker.waiting == 50
    bench.worker.start()
    assert [future.result(10) for future in futures] == [(2 * n, 2 * n + 1) for n in range(50)]
    bench.worker.stop()
    database = sqlite3.connect(tmp_path / "stagewatch.db")
    assert database.execute("SELECT count(*) FROM segments WHERE topic = 'intake'").fetchone() == (1,)
    database.close()


def test_one_bad_entry_spoils_only_its_own_submission(bench: Bench) -> None:
    futures = [bench.worker.submit([entry("a")]), bench.worker.submit([entry("b", 2**70)])]
    futures.append(bench.worker.submit([entry("c")]))
    bench.worker.start()
    assert futures[0].result(10) == (0, 0)
    with pytest.raises(StreamError, match="SW-STREAM-024"):
        futures[1].result(10)
    assert futures[2].result(10) == (1, 1)


def test_waits_fire_while_nothing_comes_in(bench: Bench) -> None:
    bench.worker.start()
    bench.worker.submit([entry("a")]).result(10)
    bench.clock.advance(HOUR)
    assert bench.outputs.wait(10)


def test_a_locked_database_is_refused_then_gone_on_with(bench: Bench, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "stagewatch.db", isolation_level=None)
    bench.worker.start()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StreamError, match="SW-STREAM-022"):
        bench.worker.submit([entry("a")]).result(10)
    other.execute("ROLLBACK")
    other.close()
    assert bench.worker.submit([entry("b")]).result(10) == (0, 0)


def test_a_stopped_worker_has_appended_everything_and_takes_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.worker.start()
    futures = [bench.worker.submit([entry(str(n))]) for n in range(200)]
    bench.worker.stop()
    assert sorted(future.result(0)[0] for future in futures) == list(range(200))
    late: Future[tuple[int, int]] = bench.worker.submit([entry("late")])
    with pytest.raises(StreamError, match="SW-STREAM-027"):
        late.result(0)
    bench.runtime.close()
    assert len(dump(tmp_path)["log:intake/0"]) == 200


def test_history_is_appended_as_history(bench: Bench) -> None:
    past = Entry("crm.activity", "deal:1", "event", {"id": "x"}, START - HOUR)
    first, second = bench.worker.submit([past], history=True), bench.worker.submit([past], history=True)
    bench.worker.start()
    assert (first.result(10), second.result(10)) == ((0, 0), (1, 1))
    assert (bench.runtime.phase, bench.runtime.at) == ("history", START - HOUR)
