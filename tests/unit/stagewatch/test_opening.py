"""Which clock a workspace runs on: real time, a trial's, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from stagewatch.service.opening import bring_in, open_runtime, read_files
from stagewatch.settings import Settings
from stagewatch.workspace.init import init_workspace
from stagewatch.workspace.paths import Workspace
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.memory import entry_of
from tests.unit.stagewatch.test_backtest import START, opportunity


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace."""
    init_workspace(tmp_path)
    return Workspace.find(tmp_path)


def lived(workspace: Workspace, days: int) -> None:
    """Let a deal lie there for so many days."""
    clock = ManualClock(START)
    runtime = open_runtime(workspace, Settings(), clock=clock)
    bring_in(workspace, runtime, read_files(workspace, Settings()))
    at, event = opportunity()
    runtime.append([entry_of(event, at)])
    clock.advance(days * 86_400_000_000)
    worked_off(runtime)
    runtime.tick()
    worked_off(runtime)
    runtime.close()


def worked_off(runtime: EmbeddedRuntime) -> None:
    """Process to the end."""
    while not runtime.process().idle:
        pass


def test_bringing_the_files_in_twice_changes_nothing(workspace: Workspace) -> None:
    runtime = open_runtime(workspace, Settings())
    files = read_files(workspace, Settings())
    assert len(bring_in(workspace, runtime, files)) == 16
    assert bring_in(workspace, runtime, files) == []
    assert (runtime.phase, runtime.at) == ("new", 0)
    runtime.close()


def test_a_workspace_that_told_nobody_may_be_tried_in_fast_time(workspace: Workspace) -> None:
    lived(workspace, days=1)
    runtime = open_runtime(workspace, Settings(), scale=60)
    assert (runtime.clock.scale, runtime.scaled) == (60, True)
    runtime.close()
    again = open_runtime(workspace, Settings())
    assert again.scaled
    assert again.clock.now() >= again.at
    again.close()


def test_one_that_told_people_may_not(workspace: Workspace) -> None:
    lived(workspace, days=8)
    with pytest.raises(WorkspaceError, match="SW-WS-023"):
        open_runtime(workspace, Settings(), scale=60)
