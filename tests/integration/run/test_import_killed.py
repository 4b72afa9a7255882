"""An import killed in its midst: the next one, or a server, goes on from there; nothing is lost or told."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.run.house import House, cli, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ENTRIES = "SELECT max(last) FROM segments WHERE topic = 'intake'"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some months of an organisation."""
    path = tmp_path_factory.mktemp("past") / "year.jsonl"
    cli("simulate", "--days", "150", "--clean", "--start", "2025-01-06", "--out", str(path))
    return path


def appended(root: Path) -> int:
    """How many entries of the raw log are on the disk."""
    database = root / "data" / "stagewatch.db"
    if not database.is_file():
        return 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute(ENTRIES).fetchone()[0] or 0)
        except sqlite3.OperationalError:
            return 0


def killed(root: Path, file: Path) -> None:
    """Begin the import, and kill it when some of it is on the disk."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stagewatch", "import", "-w", str(root), str(file)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LANG": "C.UTF-8"},
    )  # fmt: skip
    until(lambda: appended(root) >= 4000 or None, "the beginning of the import", 60)
    process.kill()
    assert process.wait(20) == -9


def status(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("status", "-w", str(root), "--json"))
    return found


def alerts(root: Path) -> list[tuple[str, ...]]:
    rows = json.loads(cli("alerts", "list", "--all", "--limit", "0", "-w", str(root), "--json"))["alerts"]
    return sorted((row["id"], row["state"], row["at"], row["due"], row["opened"]) for row in rows)


def test_the_next_import_goes_on_where_it_was_cut_off(tmp_path: Path, year: Path) -> None:
    calm, cut = tmp_path / "calm", tmp_path / "cut"
    for root in (calm, cut):
        cli("init", str(root))
    cli("import", "-w", str(calm), str(year))
    killed(cut, year)
    assert status(cut)["phase"] == "history"
    answer = json.loads(cli("import", "-w", str(cut), str(year), "--json"))
    assert 0 < answer["known"] < answer["events"]
    assert status(cut)["phase"] == "live"
    assert status(cut)["messages"] == {}
    assert len(alerts(calm)) > 50
    assert alerts(cut) == alerts(calm)


def test_a_server_lets_time_go_on_and_says_what_is_missing(house: House, year: Path) -> None:
    killed(house.root, year)
    house.run()
    assert "an import had not ended" in house.log()
    assert status(house.root)["phase"] == "live"
    answer = json.loads(house.cli("import", str(year), "--json"))
    assert 0 < answer["known"] < answer["events"]
    again = json.loads(house.cli("import", str(year), "--json"))
    assert again["known"] == again["events"]
    assert house.inbox.mails == []
