"""Customers and leads: how they come to be, are cared for, change hands, merge and convert."""

from __future__ import annotations

from connectors.sources.simulator import names
from connectors.sources.simulator.contacts import contact, touch
from connectors.sources.simulator.deals import open_deal
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import HOUR, MINUTE
from connectors.sources.simulator.organisation import Squad
from connectors.sources.simulator.world import TOUCH_DAYS, Customer, Process, World
from schemas.time import DAY, SECOND

CUSTOMERS_PER_REP = 8
LEADS_PER_REP_AND_DAY = 0.16
DEALS_PER_REP_AND_DAY = 0.05
QUALIFIED = 0.5
CONVERTED = 0.75
TIERS = (("S", 0.05), ("A", 0.15), ("B", 0.35), ("C", 0.45))
CREDIT = {"S": 5_000_000, "A": 2_000_000, "B": 500_000, "C": 100_000}


def found_customer(world: World, team: Squad, owner: str, tier: str | None = None) -> Customer:
    """A new account of `owner` with one or two contacts; the world's next contact with it is planned."""
    rng = world.rng
    industry, word = rng.choice(names.INDUSTRIES)
    city = rng.choice(names.CITIES[team.region])
    brand = rng.choice(names.BRANDS_A) + rng.choice(names.BRANDS_B)
    customer = Customer(
        id=world.number("A"),
        erp=world.number("E2", 4),
        name=f"{city}{brand}{word}有限公司",
        tier=tier or _drawn_tier(world),
        industry=industry,
        region=team.region,
        city=city,
        owner=owner,
    )
    world.customers.append(customer)
    world.emit("account.updated", customer.id, account_data(world, customer))
    for _ in range(rng.randint(1, 2)):
        customer.contacts.append(contact(world, customer))
    world.spawn(care(world, customer), world.later(0, TOUCH_DAYS[customer.tier], owner))
    return customer


def account_data(world: World, customer: Customer) -> dict[str, Json]:
    """The data of an `account.updated` of a customer as it is now."""
    return {
        "name": customer.name,
        "tier": customer.tier,
        "industry": customer.industry,
        "region": customer.region,
        "size": world.rng.choice(names.SIZES),
        "channel": world.rng.choice(names.CHANNELS),
        "owner": customer.owner,
        "credit_limit": str(CREDIT[customer.tier]),
        "currency": "CNY",
        "ids": [{"namespace": "erp", "id": customer.erp}],
    }


def care(world: World, customer: Customer) -> Process:
    """Contacts with a customer outside deals, now and then with a long silence."""
    while not customer.ended:
        yield from touch(world, customer, None, customer.owner)
        mean = TOUCH_DAYS[customer.tier]
        low, high = (35, 80) if world.chance(0.04) else (mean * 0.4, mean * 1.6)
        yield world.later(low, high, customer.owner)


def enquiries(world: World) -> Process:
    """Leads come in, one after the other, and go to reps in turn."""
    pairs = [(team, rep) for team in world.org.teams for rep in team.reps]
    mean = 1 / (LEADS_PER_REP_AND_DAY * len(pairs) * world.scale)
    while True:
        yield world.now + round(world.rng.expovariate(1 / mean) * DAY)
        world.spawn(lead(world, *world.rng.choice(pairs)))


def repeat_business(world: World) -> Process:
    """New deals with customers that are there already."""
    mean = 1 / (DEALS_PER_REP_AND_DAY * len(world.org.reps) * world.scale)
    while True:
        yield world.later(0, 2 * mean)
        customer = world.rng.choice(world.customers)
        if not customer.ended:
            open_deal(world, customer, customer.owner)


