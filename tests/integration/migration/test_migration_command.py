"""`stagewatch migrate` on real workspaces: what people see, what is refused, what a kill leaves behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.local.kafka import Kafka
from schemas.errors import StagewatchError
from stagewatch.commands import importing, migrating, simulating, workspaces
from stagewatch.service.outbox import SCHEMA
from stagewatch.workspace.init import init_workspace
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.reader import WorkspaceReader
from streams.runtimes.embedded.moved import MOVING
from streams.stores.sqlite_db import FILE_NAME, Database
from tests.integration.cluster.workers import Worker, workspace

pytestmark = pytest.mark.timeout(180)

DAYS = 45


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with some weeks of history; to be copied, not used."""
    folder = tmp_path_factory.mktemp("lived")
    init_workspace(folder / "sales")
    simulating.run(folder / "past.jsonl", 7, DAYS, "2026-01-05", 12, clean=False)
    importing.run(folder / "sales", [folder / "past.jsonl"], None, "2026-02-19", None, True, "en")
    return folder / "sales"


@pytest.fixture
def sales(lived: Path, tmp_path: Path) -> Path:
    """The workspace, to do with as one likes."""
    return Path(shutil.copytree(lived, tmp_path / "sales"))


@pytest.fixture
def other(lived: Path, tmp_path: Path) -> Path:
    """Another one with the same files that has never run."""
    return Path(shutil.copytree(lived, tmp_path / "other", ignore=shutil.ignore_patterns("data")))


def seen(folder: Path) -> dict[str, Any]:
    """What lists and counts say of a workspace."""
    with WorkspaceReader(Workspace(folder)) as reader:
        return {
            "items": [item.value for item in reader.views.items("alerts", limit=100_000)],
            "rules": reader.shared("rule"),
            "people": reader.shared("person"),
            "parked": [(one.key, one.count) for one in reader.parked()],
            "letters": [(one.machine, one.what) for one in reader.letters.list(limit=-1)],
            "waits": reader.state().armed,
        }


def ask(folder: Path, **more: Any) -> migrating.Ask:
    return migrating.Ask(
        folder, **{"to": "embedded", "into": None, "came_from": None, "partitions": None, **more}
    )


def test_a_workspace_goes_on_in_another_folder(
    sales: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(sales / "data")
    for statement in SCHEMA:
        database.rows(statement)
    database.write("INSERT INTO used_links VALUES (?, 5)", [("link",)])
    database.commit()
    database.close()
    capsys.readouterr()
    assert migrating.migrate(ask(sales, into=other, partitions=3), True, "en") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["to"]["partitions"], answer["epoch"]) == (3, 1)
    assert answer["waits"] > 20
    old, new = seen(sales), seen(other)
    assert len(new["items"]) > 10
    assert {**new, "parked": sorted(new["parked"])} == {**old, "parked": sorted(old["parked"])}
    with WorkspaceReader(Workspace(other)) as reader:
        assert reader.database.rows("SELECT link FROM used_links") == [("link",)]
    with pytest.raises(StagewatchError, match="moved elsewhere"):
        importing.run(sales, [sales / "rules" / "none.jsonl"], None, None, None, True, "en")
    capsys.readouterr()
    assert workspaces.status(sales, [], True, "en") == 0
    assert json.loads(capsys.readouterr().out)["moved"] == str(other / "data")
    assert migrating.take_back(sales, None, True) == 0


def command(folder: Path, other: Path) -> list[str]:
    return [sys.executable, "-m", "stagewatch", "migrate", "-w", str(folder), "--to", "embedded",
            "--into", str(other), "--json"]  # fmt: skip


def test_killed_half_way_it_starts_again(sales: Path, other: Path) -> None:
    begun = other / "data" / MOVING / FILE_NAME
    with subprocess.Popen(command(sales, other), stdout=subprocess.DEVNULL) as process:
        while not begun.exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (other / "data" / FILE_NAME).exists()
    with pytest.raises(StagewatchError) as refused:
        importing.run(other, [other / "people.yaml"], None, None, None, True, "en")
    assert refused.value.code == "SW-STREAM-071"
    done = subprocess.run(command(sales, other), check=True, capture_output=True)
    assert json.loads(done.stdout)["rows"] > 100
    assert not (other / "data" / MOVING).exists()


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"to": "elsewhere"}, "--to"),
        ({"came_from": "elsewhere"}, "--from"),
        ({"came_from": "embedded"}, "--into"),
    ],
)
def test_what_cannot_be_meant_is_refused(sales: Path, more: dict[str, str], place: str) -> None:
    with pytest.raises(StagewatchError) as refused:
        migrating.migrate(ask(sales, **more), True, "en")
    assert (refused.value.code, refused.value.place) == ("SW-CMD-009", place)


@pytest.mark.real
def test_into_a_cluster_that_works_and_back(
    lived: Path, other: Path, kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales = workspace(tmp_path / "cluster", "move-command", kafka.address, 2)
    shutil.copytree(lived / "data", sales / "data")
    with pytest.raises(StagewatchError, match=r"2, as \[cluster\] says"):
        migrating.migrate(ask(sales, to="cluster", partitions=3), True, "en")
    capsys.readouterr()
    assert migrating.migrate(ask(sales, to="cluster"), True, "en") == 0
    there = json.loads(capsys.readouterr().out)
    with Worker(tmp_path / "worker", sales) as worker:
        wait_for(worker)
        with pytest.raises(StagewatchError, match="not at rest"):
            migrating.migrate(ask(sales, into=other), True, "en")
    capsys.readouterr()
    assert migrating.migrate(ask(sales, into=other), True, "en") == 0
    refused = subprocess.run(Worker(tmp_path / "late", sales).command(), capture_output=True, check=False)
    assert (refused.returncode, b"SW-STREAM-070" in refused.stderr) == (1, True)
    back = json.loads(capsys.readouterr().out)
    assert back["records"] >= there["records"] - there["messages"]
    assert (there["epoch"], back["epoch"]) == (1, 2)
    items = {one["alert"] for one in seen(other)["items"]}
    assert {one["alert"] for one in seen(lived)["items"]} <= items


def wait_for(worker: Worker) -> None:
    """Until all partitions run and time has passed in them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ages = worker.metric("stagewatch_partition_watermark_age_seconds").values()
        if len(ages) >= 6 and max(ages) < 60:
            return
        time.sleep(0.2)
    raise AssertionError("time does not pass")
