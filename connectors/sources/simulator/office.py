"""The organisation's own events: directory, leave, exchange rates, targets, marketing costs."""

from __future__ import annotations

from connectors.sources.simulator import names
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import date_text, midnight, working
from connectors.sources.simulator.organisation import Worker
from connectors.sources.simulator.world import Process, World
from schemas.time import DAY

LEAVE_EVERY_DAYS = 110
QUARTER_TARGET = 450_000


def directory(world: World) -> None:
    """All people and teams, now; superiors first, so that nobody's manager is unknown."""
    for team in world.org.teams:
        data = world.org.team_data(team)
        world.emit("team.updated", team.id, data)
    for worker in world.org.workers.values():
        world.emit("person.updated", worker.id, world.org.person_data(worker))


def leave(world: World, worker: Worker) -> Process:
    """Leave of one to ten days, told a few days before or on the first morning."""
    while True:
        yield working(world.now + round(world.rng.expovariate(1 / LEAVE_EVERY_DAYS) * DAY), world.rng)
        ahead, days = world.rng.choice((0, 0, 2, 5, 10)), world.rng.choice((1, 1, 2, 3, 5, 10))
        data: dict[str, Json] = {
            "from": date_text(world.now, ahead),
            "to": date_text(world.now, ahead + days - 1),
            "reason": world.rng.choice(("年假", "病假", "出差")),
        }
        if worker.deputy is not None:
            data["deputy"] = worker.deputy
        start = midnight(world.now) + ahead * DAY
        world.leaves[worker.id] = (start, start + days * DAY)
        world.emit("person.away", worker.id, data)
        yield start + days * DAY


def month_end(world: World) -> Process:
    """On the first of each month: the rate, marketing costs, and each quarter the teams' targets."""
    while True:
        today = date_text(world.now)
        if today.endswith("-01") or world.now == world.start:
            monthly(world, today)
        yield midnight(world.now) + DAY + 8 * DAY // 24


def monthly(world: World, today: str) -> None:
    """The figures of the month that holds `today`."""
    rate = f"{7.1 + world.rng.uniform(-0.12, 0.12):.4f}"
    world.emit("rate.set", "USD", {"currency": "USD", "base": "CNY", "rate": rate, "valid_from": today})
    month = today[:7]
    for channel in names.CHANNELS:
        cost: dict[str, Json] = {"category": "marketing", "amount": str(world.rng.randint(8, 60) * 1_000)}
        cost |= {"currency": "CNY", "period": month, "channel": channel}
        world.emit("cost.recorded", world.number("K"), cost)
    if today[5:7] in ("01", "04", "07", "10") or world.now == world.start:
        quarter = f"{today[:4]}-Q{(int(today[5:7]) + 2) // 3}"
        for team in world.org.teams:
            amount = str(QUARTER_TARGET * len(team.reps))
            target: dict[str, Json] = {"measure": "won_amount", "amount": amount, "currency": "CNY"}
            target |= {"period": quarter, "of": {"team": team.id}}
            world.emit("target.set", f"{quarter}/{team.id}", target)


def opening(world: World) -> Process:
    """The directory first, then everybody's leave and the months."""
    directory(world)
    for worker in world.org.workers.values():
        world.spawn(leave(world, worker))
    world.spawn(month_end(world))
    yield from ()
