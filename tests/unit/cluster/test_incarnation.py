"""A worker that comes back knows whose folder it has; one that finds another living there claims nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from stagewatch.worker.incarnation import Incarnation


def test_the_next_worker_in_a_folder_knows_those_before_until_all_know_of_them(tmp_path: Path) -> None:
    dead: list[str] = []
    for told in (False, False, True, False):
        with closing(Incarnation(tmp_path / "data", "w")) as found:
            assert list(found.formers) == dead
            assert found.name not in dead
            if told:
                found.told()
                dead = []
            dead.append(found.name)


def test_who_finds_a_living_worker_in_the_folder_takes_nobodys_place(tmp_path: Path) -> None:
    with closing(Incarnation(tmp_path, "w1")) as first, closing(Incarnation(tmp_path, "w2")) as second:
        assert not second.formers
        second.told()
    with closing(Incarnation(tmp_path, "w3")) as third:
        assert third.formers == [first.name]
