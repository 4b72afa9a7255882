"""Twenty times kill -9 during 20,000 events: rows and outputs are those of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.embedded.dump import differences, dump
from tests.integration.embedded.kill_worker import Stream, load, work
from tests.integration.embedded.machines import MACHINES, events

KILLS = 20


def small_machines() -> Stream:
    return MACHINES, list(events(20_000, seed=7))


class Victim:
    """A worker that can be started and killed."""

    def __init__(self, directory: Path, name: str, draw: random.Random) -> None:
        command = [sys.executable, "-m", "tests.integration.embedded.kill_worker", str(directory), name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._draw = draw

    def run(self, kill: bool) -> str:
        """Start the worker and, if asked, kill it some transactions later; how it ended."""
        pid = int(self._say_and_read("go\n").split()[1])
        patience = self._draw.randrange(1, 20) if kill else -1
        while (line := self._read()) == "at":
            patience -= 1
            if patience == 0:
                self._kill(pid)
        while not line.startswith("ended"):
            line = self._read()
        return line

    def close(self) -> None:
        self._process.communicate()

    def _kill(self, pid: int) -> None:
        moment = time.perf_counter() + self._draw.random() * 0.02
        while time.perf_counter() < moment:
            pass
        os.kill(pid, signal.SIGKILL)

    def _say_and_read(self, text: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [f"{__name__}:small_machines"])
def test_nothing_is_lost_or_doubled_when_killed(tmp_path: Path, name: str) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "calm").mkdir()
    victim = Victim(tmp_path / "killed", name, random.Random(20))
    ends = [victim.run(kill=True) for _ in range(KILLS)]
    last = victim.run(kill=False)
    victim.close()
    assert set(ends) == {f"ended {-signal.SIGKILL}"}, "the stream ended before the last kill, or by itself"
    assert last == "ended 0"
    work(tmp_path / "calm", load(name))
    calm = dump(tmp_path / "calm")
    assert len(calm["log:alerts/0"]) > 1000
    assert differences(calm, dump(tmp_path / "killed")) == {}
