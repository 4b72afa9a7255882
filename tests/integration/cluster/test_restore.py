"""A partition that is opened anew has the rows of the last commit: from its file or from the changelog."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from streams.kernel.contract import Step
from streams.runtimes.cluster.local import LocalFile
from streams.topology import SINKS
from tests.integration.cluster.scenarios import Outputs, Scenario, in_memory, of_packs, said
from tests.integration.cluster.trial import Trial, cluster_of

PARTITIONS = 2
SCENARIO = max(of_packs(), key=lambda scenario: sum(map(len, in_memory(scenario, 1).values())))
CHANGELOG = "kafka/x.account.changelog/0"

ROW, WAIT = ("k", "b", "n"), ("k", "w")


async def outputs(trial: Trial) -> Outputs:
    found: Outputs = {}
    for record in await trial.read(*SINKS):
        found.setdefault((record.topic, record.key), []).append(said(record.value))
    return found


def halves(scenario: Scenario) -> tuple[Scenario, Scenario]:
    middle = len(scenario.steps) * 2 // 3
    return replace(scenario, steps=scenario.steps[:middle]), replace(scenario, steps=scenario.steps[middle:])


@pytest.mark.real
@pytest.mark.parametrize("kept", ["file", "nothing"])
async def test_a_new_owner_goes_on_where_the_old_one_was(kafka: Kafka, tmp_path: Path, kept: str) -> None:
    cluster = cluster_of(kafka.address, tmp_path / "data", f"restore-{kept}", PARTITIONS)
    first, second = halves(SCENARIO)
    async with Trial(cluster, keep=True) as trial:
        await trial.play(first.steps)
        for task in trial.tasks:
            task.save()
    if kept == "nothing":
        shutil.rmtree(tmp_path / "data")
    async with Trial(cluster) as trial:
        spans = [(stand.restored, stand.restore_end) for stand in [await task.look() for task in trial.tasks]]
        assert all(restored == end for restored, end in spans)
        assert any(task.restored_from for task in trial.tasks) is (kept == "file")
        await trial.play(second.steps)
        assert await outputs(trial) == in_memory(SCENARIO, PARTITIONS)


def write(folder: Path, changelog: str = CHANGELOG) -> None:
    """A file with a row and a wait, good up to offset 7."""
    file = LocalFile(folder, changelog, 1000)
    store, first = file.open(7)
    assert first == 0
    store.apply(Step(rows={ROW: [1]}, waits={WAIT: 5}), 3)
    file.save(7)
    file.close()


def test_a_file_that_fits_saves_the_reading(tmp_path: Path) -> None:
    write(tmp_path / "p")
    store, first = LocalFile(tmp_path / "p", CHANGELOG, 1000).open(9)
    assert (first, store.get(*ROW), store.next_due()) == (7, [1], (5, "k", "w"))


@pytest.mark.parametrize(("changelog", "end"), [("other/x/0", 9), (CHANGELOG, 6)])
def test_a_file_of_another_changelog_or_ahead_of_it_is_thrown_away(
    tmp_path: Path, changelog: str, end: int
) -> None:
    write(tmp_path / "p")
    store, first = LocalFile(tmp_path / "p", changelog, 1000).open(end)
    assert (first, store.get(*ROW), store.next_due()) == (0, None, None)


def test_a_damaged_file_is_thrown_away(tmp_path: Path) -> None:
    write(tmp_path / "p")
    for path in (tmp_path / "p").iterdir():
        path.write_bytes(b"rubbish" * 1000)
    store, first = LocalFile(tmp_path / "p", CHANGELOG, 1000).open(9)
    assert (first, store.get(*ROW)) == (0, None)


def test_what_was_not_saved_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "p")
    file = LocalFile(tmp_path / "p", CHANGELOG, 1000)
    store, _ = file.open(9)
    store.apply(Step(rows={ROW: [2]}), 0)
    store.flush()
    file.close()
    store, first = LocalFile(tmp_path / "p", CHANGELOG, 1000).open(9)
    assert (first, store.get(*ROW)) == (7, [1])
