"""Accounts, each with its opportunity, by the million: their rows are copied, not computed.

The machines work off the openings of the first accounts of each length of number. Their rows are the models:
those of another account differ in its number alone, which is compared with what the machines make of a few.
The logs stay empty. Nothing is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from bench.kernel import Kernel
from bench.workload import REGIONS, REPS, START, TIERS, deal_of, opening_entries
from schemas.canonical import partition_of
from streams.kernel.contract import Step
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import Pool
from streams.stores.sqlite_db import Database

CYCLE = math.lcm(len(REGIONS), len(TIERS), REPS)
"""Accounts whose numbers differ by so much have the same region, tier and owner."""

AT_ONCE = 10_000
"""Accounts of one transaction."""

SAMPLES = (1_234 + 2 * CYCLE, 123_456)
"""Accounts whose copies are compared with what the machines make."""

Part = tuple[str, str, list[tuple[str, str, Any]], list[tuple[str, int]]]
"""(machine, key, (bucket, name, value) of its rows, (name, due us) of its waits)."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Part]).decode


def fill(place: Path, accounts: int, rules: int) -> None:
    """Put the accounts 0 up to `accounts` into a workspace with so many rules, which nobody has open.

    Raises:
        RuntimeError: a copy is not what the machines make.
    """
    for number in SAMPLES:
        model = model_of(number)
        if copied(made([model], rules)[model], model, number) != _decode(made([number], rules)[number]):
            raise RuntimeError(f"account {number} is no copy of account {model}")
    models = made(sorted({model_of(number) for number in range(accounts)}), rules)
    database = Database(place)
    population = _Stores(database)
    for number in range(accounts):
        model = model_of(number)
        population.put(copied(models[model], model, number))
        if number % AT_ONCE == AT_ONCE - 1:
            population.commit()
    population.commit()
    database.close()


def model_of(number: int) -> int:
    """The account whose rows are copied: its number is as long, its region, tier and owner are the same."""
    least = 10 ** (len(str(number)) - 1) if number else 0
    return least + (number - least) % CYCLE


def made(numbers: Iterable[int], rules: int) -> dict[int, bytes]:
    """What the machines make of the openings of accounts, encoded."""
    kernel = Kernel(rules, [], 0)
    found: dict[int, bytes] = {}
    for number in numbers:
        for entry in opening_entries(number):
            kernel.take(entry)
        parts: list[Part] = []
        for machine, partitions in kernel.pipeline.machines.items():
            store = partitions[0].store
            for key in (f"account:A{number}", f"opportunity:{deal_of(number)}"):
                rows, waits = store.scan_key(key, None, CYCLE), store.waits_of(key)
                if rows or waits:
                    parts.append((machine, key, rows, waits))
        found[number] = _encode(parts)
    return found


def copied(rows: bytes, model: int, number: int) -> list[Part]:
    """The rows of another account, whose number is as long."""
    for before in ("A", "O", "a-", "o-"):
        rows = rows.replace(f"{before}{model}".encode(), f"{before}{number}".encode())
    return _decode(rows)


class _Stores:
    """The stores of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = Pool()
        found = database.rows("SELECT machine, number, id FROM parts")
        self._stores = {(row[0], row[1]): SqliteStore(database, row[2], self._pool) for row in found}
        self._partitions = 1 + max(row[1] for row in found)

    def put(self, parts: Iterable[Part]) -> None:
        """Write the rows of an account; its waits were armed at its opening."""
        for machine, key, rows, waits in parts:
            step = Step(
                rows={(key, bucket, name): value for bucket, name, value in rows},
                waits={(key, name): due for name, due in waits},
            )
            self._stores[machine, partition_of(key, self._partitions)].apply(step, START)

    def commit(self) -> None:
        """End a transaction."""
        self._pool.flush()
        self._database.commit()
        self._pool.trim()
