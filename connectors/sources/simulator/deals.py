"""One opportunity from its opening to the signature or the loss: contacts, quotes, approvals, silences."""

from __future__ import annotations

from connectors.sources.simulator import names
from connectors.sources.simulator.contacts import log, touch, visit
from connectors.sources.simulator.contracts import draft_contract
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import date_text
from connectors.sources.simulator.world import Customer, Deal, Process, World

LOST_EARLY = 0.28
SILENT = 0.16
LOST_AFTER_SILENCE = 0.6
LOST_AT_QUOTE = 0.30
LOST_AT_CONTRACT = 0.06
REOPENED = 0.05
SENT_UNAPPROVED = 0.06
RATES = {"CNY": 1.0, "USD": 7.1}


class DealLostError(Exception):
    """The deal ended; raised inside a deal's process to leave all its stages at once."""


def open_deal(world: World, customer: Customer, owner: str, lead: str | None = None) -> Deal:
    """A new opportunity; its further life is a process of the world."""
    rng = world.rng
    currency = "USD" if world.chance(0.04) else "CNY"
    size = {"S": 420_000, "A": 260_000, "B": 120_000, "C": 60_000}[customer.tier]
    amount = max(2_000, round(size * rng.lognormvariate(0, 0.9) / RATES[currency], -2))
    name = f"{customer.name[2:4]}{rng.choice(names.PROJECTS)}"
    deal = Deal(world.number("O"), customer, owner, name, int(amount), currency)
    data: dict[str, Json] = {
        "account": customer.id,
        "owner": owner,
        "name": deal.name,
        "amount": str(deal.amount),
        "currency": currency,
        "stage": "opportunity",
        "products": [*rng.sample(names.PRODUCTS, rng.randint(1, 3))],
        "strategy": rng.choice(names.STRATEGIES),
        "close_date": date_text(world.now, rng.randint(30, 150)),
    }
    if lead:
        data["lead"] = lead
    world.emit("opportunity.created", deal.id, data)
    world.deals[deal.id] = deal
    world.spawn(live(world, deal), world.later(0.5, 4, owner))
    return deal


def live(world: World, deal: Deal) -> Process:
    """All stages in turn; a loss leaves them from anywhere, and now and then the deal is taken up again."""
    try:
        yield from stages(world, deal)
    except DealLostError as lost:
        lose(world, deal, str(lost))
        if world.chance(REOPENED):
            yield world.later(15, 60, deal.owner)
            yield from reopen(world, deal)
    finally:
        world.deals.pop(deal.id, None)


def stages(world: World, deal: Deal) -> Process:
    """From the first contact to the signature."""
    yield from discover(world, deal)
    yield from offer(world, deal)
    yield from close(world, deal)


def discover(world: World, deal: Deal) -> Process:
    """Contacts until the need is clear; some deals fall silent here."""
    for _ in range(world.rng.randint(2, 5)):
        yield from touch(world, deal.customer, deal, deal.owner)
        yield world.later(1, 5.5, deal.owner)
    if world.chance(SILENT):
        yield from fall_silent(world, deal)
    if world.chance(LOST_EARLY):
        raise DealLostError(world.rng.choice(names.LOSS_REASONS[:5]))
    if world.chance(0.5):
        log(world, deal.customer, deal, deal.owner, "demo")
        yield world.later(1, 5, deal.owner)


def fall_silent(world: World, deal: Deal) -> Process:
    """Nothing for two to five weeks, then the end or a new start."""
    yield world.later(12, 36, deal.owner)
    if world.chance(LOST_AFTER_SILENCE):
        raise DealLostError("长期无跟进")
    log(world, deal.customer, deal, deal.owner, "call")
    yield world.later(1, 4, deal.owner)


def offer(world: World, deal: Deal) -> Process:
    """A quote, revised up to three times, each version approved before it is sent (mostly)."""
    enter(world, deal, "quote")
    quote = world.number("Q")
    versions = world.rng.choices((1, 2, 3, 4), (0.55, 0.28, 0.12, 0.05))[0]
    for version in range(1, versions + 1):
        if version > 1:
            reprice(world, deal)
        terms = quote_terms(world, deal, version)
        world.emit("quote.created" if version == 1 else "quote.revised", quote, terms)
        yield from approve_and_send(world, deal, quote, version)
        yield from touch(world, deal.customer, deal, deal.owner)
        yield world.later(2, 6, deal.owner)
    if world.chance(LOST_AT_QUOTE):
        if world.chance(0.5):
            world.emit("quote.rejected", quote, {"version": versions, "reason": "价格"})
        raise DealLostError(world.rng.choice(names.LOSS_REASONS[:3]))
    world.emit("quote.accepted", quote, {"version": versions, "opportunity": deal.id})


