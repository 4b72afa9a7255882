"""The people of the simulated organisation: regions, teams, directors, managers, reps, a CFO.

Nothing here moves: who is on leave, and what they sell, is the world's affair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from connectors.sources.simulator import names
from connectors.sources.simulator.draft import Json

REPS_PER_TEAM = 6
TEAMS_PER_REGION = 2


@dataclass(frozen=True, slots=True)
class Worker:
    """One person. `role` is one of ceo, cfo, finance, sales_ops, sales_director, sales_manager, sales_rep."""

    id: str
    name: str
    role: str
    manager: str | None
    team: str | None = None
    region: str | None = None
    deputy: str | None = None


@dataclass(frozen=True, slots=True)
class Squad:
    """One sales team and its reps."""

    id: str
    name: str
    region: str
    manager: str
    director: str
    reps: tuple[str, ...]


@dataclass(slots=True)
class Organisation:
    """A sales organisation of `size` reps in one to six regions; one seed and size give the same people.

    >>> Organisation(seed=7, size=25).regions
    ('华东', '华南')
    """

    seed: int
    size: int = 25
    regions: tuple[str, ...] = ()
    teams: tuple[Squad, ...] = ()
    workers: dict[str, Worker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"an organisation needs at least one rep, not {self.size}")
        _found(self, Random(f"{self.seed}/organisation"))

    @property
    def reps(self) -> tuple[str, ...]:
        """Ids of all reps, team by team."""
        return tuple(rep for team in self.teams for rep in team.reps)

    def manager_of(self, person: str) -> str:
        return self.workers[person].manager or person

    def team_data(self, team: Squad) -> dict[str, Json]:
        """`team` as the data of `team.updated`."""
        return {
            "team": team.id,
            "name": team.name,
            "region": team.region,
            "manager": team.manager,
            "director": team.director,
        }

    def person_data(self, worker: Worker) -> dict[str, Json]:
        """`worker` as the data of `person.updated`."""
        data: dict[str, Json] = {
            "person": worker.id,
            "name": worker.name,
            "mail": f"{worker.id}@example.com",
            "im": {"wecom": f"ww-{worker.id}"},
            "roles": [worker.role],
            "zone": "Asia/Shanghai",
            "language": "zh",
            "active": True,
        }
        for name in ("manager", "team", "region", "deputy"):
            value: str | None = getattr(worker, name)
            if value is not None:
                data[name] = value
        if worker.role in ("cfo", "finance"):
            data["groups"] = ["finance"]
        return data


def _found(org: Organisation, rng: Random) -> None:
    namer = _Namer(rng)
    ceo = _hire(org, namer, "ceo", None)
    cfo = _hire(org, namer, "cfo", ceo)
    accountant = _hire(org, namer, "finance", cfo)
    _hire(org, namer, "sales_ops", ceo)
    _appoint_deputy(org, cfo, accountant)
    counts = _team_sizes(org.size)
    org.regions = names.REGIONS[: min(len(names.REGIONS), -(-len(counts) // TEAMS_PER_REGION))]
    directors = {region: _hire(org, namer, "sales_director", ceo, region=region) for region in org.regions}
    teams = []
    for n, count in enumerate(counts):
        region = org.regions[min(n // TEAMS_PER_REGION, len(org.regions) - 1)]
        teams.append(_build_team(org, namer, n, region, directors[region], count))
    org.teams = tuple(teams)


def _team_sizes(reps: int) -> list[int]:
    """Teams of about REPS_PER_TEAM, none smaller than half of that unless there is only one."""
    teams = max(1, round(reps / REPS_PER_TEAM))
    return [reps // teams + (n < reps % teams) for n in range(teams)]


def _build_team(org: Organisation, namer: _Namer, n: int, region: str, director: str, count: int) -> Squad:
    team_id = f"T{n + 1:02d}"
    manager = _hire(org, namer, "sales_manager", director, team_id, region)
    reps = tuple(_hire(org, namer, "sales_rep", manager, team_id, region) for _ in range(count))
    for this, after in zip(reps, (*reps[1:], reps[0]), strict=True):
        if this != after:
            _appoint_deputy(org, this, after)
    _appoint_deputy(org, manager, director)
    return Squad(team_id, f"{region}{n % TEAMS_PER_REGION + 1}组", region, manager, director, reps)


def _hire(
    org: Organisation,
    namer: _Namer,
    role: str,
    manager: str | None,
    team: str | None = None,
    region: str | None = None,
) -> str:
    name, person_id = namer.next()
    org.workers[person_id] = Worker(person_id, name, role, manager, team, region)
    return person_id


def _appoint_deputy(org: Organisation, person: str, deputy: str) -> None:
    w = org.workers[person]
    org.workers[person] = Worker(w.id, w.name, w.role, w.manager, w.team, w.region, deputy)


class _Namer:
    """Draws names; a second Wang Wei becomes `wang.wei2`."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._seen: dict[str, int] = {}

    def next(self) -> tuple[str, str]:
        surname, given = self._rng.choice(names.SURNAMES), self._rng.choice(names.GIVEN)
        base = f"{surname[1]}.{given[1]}"
        self._seen[base] = count = self._seen.get(base, 0) + 1
        return surname[0] + given[0], base if count == 1 else f"{base}{count}"
