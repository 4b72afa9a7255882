"""Contracts and the money: draft, signature, amendment, renewal, then orders, invoices and payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.sources.simulator import names
from connectors.sources.simulator.draft import Json
from connectors.sources.simulator.instants import date_text, midnight
from connectors.sources.simulator.world import Deal, Process, World
from schemas.time import DAY

APPROVAL_LIMIT = 500_000
AMENDED = 0.12
RENEWED = 0.5
TERMINATED = 0.06
LATE_PAYER = 0.22
NEVER_PAYER = 0.05

SignOff = Callable[[World, str, str, Deal, int, tuple[str, ...]], Process]


@dataclass(slots=True, eq=False)
class Part:
    """One instalment: `days` after signature."""

    no: int
    days: int
    amount: int


@dataclass(slots=True, eq=False)
class Contract:
    """A contract of a deal; its term begins with the draft."""

    id: str
    deal: Deal
    amount: int
    drafted: int
    months: int
    parts: list[Part]
    version: int = 1

    @property
    def ends(self) -> int:
        """Local midnight of the last day, us."""
        return midnight(self.drafted) + self.months * 30 * DAY

    def data(self) -> dict[str, Json]:
        return {
            "version": self.version,
            "account": self.deal.customer.id,
            "opportunity": self.deal.id,
            "owner": self.deal.owner,
            "name": f"{self.deal.name}合同",
            "amount": str(self.amount),
            "currency": self.deal.currency,
            "ends_on": date_text(self.ends),
            "instalments": self.instalments(),
        }

    def instalments(self) -> Json:
        return [
            {"no": p.no, "due_on": date_text(self.drafted, p.days), "amount": str(p.amount)}
            for p in self.parts
        ]


def draft_contract(world: World, deal: Deal, sign_off: SignOff) -> Process:
    """From the draft to the signature; what follows (money, changes, the end) runs on its own."""
    months = world.rng.choice((2, 3, 6, 12, 12))
    contract = Contract(world.number("HT"), deal, deal.amount, world.now, months, [])
    contract.parts = split(world, contract.amount, months)
    alias: dict[str, Json] = {"ids": [{"namespace": "erp", "id": contract.id}]}
    world.emit("contract.drafted", contract.id, contract.data() | alias)
    manager = world.org.manager_of(deal.owner)
    cfo = next(w.id for w in world.org.workers.values() if w.role == "cfo")
    approvers = (manager, cfo) if contract.amount > APPROVAL_LIMIT else (manager,)
    yield from sign_off(world, "contract", contract.id, deal, 1, approvers)
    world.emit("contract.approved", contract.id, {"version": 1, "amount": str(contract.amount)})
    yield world.later(0.5, 6, deal.owner)
    world.emit("contract.signed", contract.id, {"version": 1, "signed_on": date_text(world.now)})
    world.spawn(fulfil(world, contract), world.later(0.5, 3))
    world.spawn(end(world, contract), contract.ends - round(world.rng.uniform(-2, 40) * DAY))
    if world.chance(AMENDED):
        world.spawn(amend(world, contract), world.later(5, 25, deal.owner))


def split(world: World, amount: int, months: int) -> list[Part]:
    """One to four instalments over the term that add up to the amount."""
    count = 1 if amount < 50_000 else world.rng.randint(2, 4)
    share = amount // count
    parts = [Part(n + 1, 15 + n * max(20, months * 30 // count), share) for n in range(count)]
    parts[-1].amount += amount - share * count
    return parts


def amend(world: World, contract: Contract) -> Process:
    """A larger or smaller scope; the last instalment takes the difference."""
    factor = world.rng.uniform(1.05, 1.9) if world.chance(0.7) else world.rng.uniform(0.8, 0.95)
    amount = int(round(contract.amount * factor, -2))
    last = contract.parts[-1]
    last.amount = max(1_000, last.amount + amount - contract.amount)
    contract.amount = sum(p.amount for p in contract.parts)
    contract.version += 1
    world.emit("contract.amended", contract.id, contract.data() | {"reason": "范围调整"})
    yield from ()


def end(world: World, contract: Contract) -> Process:
    """Near its end a contract is renewed, ended early, or simply runs out."""
    draw = world.rng.random()
    if draw < TERMINATED:
        world.emit("contract.terminated", contract.id, {"reason": "客户终止"})
    elif draw < TERMINATED + RENEWED:
        contract.months += 12
        world.emit("contract.renewed", contract.id, {"ends_on": date_text(contract.ends)})
        yield contract.ends - round(world.rng.uniform(-2, 40) * DAY)
        yield from end(world, contract)


def fulfil(world: World, contract: Contract) -> Process:
    """The order in the ERP under the customer's ERP code, then one invoice and payment per instalment."""
    order, customer = world.number("SO"), contract.deal.customer
    about: dict[str, Json] = {"account": customer.erp, "contract": contract.id}
    quantity, cost = world.rng.randint(1, 40), round(contract.amount * world.rng.uniform(0.5, 0.85))
    line: dict[str, Json] = {"product": world.rng.choice(names.PRODUCTS), "quantity": quantity}
    line |= {"amount": str(contract.amount), "cost": str(cost)}
    money: dict[str, Json] = {"amount": str(contract.amount), "currency": contract.deal.currency}
    world.emit("order.placed", order, about | money | {"version": 1, "lines": [line]})
    for part in contract.parts:
        world.spawn(
            collect(world, contract, order, part), max(world.now, invoice_time(world, contract, part))
        )
    yield world.later(0.2, 2)
    world.emit("order.confirmed", order, dict(about))
    yield world.later(3, 25)
    world.emit("order.shipped", order, about | {"shipment": world.number("SH")})
    if world.chance(0.03):
        yield world.later(2, 12)
        back = str(round(contract.amount * 0.1))
        world.emit("order.returned", order, about | {"returned_amount": back, "reason": "质量问题"})


