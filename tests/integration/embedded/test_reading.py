"""The read-only side: views and their rebuild, logs by time, rows; while the writer writes and after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import StreamError, WorkspaceError
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.reader import WorkspaceReader
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from streams.stores.log import SEGMENT_BYTES, Log
from streams.stores.sqlite_db import Database
from streams.topology import MachineSpec
from tests.integration.embedded.dump import differences, dump
from tests.integration.embedded.machines import HOUR, MACHINES, START, Front, events


class Desk(Front):
    """Emits the transition that an event carries."""

    def on_event(self, ctx: Any, record: Any) -> Any:
        ctx.emit(record.value["topic"], record.key, "transition", record.value)
        return ctx.step


DESK = Options(machines=(MachineSpec("desk", lambda _: Desk(), ("crm.activity",)),), logged=())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[EmbeddedRuntime]:
    clock = ManualClock(START)
    runtime = EmbeddedRuntime(tmp_path, clock=clock, options=DESK)
    steps: list[tuple[str, str, str | None, int, str, dict[str, Any]]] = [
        ("alerts", "A1", None, 1, "firing", {"data": {"name": "华东"}}),
        ("tasks", "A1", "T1", 1, "open", {}),
        ("alerts", "A2", None, 1, "firing", {"severity": "critical", "account": "K2"}),
        ("alerts", "A1", None, 2, "acknowledged", {"receivers": ["person:9"]}),
        ("alerts", "A1", None, 1, "firing", {}),
        ("tasks", "A1", "T1", 2, "done", {}),
    ]
    for topic, alert, item, n, state, more in steps:
        clock.advance(HOUR)
        value = {
            "topic": topic, "alert": alert, "item": item, "id": f"{item or alert}/{n}", "n": n,
            "state": state, "severity": "warning",
            "rule": "r1", "account": "K1", "entity": "opportunity", "key": "D1",
            "receivers": ["person:1"], **more,
        }  # fmt: skip
        runtime.append([Entry("crm.activity", "k", "event", value, 0)])
        runtime.process()
    yield runtime
    runtime.close()


def test_the_view_shows_what_stands_and_how_it_came(desk: EmbeddedRuntime, tmp_path: Path) -> None:
    with WorkspaceReader(tmp_path) as reader:
        views = reader.views
        alerts = views.items("alerts")
        assert [(a.id, a.value["state"], a.n) for a in alerts] == [
            ("A2", "firing", 1),
            ("A1", "acknowledged", 2),
        ]
        first = views.get("alerts", "A1")
        assert first is not None
        assert (first.opened, first.at) == (START + HOUR, START + 4 * HOUR)
        assert first.value["data"] == {"name": "华东"}
        assert [t["state"] for t in views.history("alerts", "A1")] == ["firing", "acknowledged"]
        assert [t.value["state"] for t in views.of_alert("tasks", "A1")] == ["done"]
        assert views.of_alert("tasks", "A2") == []
        assert views.get("alerts", "A9") is None


@pytest.mark.parametrize(
    ("equal", "found"),
    [
        ({"severity": "critical"}, ["A2"]),
        ({"receiver": "person:9"}, ["A1"]),
        ({"receiver": "person:1"}, ["A2"]),
        ({"account": "K1", "rule": "r1"}, ["A1"]),
        ({"state": "firing", "entity": "opportunity", "key": "D1"}, ["A2"]),
        ({"state": "resolved"}, []),
    ],
)
def test_the_view_is_filtered(
    desk: EmbeddedRuntime, tmp_path: Path, equal: dict[str, Any], found: list[str]
) -> None:
    with WorkspaceReader(tmp_path) as reader:
        assert [item.id for item in reader.views.items("alerts", **equal)] == found


def test_open_items_counts_and_prefixes(desk: EmbeddedRuntime, tmp_path: Path) -> None:
    with WorkspaceReader(tmp_path) as reader:
        views = reader.views
        assert (views.count_open("alerts"), views.count_open("tasks")) == (2, 0)
        assert views.items("tasks", open_only=True) == []
        assert [item.id for item in views.items("alerts", newest_first=False, limit=1)] == ["A1"]
        assert [item.id for item in views.find("alerts", "A")] == ["A1", "A2"]
        assert [item.id for item in views.find("alerts", "A2")] == ["A2"]


def test_an_older_view_is_rebuilt_from_the_log(desk: EmbeddedRuntime, tmp_path: Path) -> None:
    desk.close()
    before = dump(tmp_path)
    database = sqlite3.connect(tmp_path / "stagewatch.db")
    database.execute("DELETE FROM views")
    database.execute("DELETE FROM view_history")
    state = database.execute("SELECT value FROM meta").fetchone()[0]
    older = state.replace(b"\xa5views\x01", b"\xa5views\x00")
    assert older != state
    database.execute("UPDATE meta SET value = ?", (older,))
    database.commit()
    database.close()
    EmbeddedRuntime(tmp_path, clock=ManualClock(START), options=DESK).close()
    assert differences(before, dump(tmp_path)) == {}


def test_logs_are_read_by_position_and_time(tmp_path: Path) -> None:
    end = START + 10_000 * HOUR
    runtime = EmbeddedRuntime(tmp_path, clock=ManualClock(end), options=Options(machines=MACHINES))
    runtime.append_history(list(events(2500)))
    runtime.process()
    with WorkspaceReader(tmp_path) as reader:
        everything = list(reader.log.read("sales.events", 2))
        assert [record.position for record in everything] == list(range(len(everything)))
        middle = everything[len(everything) // 2]
        assert (
            list(reader.log.read("sales.events", 2, first=middle.position)) == everything[middle.position :]
        )
        found = reader.log.seek("sales.events", 2, middle.at)
        assert everything[found].at >= middle.at > everything[found - 1].at
        before = list(reader.log.read("sales.events", 2, before_at=middle.at))
        assert before == everything[:found]
        assert reader.log.seek("sales.events", 2, end) == len(everything)
        assert reader.state().received == 2500
        key = middle.key
        assert ("account", "total") in [row[:2] for row in reader.rows("counter", key)]
        totals = {row[0] for row in reader.bucket("counter", "account") if row[1] == "total"}
        assert key in totals
        before_close = (reader.rows("counter", key), sorted(reader.bucket("counter", "account")))
        runtime.append([])
        runtime.close()
        assert reader.state().received == 2500
        assert (reader.rows("counter", key), sorted(reader.bucket("counter", "account"))) == before_close


def test_large_records_get_segments_of_their_own(tmp_path: Path) -> None:
    database = Database(tmp_path)
    log = Log(database)
    sizes = [10, SEGMENT_BYTES, 10, SEGMENT_BYTES // 2, SEGMENT_BYTES // 2 + 9, 5]
    log.append("t", 0, [("k", "event", "x" * size, n, 0, n) for n, size in enumerate(sizes)])
    database.commit()
    assert [len(record.value) for record in log.read("t")] == sizes
    assert [record.n for record in log.page("t", 2, 3)] == [2, 3, 4]
    assert max(row[0] for row in database.rows("SELECT length(data) FROM segments")) < SEGMENT_BYTES + 100
    database.close()


def test_a_damaged_segment_is_reported_with_its_place(tmp_path: Path) -> None:
    database = Database(tmp_path)
    Log(database).append("t", 3, [("k", "event", 1, 2, 3, 4)])
    database.write("UPDATE segments SET data = ?", [(b"\x93\xff",)])
    with pytest.raises(StreamError, match="SW-STREAM-025") as caught:
        list(Log(database).read("t", 3))
    assert caught.value.place == "t/3, from position 0"
    database.close()


def test_no_workspace_and_another_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="SW-WS-022"):
        WorkspaceReader(tmp_path)
    with pytest.raises(WorkspaceError, match="SW-WS-022"):
        EmbeddedRuntime(tmp_path / "none")
    database = Database(tmp_path)
    database.rows("PRAGMA user_version = 77")
    database.close()
    with pytest.raises(WorkspaceError, match="SW-WS-020"):
        EmbeddedRuntime(tmp_path)
    with pytest.raises(WorkspaceError, match="SW-WS-020"):
        WorkspaceReader(tmp_path)
