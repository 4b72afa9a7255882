"""A worker that comes back knows whose folder it has; one that finds another living there claims nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from stagewatch.worker.incarnation import Incarnation


def test_the_next_worker_in_a_folder_knows_the_one_before(tmp_path: Path) -> None:
    former = None
    for _ in range(3):
        with closing(Incarnation(tmp_path / "data", "w")) as found:
            assert found.former == former
            assert found.name != former
            former = found.name


def test_who_finds_a_living_worker_in_the_folder_takes_nobodys_place(tmp_path: Path) -> None:
    with closing(Incarnation(tmp_path, "w1")) as first, closing(Incarnation(tmp_path, "w2")) as second:
        assert second.former is None
    with closing(Incarnation(tmp_path, "w3")) as third:
        assert third.former == first.name