def invoice_time(world: World, contract: Contract, part: Part) -> int:
    """Two to three weeks before the money is due."""
    return midnight(contract.drafted) + (part.days - world.rng.randint(14, 20)) * DAY + 10 * DAY // 24


def collect(world: World, contract: Contract, order: str, part: Part) -> Process:
    """The invoice, and the payment: mostly on time, sometimes late, in two parts or never."""
    customer, deal = contract.deal.customer, contract.deal
    invoice = world.number("INV")
    base: dict[str, Json] = {"account": customer.erp, "contract": contract.id, "currency": deal.currency}
    due: dict[str, Json] = {"order": order, "amount": str(part.amount)}
    due["due_on"] = date_text(contract.drafted, part.days)
    world.emit("invoice.issued", invoice, base | due)
    due_at = midnight(contract.drafted) + part.days * DAY
    draw = world.rng.random()
    if draw < NEVER_PAYER:
        return
    delay = world.rng.uniform(3, 45) if draw < NEVER_PAYER + LATE_PAYER else world.rng.uniform(-8, 0.4)
    yield max(world.now, due_at + round(delay * DAY) + 10 * DAY // 24)
    shares = [part.amount]
    if world.chance(0.08) and part.amount > 1_000:
        shares = [part.amount // 2, part.amount - part.amount // 2]
    for share in shares:
        pay(world, base, invoice, part.no, share)
        yield world.later(2, 10)


def pay(world: World, base: dict[str, Json], invoice: str, no: int, amount: int) -> None:
    """One payment of `amount` for instalment `no`; three in ten are known by their day alone."""
    method = world.rng.choice(names.PAYMENT_METHODS)
    allocation: dict[str, Json] = {"invoice": invoice, "instalment": no, "amount": str(amount)}
    data: dict[str, Json] = {"method": method, "amount": str(amount), "allocations": [allocation]}
    if method == "acceptance_bill":
        data["matures_on"] = date_text(world.now, 90)
    world.emit("payment.received", world.number("PAY"), base | data, day=world.chance(0.3))
