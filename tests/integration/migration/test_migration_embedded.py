"""A workspace that is moved into other partitions says from then on what it would have said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import StagewatchError
from streams.kernel.contract import SHARED
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.migration.copying import Copy
from streams.runtimes.migration.embedded import EmbeddedSource, EmbeddedTarget
from tests.integration.cluster.scenarios import Scenario, in_memory
from tests.integration.embedded.dump import dump
from tests.integration.migration.played import (
    all_messages,
    begin,
    busiest,
    go_on,
    move_embedded,
    outputs,
    thirds,
    without_results,
)

SCENARIOS = busiest(6)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
async def test_split_and_joined_again(tmp_path: Path, scenario: Scenario) -> None:
    first, second, third = thirds(scenario)
    begin(tmp_path / "one", first, 1)
    await move_embedded(tmp_path / "one", tmp_path / "three", 3)
    go_on(tmp_path / "three", second)
    copied = await move_embedded(tmp_path / "three", tmp_path / "two", 2)
    go_on(tmp_path / "two", third)
    assert copied.epoch == 2
    assert outputs(tmp_path / "two") == without_results(in_memory(scenario, 1))


def kept(folder: Path) -> dict[str, list[Any]]:
    """All that a workspace holds, but the clocks and counters of its driver."""
    found = dump(folder)
    for name, rows in found.items():
        if name.startswith("rows:"):
            found[name] = [row for row in rows if row[:3] != (SHARED, "meta", "driver")]
    return found


async def test_there_and_back_is_the_same_workspace(tmp_path: Path) -> None:
    begin(tmp_path / "old", SCENARIOS[0].steps, 3)
    await move_embedded(tmp_path / "old", tmp_path / "one", 1)
    await move_embedded(tmp_path / "one", tmp_path / "new", 3)
    old, new = kept(tmp_path / "old"), kept(tmp_path / "new")
    assert sum(len(rows) for name, rows in old.items() if name.startswith("log:sales")) > 10
    assert new == {name: rows for name, rows in old.items() if name != "log:results/0"}


# -- what is refused -----------------------------------------------------------------------------------------


def refusal(folder: Path) -> str:
    """The code with which a workspace refuses to run."""
    with pytest.raises(StagewatchError) as refused:
        EmbeddedRuntime(folder, clock=ManualClock(0))
    return refused.value.code


async def test_what_was_moved_runs_no_more_until_it_is_taken_back(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    begin(old, SCENARIOS[0].steps, 1)
    await move_embedded(old, new, 2)
    assert refusal(old) == "SW-STREAM-070"
    with pytest.raises(StagewatchError, match="moved elsewhere") as refused:
        await move_embedded(old, tmp_path / "other", 2)
    assert refused.value.code == "SW-STREAM-070"
    with EmbeddedSource(old) as source:
        source.take_back()
    EmbeddedRuntime(old, clock=ManualClock(0)).close()
    with EmbeddedSource(old) as source, pytest.raises(StagewatchError, match="was not moved"):
        source.take_back()


async def test_a_target_with_something_in_it_is_refused(tmp_path: Path) -> None:
    for name in ("old", "new"):
        begin(tmp_path / name, SCENARIOS[0].steps, 1)
    before = dump(tmp_path / "new")
    with pytest.raises(StagewatchError) as refused:
        await move_embedded(tmp_path / "old", tmp_path / "new", 2)
    assert refused.value.code == "SW-STREAM-072"
    assert dump(tmp_path / "new") == before
    EmbeddedRuntime(tmp_path / "old", clock=ManualClock(0)).close()


@pytest.mark.parametrize("handed_over", [False, True])
async def test_a_move_that_was_broken_off_is_refused_and_starts_again(
    tmp_path: Path, handed_over: bool
) -> None:
    """Broken off before or after the source was marked, but before the target is whole."""
    old, new = tmp_path / "old", tmp_path / "new"
    begin(old, SCENARIOS[0].steps, 1)
    with EmbeddedSource(old) as source, EmbeddedTarget(new, 2) as target:
        await Copy(source, target, all_messages(source), lambda done, total: None).run()
        if handed_over:
            await source.retire(target.name)
    assert refusal(new) == "SW-STREAM-071"
    copied = await move_embedded(old, new, 3)
    assert refusal(old) == "SW-STREAM-070"
    runtime = EmbeddedRuntime(new, clock=ManualClock(0))
    assert runtime.armed == copied.waits
    runtime.close()
    assert outputs(new) == without_results(in_memory(SCENARIOS[0], 1))


async def test_an_import_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    steps = [step for step in SCENARIOS[0].steps if not isinstance(step, int)]
    (tmp_path / "old").mkdir()
    runtime = EmbeddedRuntime(tmp_path / "old", clock=ManualClock(steps[-1].at))
    runtime.append_history(steps)
    runtime.close()
    with pytest.raises(StagewatchError) as refused:
        await move_embedded(tmp_path / "old", tmp_path / "new", 2)
    assert refused.value.code == "SW-STREAM-073"
    assert not (tmp_path / "new").exists()


async def test_a_folder_without_a_workspace_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(StagewatchError) as refused:
        await move_embedded(tmp_path, tmp_path / "new", 2)
    assert refused.value.code == "SW-WS-022"
    assert os.listdir(tmp_path) == []