def approve_and_send(world: World, deal: Deal, quote: str, version: int) -> Process:
    """A version of the quote is approved and sent, or sent without approval."""
    about: dict[str, Json] = {"version": version, "opportunity": deal.id}
    if not world.chance(SENT_UNAPPROVED):
        manager = world.org.manager_of(deal.owner)
        yield from sign_off(world, "quote", quote, deal, version, (manager,))
        world.emit("quote.approved", quote, about | {"amount": str(deal.amount)})
        yield world.later(0.05, 1, deal.owner)
    else:
        yield world.later(0.1, 1.5, deal.owner)
    world.emit("quote.sent", quote, dict(about))


def sign_off(
    world: World, kind: str, entity: str, deal: Deal, version: int, approvers: tuple[str, ...]
) -> Process:
    """An approval in the OA system, signer after signer; everybody agrees in the end."""
    approval = world.number("OA")
    what: dict[str, Json] = {
        "of": {"kind": kind, "id": entity},
        "amount": str(deal.amount),
        "currency": deal.currency,
        "version": version,
    }
    world.emit("approval.requested", approval, what | {"by": deal.owner, "to": [*approvers]})
    for step, approver in enumerate(approvers, start=1):
        yield world.later(0.05, 1.6, approver)
        world.emit("approval.approved", approval, what | {"by": approver, "step": step})


def quote_terms(world: World, deal: Deal, version: int) -> dict[str, Json]:
    """The data of a new quote version."""
    rng = world.rng
    product = rng.choice(names.PRODUCTS)
    quantity = rng.randint(1, 40)
    line: dict[str, Json] = {"product": product, "quantity": quantity, "amount": str(deal.amount)}
    return {
        "version": version,
        "opportunity": deal.id,
        "account": deal.customer.id,
        "owner": deal.owner,
        "amount": str(deal.amount),
        "currency": deal.currency,
        "discount": round(rng.triangular(0, 0.3, 0.05), 3),
        "margin": round(rng.uniform(0.12, 0.45), 3),
        "valid_until": date_text(world.now, 30),
        "lines": [line],
    }


def close(world: World, deal: Deal) -> Process:
    """The contract: drafted, approved, signed; large deals get a visit of the rep first."""
    enter(world, deal, "contract")
    if deal.amount > 300_000:
        yield from visit(world, deal.customer, deal, deal.owner)
    yield world.later(1, 5, deal.owner)
    if world.chance(LOST_AT_CONTRACT):
        raise DealLostError(world.rng.choice(names.LOSS_REASONS[:4]))
    yield from draft_contract(world, deal, sign_off)
    deal.stage = "payment"
    world.emit("opportunity.won", deal.id, {"stage": "payment", "amount": str(deal.amount)})


def enter(world: World, deal: Deal, stage: str) -> None:
    """The deal enters `stage` now."""
    deal.stage = stage
    data: dict[str, Json] = {"account": deal.customer.id, "stage": stage, "amount": str(deal.amount)}
    world.emit("opportunity.stage_changed", deal.id, data | {"currency": deal.currency})


def reprice(world: World, deal: Deal) -> None:
    """Mostly cheaper, now and then a larger scope; large deals grow large here."""
    factor = world.rng.uniform(0.85, 0.99) if world.chance(0.7) else world.rng.uniform(1.1, 1.8)
    deal.amount = max(1_000, int(round(deal.amount * factor, -2)))
    world.emit("opportunity.updated", deal.id, {"amount": str(deal.amount), "currency": deal.currency})


def lose(world: World, deal: Deal, reason: str) -> None:
    """The deal is lost now."""
    data: dict[str, Json] = {"loss_reason": reason}
    if reason == "竞争对手":
        data["competitor"] = world.rng.choice(names.COMPETITORS)
    world.emit("opportunity.lost", deal.id, data)


def reopen(world: World, deal: Deal) -> Process:
    """Back to the first stage, and then to the end without a second chance."""
    deal.stage = "opportunity"
    world.deals[deal.id] = deal
    world.emit("opportunity.reopened", deal.id, {"stage": "opportunity"})
    try:
        yield from stages(world, deal)
    except DealLostError as lost:
        lose(world, deal, str(lost))