def lead(world: World, team: Squad, owner: str) -> Process:
    """One lead from its creation to conversion or the end."""
    lead_id = world.number("L")
    source = world.rng.choice(names.LEAD_SOURCES)
    data: dict[str, Json] = {"source": source, "channel": "直销", "region": team.region, "stage": "lead"}
    data["phone"] = f"138{world.rng.randrange(10**8):08d}"
    if source in ("展会", "搜索广告"):
        data["campaign"] = world.rng.choice(names.CAMPAIGNS)
    world.emit("lead.created", lead_id, data)
    yield world.hours(0.1, 8)
    world.emit("lead.assigned", lead_id, {"owner": owner})
    for _ in range(world.rng.randint(1, 3)):
        yield world.later(0.2, 3, owner)
        outcome = world.rng.choice(names.OUTCOMES)
        call: dict[str, Json] = {"kind": "call", "by": owner, "lead": lead_id, "outcome": outcome}
        world.emit(
            "activity.logged", world.number("V", 6), call | {"duration": f"{world.rng.randint(1, 20)}m"}
        )
    yield world.later(0.1, 2, owner)
    if not world.chance(QUALIFIED):
        world.emit("lead.disqualified", lead_id, {"reason": world.rng.choice(names.DISQUALIFIED)})
        return
    world.emit("lead.qualified", lead_id, {"stage": "mql", "owner": owner})
    yield world.later(1, 6, owner)
    if world.chance(CONVERTED):
        convert(world, team, owner, lead_id)
    else:
        world.emit("lead.disqualified", lead_id, {"reason": world.rng.choice(names.DISQUALIFIED)})


def convert(world: World, team: Squad, owner: str, lead_id: str) -> None:
    """The lead becomes an account, a contact and an opportunity at once."""
    customer = found_customer(world, team, owner)
    deal = open_deal(world, customer, owner, lead_id)
    links: dict[str, Json] = {"account": customer.id, "opportunity": deal.id, "contact": customer.contacts[0]}
    world.emit("lead.converted", lead_id, links)


def stewardship(world: World) -> Process:
    """Sales operations clean up: duplicates are merged, customers change hands or go to the public sea."""
    while True:
        yield world.later(5 / world.scale, 15 / world.scale)
        customer = world.rng.choice(world.customers)
        if customer.ended:
            continue
        act = world.rng.choices((merge, hand_over, release), (0.5, 0.35, 0.15))[0]
        world.spawn(act(world, customer))


def merge(world: World, survivor: Customer) -> Process:
    """Somebody enters the customer again under a shorter name, works with it, and it is merged days later."""
    twin = Customer(
        id=world.number("A"), erp=world.number("E2", 4), name=survivor.name.removesuffix("有限公司"),
        tier=survivor.tier, industry=survivor.industry, region=survivor.region, city=survivor.city,
        owner=survivor.owner,
    )  # fmt: skip
    world.emit("account.updated", twin.id, account_data(world, twin))
    twin.contacts.append(contact(world, twin))
    for _ in range(world.rng.randint(1, 3)):
        yield from touch(world, twin, None, twin.owner)
        yield world.later(1, 6, twin.owner)
    twin.ended = True
    world.emit("account.merged", twin.id, {"into": survivor.id})
    survivor.contacts.extend(twin.contacts)


def hand_over(world: World, customer: Customer) -> Process:
    """The customer and its open deals go to a colleague of the team."""
    team = next(t for t in world.org.teams if t.region == customer.region)
    customer.owner = world.rng.choice(team.reps)
    world.emit("account.assigned", customer.id, {"owner": customer.owner})
    for deal in [d for d in world.deals.values() if d.customer is customer]:
        deal.owner = customer.owner
        world.emit("opportunity.updated", deal.id, {"owner": customer.owner})
        yield world.now + world.rng.randint(1, 30) * SECOND


def release(world: World, customer: Customer) -> Process:
    """Back to the public sea, and claimed from there after some days."""
    world.emit("account.released", customer.id, {"pool": f"公海-{customer.region}", "reason": "长期无跟进"})
    yield world.later(2, 20)
    team = next(t for t in world.org.teams if t.region == customer.region)
    customer.owner = world.rng.choice(team.reps)
    world.emit("account.claimed", customer.id, {"owner": customer.owner})


def opening_balance(world: World) -> Process:
    """The customers that are there when the story begins, entered over the first two hours."""
    for team in world.org.teams:
        for rep in team.reps:
            for _ in range(max(1, round(CUSTOMERS_PER_REP * world.scale))):
                found_customer(world, team, rep)
                yield world.now + world.rng.randint(1, 60) * SECOND
    world.spawn(enquiries(world))
    world.spawn(repeat_business(world))
    world.spawn(stewardship(world), world.now + HOUR + MINUTE)


def _drawn_tier(world: World) -> str:
    return world.rng.choices([t for t, _ in TIERS], [p for _, p in TIERS])[0]
