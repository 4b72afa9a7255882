"""The simulated people: chains of command, teams, deputies, for any size and the same for one seed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from connectors.sources.simulator import Organisation, people
from schemas.envelope import decode_event
from schemas.time import format_instant

AT = 1_767_225_600_000_000


@pytest.mark.parametrize("size", [1, 2, 5, 25, 120])
def test_everybody_has_a_way_up_to_the_head(size: int) -> None:
    org = Organisation(3, size)
    assert len(org.reps) == size
    for worker in org.workers.values():
        chain, current = [worker.id], worker
        while current.manager is not None:
            current = org.workers[current.manager]
            assert current.id not in chain
            chain.append(current.id)
        assert current.role == "ceo"


def test_a_rep_answers_to_the_teams_manager_and_the_regions_director() -> None:
    org = Organisation(3, 25)
    for team in org.teams:
        director = org.workers[team.director]
        assert (director.role, director.region) == ("sales_director", team.region)
        assert org.workers[team.manager].manager == team.director
        for rep in team.reps:
            worker = org.workers[rep]
            assert (worker.manager, worker.team, worker.region) == (team.manager, team.id, team.region)
            assert worker.deputy in team.reps
            assert worker.deputy != rep
    assert sum(w.role == "cfo" for w in org.workers.values()) == 1


def test_seed_and_size_make_the_people() -> None:
    assert Organisation(3, 25).workers == Organisation(3, 25).workers
    assert Organisation(3, 25).workers != Organisation(4, 25).workers


def test_an_organisation_without_reps_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one rep"):
        Organisation(3, 0)


def test_the_directory_is_exported_as_events() -> None:
    org = Organisation(3, 25)
    records = list(people(org, AT))
    events = [decode_event(r, zone=ZoneInfo("Asia/Shanghai")) for r in records]
    assert {e.data["person"] for e in events if e.type == "person.updated"} == set(org.workers)
    assert {e.data["team"] for e in events if e.type == "team.updated"} == {t.id for t in org.teams}
    assert {r["time"] for r in records} == {format_instant(AT)}
    assert len({e.id for e in events}) == len(events)
