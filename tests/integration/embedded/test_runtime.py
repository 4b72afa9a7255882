"""The embedded runtime: what goes in comes out once, whatever the batches; time, dead letters, lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from schemas.errors import StreamError, WorkspaceError
from streams.kernel.contract import SHARED, Context, Record, Step, Wait
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.intake import RAW, entries_of
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.log import Logged
from streams.stores.memory import MemoryStore
from streams.topology import SALES_EVENTS, MachineSpec
from tests.integration.embedded.dump import differences, dump
from tests.integration.embedded.machines import HOUR, MACHINES, START, Counter, events

Open = Callable[..., EmbeddedRuntime]
OPTIONS = Options(machines=MACHINES)


@pytest.fixture
def opened() -> Iterator[Open]:
    runtimes: list[EmbeddedRuntime] = []

    def make(directory: Path, *, options: Options = OPTIONS, now: int = START) -> EmbeddedRuntime:
        directory.mkdir(exist_ok=True)
        runtimes.append(EmbeddedRuntime(directory, clock=ManualClock(now), options=options))
        return runtimes[-1]

    yield make
    for runtime in runtimes:
        runtime.close()


def event(account: int = 1, *, ident: str = "e1", deal: int = 0, wait: int = 1, at: int = 0) -> Entry:
    value = {"id": ident, "deal": deal, "amount": 5, "wait": wait, "account": account}
    return Entry("crm.activity", f"deal:{deal}", "event", value, at)


def import_all(runtime: EmbeddedRuntime, entries: Sequence[Entry], chunk: int = 1000) -> None:
    for start in range(0, len(entries), chunk):
        runtime.append_history(entries[start : start + chunk])
    runtime.process()


def test_history_comes_out_like_in_the_memory_runtime(tmp_path: Path, opened: Open) -> None:
    entries = list(events(3000))
    runtime = opened(tmp_path, now=START + 10_000 * HOUR)
    import_all(runtime, entries)
    pipeline = Pipeline(lambda machine, number: MemoryStore(), 4, MACHINES)
    for entry in entries:
        while not pipeline.take(entry):
            pass
        pipeline.sweep_some(4)
    while pipeline.sweep_some():
        pass
    for topic in ("alerts", "notifications"):
        outs = [out for out in pipeline.outs if out.emit.topic == topic]
        found = runtime.poll_outputs(topic, limit=100_000)
        assert len(found) > 50
        assert [(r.key, r.kind, r.value, r.at, r.feed, r.n) for r in found] == [
            (o.emit.key, o.emit.kind, o.emit.value, o.at, o.feed, o.n) for o in outs
        ]


@pytest.mark.parametrize(
    "options",
    [
        Options(machines=MACHINES, batch_entries=1),
        Options(machines=MACHINES, batch_entries=37, cache_rows=10),
        Options(machines=MACHINES, batch_ms=0),
    ],
)
def test_replay_gives_the_same_bytes_whatever_the_batches(
    tmp_path: Path, opened: Open, options: Options
) -> None:
    first = opened(tmp_path / "a", now=START + 10_000 * HOUR)
    import_all(first, list(events(2000)))
    first.finish_history(START + 9_000 * HOUR)
    first.process()
    first.close()
    log = dump(tmp_path / "a")[f"log:{RAW}/0"]
    again = opened(tmp_path / "b", now=START + 10_000 * HOUR, options=options)
    lines = [(r.key, r.kind, r.value, r.at, r.feed, r.n) for r in log]
    again.append_history(entries_of(lines)[:1500])
    again.process(max_entries=700)
    again.close()
    again = opened(tmp_path / "b", now=START + 10_000 * HOUR, options=options)
    again.append_history(entries_of(lines)[1500:])
    again.process()
    again.close()
    assert differences(dump(tmp_path / "a"), dump(tmp_path / "b")) == {}


def test_time_passes_only_when_a_wait_is_due(tmp_path: Path, opened: Open) -> None:
    clock = ManualClock(START)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=OPTIONS)
    runtime.append([event(wait=2)])
    assert runtime.process().idle
    clock.advance(HOUR)
    assert not runtime.tick()
    assert runtime.backlog == 0
    clock.advance(HOUR)
    assert runtime.tick()
    assert not runtime.tick()
    progress = runtime.process()
    assert (progress.entries, progress.waits, progress.outputs) == (1, 1, 1)
    [alert] = runtime.poll_outputs("alerts")
    assert (alert.position, alert.at, alert.value["due"]) == (0, START + 2 * HOUR, START + 2 * HOUR)
    assert runtime.next_due() == START + 3 * HOUR
    runtime.close()
    marks = [r for r in dump(tmp_path)["log:sales.events/0"] if r.kind == "watermark"]
    assert [mark.at for mark in marks] == [START + 2 * HOUR]


def test_a_new_workspace_takes_its_rules_at_zero(tmp_path: Path, opened: Open) -> None:
    runtime = opened(tmp_path)
    runtime.append([Entry("crm.activity", SHARED, "shared", {"rule": "r", "after": HOUR}, 77)])
    assert (runtime.at, runtime.phase) == (0, "new")
    runtime.append_history([event(at=START - 50), event(ident="e2", at=START - 60)])
    runtime.append([Entry("crm.activity", SHARED, "shared", {"rule": "s", "after": HOUR}, 77)])
    runtime.append_history([event(ident="e3", at=START + 10**15)])
    assert (runtime.at, runtime.phase) == (START, "history")
    assert not runtime.tick()
    runtime.append([event(ident="e4")])
    assert runtime.phase == "live"
    runtime.append_history([event(ident="e5", at=5)])
    runtime.close()
    ats = [record.at for record in dump(tmp_path)[f"log:{RAW}/0"]]
    assert ats == [0, START - 50, START - 50, START - 50, START, START, START]


def test_a_refused_record_is_a_dead_letter_and_can_be_replayed(tmp_path: Path, opened: Open) -> None:
    seen: list[int] = []
    runtime = opened(tmp_path)
    runtime.subscribe(lambda committed: seen.append(len(committed.dead)))
    runtime.append([event(), Entry("crm.activity", "deal:9", "event", {"id": "x"}, 0), event(ident="e2")])
    assert runtime.process().dead == 1
    assert seen == [1]
    runtime.replay_dead(1)
    assert runtime.process().dead == 1
    with pytest.raises(StreamError, match="SW-STREAM-026"):
        runtime.replay_dead(1)
    with pytest.raises(StreamError, match="SW-STREAM-026"):
        runtime.replay_dead(77)
    runtime.close()
    letters = dump(tmp_path)["dlq"]
    assert [(row[1], row[3], row[4], row[5]) for row in letters] == [
        ("front", "deal:9", "SW-STREAM-024", 1),
        ("front", "deal:9", "SW-STREAM-024", 3),
    ]


class Moody(Counter):
    """Refuses everything while it is not `good`."""

    good: ClassVar[bool] = False

    def on_event(self, ctx: Context, record: Record) -> Step:
        self._check()
        return super().on_event(ctx, record)

    def on_wait(self, ctx: Context, wait: Wait) -> Step:
        self._check()
        return super().on_wait(ctx, wait)

    def _check(self) -> None:
        if not Moody.good:
            raise StreamError("SW-STREAM-012")


def test_refused_records_and_waits_of_later_machines_are_replayed(tmp_path: Path) -> None:
    specs = (MACHINES[0], MachineSpec("counter", lambda _: Moody(), (SALES_EVENTS,), "front"))
    clock = ManualClock(START)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=Options(machines=specs))
    Moody.good = False
    runtime.append([event()])
    assert runtime.process().dead == 1
    Moody.good = True
    clock.advance(HOUR)
    runtime.replay_dead(1)
    assert runtime.process().dead == 0
    assert runtime.next_due() == START + 2 * HOUR
    Moody.good = False
    clock.advance(HOUR)
    assert runtime.tick()
    assert runtime.process().dead == 1
    Moody.good = True
    runtime.replay_dead(2)
    assert runtime.process().dead == 0
    assert [(r.key, r.at) for r in runtime.poll_outputs("alerts")] == [("account:1", START + 2 * HOUR)]
    runtime.close()


@pytest.mark.parametrize("by", ["tick", "event"])
def test_ten_thousand_alerts_at_once_span_transactions(tmp_path: Path, opened: Open, by: str) -> None:
    clock = ManualClock(START)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=OPTIONS)
    for chunk in range(10):
        runtime.append([event(account=chunk * 1000 + n, ident=f"{chunk}/{n}") for n in range(1000)])
    runtime.process()
    assert runtime.armed == 10_000
    clock.advance(HOUR)
    if by == "tick":
        assert runtime.tick()
    else:
        runtime.append([event(account=20_000, ident="last", wait=9)])
    progress = runtime.process(max_ms=0)
    assert (progress.entries, progress.batches) == (0, 1)
    runtime.close()
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=OPTIONS)
    progress = runtime.process()
    assert progress.entries == 1
    assert progress.batches > 10
    alerts = runtime.poll_outputs("alerts", limit=20_000)
    assert len({alert.value["alert"] for alert in alerts}) == len(alerts) == 10_000
    assert runtime.armed == (3 if by == "tick" else 4)
    at = [record.at for record in alerts]
    assert at == [START + HOUR] * 10_000
    runtime.close()
    order = [(r.kind, r.position) for r in dump(tmp_path)[f"log:{RAW}/0"]][-1]
    assert order == ("tick" if by == "tick" else "event", 10_000)


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path, opened: Open) -> None:
    first = opened(tmp_path)
    with pytest.raises(WorkspaceError, match="SW-WS-021") as refused:
        EmbeddedRuntime(tmp_path, options=OPTIONS)
    assert str(os.getpid()) in refused.value.found
    first.close()
    opened(tmp_path).append([event()])
    with pytest.raises(StreamError, match="SW-STREAM-027"):
        first.append([event()])


def test_outputs_are_polled_by_position(tmp_path: Path, opened: Open) -> None:
    told: list[Logged] = []
    runtime = opened(tmp_path, now=START + 10_000 * HOUR)
    runtime.subscribe(lambda committed: told.extend(committed.outputs))
    import_all(runtime, list(events(1500)))
    polled: list[Logged] = []
    while page := runtime.poll_outputs("alerts", polled[-1].position if polled else -1, 7):
        polled += page
    assert [record.position for record in polled] == list(range(len(polled)))
    assert polled == [record for record in told if record.topic == "alerts"]
