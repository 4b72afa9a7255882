"""Money that is owed: overdue amount, credit left, share paid. Computed from the rows of invoices and
payments.

Amounts are decimals in the document's own currency, converted to the base currency for the account's sums; an
invoice without a known rate counts as it stands. Results are decimal text (money) or `Decimal` text (ratio).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from streams.machines.account.entities import Row
from streams.machines.account.world import Cut, World

ZERO = Decimal(0)
GONE = frozenset({"reversed", "dishonoured"})
VOID = frozenset({"voided"})


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value)) if value is not None else ZERO
    except InvalidOperation:
        return ZERO


def _base(world: World, row: Row, amount: Decimal, at: int) -> Decimal:
    currency = row["d"].get("currency")
    rate = world.rate(currency, at) if isinstance(currency, str) else None
    return amount if rate is None else amount * rate


def _rows(world: World, kind: str, cut: Cut) -> Iterator[Row]:
    for row in world.entities((kind,)):
        then = world.row_at(kind, row["id"], cut)
        if then is not None and not then.get("x"):
            yield then


def _paid(world: World, kind: str, native: str, cut: Cut) -> Decimal:
    """Sum of all allocations to the document by payments that stand."""
    total = ZERO
    for payment in _rows(world, "payment", cut):
        if payment.get("st") in GONE:
            continue
        for part in payment["d"].get("allocations") or ():
            if world.document(payment, kind, part.get(kind)) == native:
                total += _decimal(part.get("amount"))
    return total


def _open_invoices(world: World, cut: Cut) -> Iterator[tuple[Row, Decimal]]:
    for invoice in _rows(world, "invoice", cut):
        if invoice.get("st") in VOID:
            continue
        amount = _decimal(invoice["d"].get("amount"))
        if invoice["d"].get("of"):
            amount = -abs(amount)  # a red-letter invoice takes from what is owed
        yield invoice, amount - _paid(world, "invoice", invoice["id"], cut)


def overdue_amount(world: World, row: Row, at: int, cut: Cut) -> object:
    """Base-currency sum of what is open on invoices whose due day is over at `at`."""
    today = datetime.fromtimestamp(at / 1_000_000, world.zone).date().isoformat()
    total = ZERO
    for invoice, owed in _open_invoices(world, cut):
        due_on = invoice["d"].get("due_on")
        if isinstance(due_on, str) and due_on[:10] < today and owed > 0:
            total += _base(world, invoice, owed, at)
    return str(total)


def credit_left(world: World, row: Row, at: int, cut: Cut) -> object:
    """The account's credit limit less everything open on its invoices; None without a limit."""
    limit = row["d"].get("credit_limit")
    if limit is None:
        return None
    owed = sum((_base(world, i, amount, at) for i, amount in _open_invoices(world, cut)), ZERO)
    return str(_decimal(limit) - owed)


def paid_ratio(world: World, row: Row, at: int, cut: Cut) -> object:
    """Payments allocated to a contract (or to its instalments, orders, invoices) divided by its amount."""
    amount = _decimal(row["d"].get("amount"))
    if amount <= 0:
        return None
    total = ZERO
    for payment in _rows(world, "payment", cut):
        if payment.get("st") in GONE:
            continue
        if world.document(payment, "contract", payment["d"].get("contract")) == row["id"]:
            total += _decimal(payment["d"].get("amount"))
        else:
            total += _allocated(world, payment, row["id"], cut)
    return str(total / amount)


def _allocated(world: World, payment: Row, contract: str, cut: Cut) -> Decimal:
    total = ZERO
    for part in payment["d"].get("allocations") or ():
        for kind in ("order", "invoice"):
            target = _named(world, payment, kind, part, cut)
            if target is not None and ("contract", contract) in world.ancestors(target, cut):
                total += _decimal(part.get("amount"))
    return total


def _named(world: World, payment: Row, kind: str, part: Row, cut: Cut) -> Row | None:
    native = world.document(payment, kind, part.get(kind))
    return None if native is None else world.row_at(kind, native, cut)


def open_instalments(world: World, row: Row, at: int, cut: Cut) -> object:
    """The instalments of a contract that payments which stand do not cover yet; None without instalments."""
    instalments = row["d"].get("instalments")
    if not instalments:
        return None
    return [
        part
        for part in instalments
        if _decimal(part.get("amount")) > _paid_instalment(world, row["id"], part.get("no"), cut)
        or _unpaid_without_amount(world, row["id"], part, cut)
    ]


def _unpaid_without_amount(world: World, contract: str, part: Row, cut: Cut) -> bool:
    return part.get("amount") is None and _paid_instalment(world, contract, part.get("no"), cut) <= 0


def _paid_instalment(world: World, contract: str, number: object, cut: Cut) -> Decimal:
    """Sum of what payments that stand allocate to one instalment."""
    total = ZERO
    for payment in _rows(world, "payment", cut):
        if payment.get("st") in GONE:
            continue
        for part in payment["d"].get("allocations") or ():
            of = part.get("contract") or payment["d"].get("contract")
            if (
                world.document(payment, "contract", of) == contract
                and part.get("instalment") is not None
                and part["instalment"] == number
            ):
                total += _decimal(part.get("amount"))
    return total
