"""The demo as a user starts it, in small: what it promises happens, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SMALL = ("--past", "45", "--seconds", "10", "--days", "3")


def start(tmp: Path, *options: str) -> subprocess.Popen[str]:
    """Start `stagewatch demo`; temporary files go below `tmp`."""
    env = {**os.environ, "LANG": "C.UTF-8", "TMPDIR": str(tmp), "HOME": str(tmp)}
    return subprocess.Popen(
        [sys.executable, "-m", "stagewatch", "demo", *SMALL, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip


def ended(demo: subprocess.Popen[str], code: int) -> str:
    """Its stdout; it has told nothing on stderr."""
    out, err = demo.communicate(timeout=100)
    assert demo.returncode == code, f"{demo.returncode}\n{out}\n{err}"
    assert err == ""
    return out


def summary(demo: subprocess.Popen[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended(demo, 0))
    return found


def test_all_that_it_promises_happens_and_can_be_looked_at(tmp_path: Path) -> None:
    kept, picture = tmp_path / "kept", tmp_path / "demo.svg"
    found = summary(start(tmp_path, "--json", "--seed", "3", "--keep", str(kept), "--svg", str(picture)))

    assert (found["ok"], found["missing"], found["seed"]) == (True, [], 3)
    assert found["history"]["events"] > 500
    assert found["history"]["told"] == 0
    assert found["live"]["accepted"] > 20
    assert found["acted"]["state"] == "resolved"
    assert found["acted"]["approval"] == "approved"
    assert [(link["get"], link["post"]) for link in found["acted"]["links"]] == [(200, 200), (200, 200)]
    assert (found["withdrawn"]["state"], found["withdrawn"]["reason"]) == ("withdrawn", "late_event")
    assert found["withdrawn"]["happened"] < found["withdrawn"]["entered"]
    assert found["mails"]["outbox"] == {"sent": found["mails"]["received"]}
    assert found["mails"]["repeated"] == 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")

    for command in found["next"][:3]:  # the last one is `run`
        words = command.split()
        assert words[0] == "stagewatch"
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    assert not (kept / ".stagewatch" / "server.json").exists()


def test_in_a_pipe_it_is_plain_lines_and_nothing_is_left(tmp_path: Path) -> None:
    out = ended(start(tmp_path, "--lang", "en"), 0)
    assert "\x1b" not in out
    for seen in ("ALERT", "TASK", "APPROVAL", "MAIL", "DEMO", "withdrawn", "Nobody was told about the past"):
        assert seen in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["Workspace made", "Now the same organisation"])
def test_stopped_at_any_moment_it_leaves_nothing(tmp_path: Path, number: int, moment: str) -> None:
    demo = start(tmp_path, "--lang", "en")
    assert demo.stdout is not None
    while moment not in demo.stdout.readline():
        assert demo.poll() is None
    stopped = time.monotonic()
    demo.send_signal(number)
    ended(demo, 1)
    assert time.monotonic() - stopped < 12
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_a_workspace_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stagewatch.toml").write_text("", encoding="utf-8")
    demo = start(tmp_path, "--keep", str(tmp_path))
    _, err = demo.communicate(timeout=100)
    assert demo.returncode == 1
    assert "SW-WS-002" in err
    assert [path.name for path in tmp_path.iterdir()] == ["stagewatch.toml"]
