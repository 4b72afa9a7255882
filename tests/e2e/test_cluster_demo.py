"""The demo on a cluster, broken off in its midst: nothing of it stays, neither process nor file.

That it keeps what it promises is seen by `make cluster-demo` itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(150)]

HOME = Path(__file__).parents[2]
SERVERS = 7
"""Kafka, Redis, mail catcher, two workers, Alertmanager, Prometheus."""


def left(folder: Path) -> list[str]:
    """Processes that work in the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "comm").read_text().strip())
    return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`make cluster-demo` in small; temporary files go below `tmp_path`."""
    command = [sys.executable, "-m", "deploy.local.demo", "--lang", "en", "--past", "10"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HOME, env=environment) as made:
        try:
            yield made
        finally:
            made.terminate()


def test_broken_off_in_its_midst_it_leaves_nothing(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    assert demo.stdout is not None
    while "Now the same organisation" not in demo.stdout.readline():
        assert demo.poll() is None
    assert len(left(tmp_path)) == SERVERS
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert left(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
