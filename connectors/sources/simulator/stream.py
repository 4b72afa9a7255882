"""The simulated organisation as records in order of arrival: its history, and its life afterwards.

One seed is one world: `history(org, s, e)` followed by `live(org, e, since=s)` is `history(org, s, later)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from connectors.sources.simulator import customers, office
from connectors.sources.simulator.dirt import DirtMix, Intake
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import HOUR, midnight
from connectors.sources.simulator.organisation import Organisation
from connectors.sources.simulator.world import World
from schemas.time import DAY

Record = dict[str, Json]

EVENTS_PER_REP_AND_DAY = 4.2
"""Calendar days, at scale 1; measured over a year."""


def stream(
    org: Organisation, start: int, *, scale: float = 1.0, dirt: DirtMix | None = None
) -> Iterator[tuple[int, Record]]:
    """(arrival us, CloudEvents record) from `start` on, without end, in order of arrival.

    scale multiplies customers and enquiries. `start` is moved to 08:00 local of its day. A record delivered
    twice is the same object: treat records as frozen.
    """
    world = World(org, midnight(start) + 8 * HOUR, scale)
    intake = Intake(org.seed, dirt if dirt is not None else DirtMix())
    world.spawn(office.opening(world))
    world.spawn(customers.opening_balance(world))
    for now, drafts in world.run():
        yield from intake.hand_out(now - 1)
        for draft in drafts:
            intake.take(draft)


def history(
    org: Organisation,
    start: int,
    end: int,
    *,
    events_per_day: float | None = None,
    scale: float = 1.0,
    dirt: DirtMix | None = None,
) -> Iterator[Record]:
    """All records that arrive in [start, end). `events_per_day` sets the scale by rule of thumb."""
    chosen = scale_for(org, events_per_day) if events_per_day is not None else scale
    within = takewhile(lambda pair: pair[0] < end, stream(org, start, scale=chosen, dirt=dirt))
    return (record for _, record in within)


def live(
    org: Organisation,
    start: int,
    *,
    since: int | None = None,
    scale: float = 1.0,
    dirt: DirtMix | None = None,
) -> Iterator[tuple[int, Record]]:
    """(arrival us, record) from `start` on, without end: the world that began at `since` lives on.

    since: default a year before `start`. The past is replayed first: about a second for a year.
    """
    began = since if since is not None else start - 365 * DAY
    return (pair for pair in stream(org, began, scale=scale, dirt=dirt) if pair[0] >= start)


def scale_for(org: Organisation, events_per_day: float) -> float:
    """The scale at which about that many events a calendar day arrive, start-up apart."""
    return events_per_day / (EVENTS_PER_REP_AND_DAY * len(org.reps))


def people(org: Organisation, at: int) -> Iterator[Record]:
    """The directory alone as `team.updated` and `person.updated` records dated `at` (us), superiors first."""
    world = World(org, at)
    office.directory(world)
    for draft in world.take():
        yield draft.to_dict()
