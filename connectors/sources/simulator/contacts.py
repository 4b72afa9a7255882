"""What a rep does with a customer: calls, mails, messages, and visits from plan to report."""

from __future__ import annotations

from connectors.sources.simulator import names
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import date_text
from connectors.sources.simulator.world import Customer, Deal, Process, World
from schemas.time import format_instant

REPORT_IN_TIME = 0.86
REPORT_LATE = 0.09
"""The rest of the visits is never reported."""

KINDS = (("call", 0.52), ("email", 0.16), ("meeting", 0.08), ("message", 0.09), ("visit", 0.15))


def contact(world: World, customer: Customer) -> str:
    """A new contact person of the customer; the id is returned."""
    surname, given = world.rng.choice(names.SURNAMES), world.rng.choice(names.GIVEN)
    contact_id = world.number("C")
    data: dict[str, Json] = {
        "account": customer.id,
        "name": surname[0] + given[0],
        "title": world.rng.choice(names.TITLES),
        "phone": f"139{world.rng.randrange(10**8):08d}",
        "mail": f"{given[1]}.{contact_id.lower()}@customer.example",
        "im": {"wecom": external_id(contact_id)},
    }
    world.emit("contact.updated", contact_id, data)
    return contact_id


def external_id(contact_id: str) -> str:
    """The contact's id on the messaging platform."""
    return f"wm-{contact_id.lower()}"


def touch(world: World, customer: Customer, deal: Deal | None, by: str) -> Process:
    """One contact with the customer, about a deal or in general. Ends when the contact is over."""
    kind = world.rng.choices([k for k, _ in KINDS], [p for _, p in KINDS])[0]
    if kind == "visit":
        yield from visit(world, customer, deal, by)
    elif kind == "message":
        yield from chat(world, customer, by)
    else:
        log(world, customer, deal, by, kind)


def log(world: World, customer: Customer, deal: Deal | None, by: str, kind: str) -> None:
    """An `activity.logged` of `kind`, now."""
    data: dict[str, Json] = {"kind": kind, "by": by, **parents(world, customer, deal)}
    data["outcome"] = world.rng.choice(names.OUTCOMES)
    if customer.contacts:
        data["contact"] = world.rng.choice(customer.contacts)
    if kind in ("call", "meeting"):
        data["duration"] = f"{world.rng.randint(2, 60)}m"
    if world.chance(0.3):
        data["next_follow_up"] = date_text(world.now, world.rng.randint(2, 14))
    world.emit("activity.logged", world.number("V", 6), data)


def chat(world: World, customer: Customer, by: str) -> Process:
    """A few messages back and forth; the customer is known by the external id alone."""
    if not customer.contacts:
        return
    external = external_id(world.rng.choice(customer.contacts))
    ours = f"ww-{by}"
    for n in range(world.rng.randint(1, 5)):
        inward = (n % 2 == 1) != world.chance(0.2)
        data: dict[str, Json] = {
            "conversation": f"{ours}/{external}",
            "platform": "wecom",
            "direction": "in" if inward else "out",
            "from": external if inward else ours,
            "to": [ours if inward else external],
            "external": external,
            "by": by,
        }
        world.emit("message.sent", world.number("M", 6), data)
        yield world.hours(0.02, 0.6)


def visit(world: World, customer: Customer, deal: Deal | None, by: str) -> Process:
    """Planned, checked in and out (or only completed), and reported by a process of its own."""
    visit_id = world.number("W", 5)
    about = {"by": by, **parents(world, customer, deal)}
    at = world.later(0.5, 4, by)
    if world.chance(0.9):
        plan: dict[str, Json] = {"planned_for": format_instant(at), "purpose": "客户拜访"}
        world.emit("visit.planned", visit_id, about | plan)
    yield at
    if world.chance(0.75):
        place: dict[str, Json] = {"place": customer.city, "distance": world.rng.randint(0, 400)}
        world.emit("visit.checked_in", visit_id, about | place)
        yield world.hours(0.5, 2.5)
        world.emit("visit.checked_out", visit_id, dict(about))
    else:
        yield world.hours(0.5, 2.5)
        world.emit("visit.completed", visit_id, dict(about))
    draw = world.rng.random()
    if draw < REPORT_IN_TIME:
        world.spawn(report(world, visit_id, about), world.hours(0.5, 23.5))
    elif draw < REPORT_IN_TIME + REPORT_LATE:
        world.spawn(report(world, visit_id, about), world.hours(25, 72))


def report(world: World, visit_id: str, about: dict[str, Json]) -> Process:
    """The report on a visit, now."""
    outcome = world.rng.choice(names.OUTCOMES)
    world.emit("visit.reported", visit_id, about | {"outcome": outcome})
    yield from ()


def parents(world: World, customer: Customer, deal: Deal | None) -> dict[str, Json]:
    """The ids that an event of the CRM names; one in six names the opportunity alone."""
    if deal is None:
        return {"account": customer.id}
    if world.chance(1 / 6):
        return {"opportunity": deal.id}
    return {"account": customer.id, "opportunity": deal.id}
