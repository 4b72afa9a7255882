"""Keys of the account machine that send each other records, delivered in any order: for one step of a move
at a time.
"""

from __future__ import annotations

from typing import Any

from streams.kernel.contract import Record
from streams.kernel.driver import Partition
from streams.machines.account.machine import AccountMachine
from streams.stores.memory import MemoryStore

MARCH = 1_772_409_600_000_000
SECOND = 1_000_000
SALES = "sales.events"


def event(type_: str, name: str, time: int = MARCH, **data: Any) -> dict[str, Any]:
    """An event as identity sends it on."""
    return {"id": name, "src": "crm", "type": type_, "time": time, "data": data}


def deal(name: str, native: str = "O1", account: str = "A1", time: int = MARCH) -> dict[str, Any]:
    """A deal of an account; a second one is a change of it."""
    return event("opportunity.created", name, time, opportunity=native, account=account, amount="100")


def entity(native: str, kind: str = "opportunity") -> dict[str, Any]:
    """The scope of a move of one entity."""
    return {"entity": [kind, native]}


class Network:
    """One partition that holds all keys. `sent` is what waits for delivery, `seen` all that was ever
    delivered.
    """

    def __init__(self) -> None:
        self.part = Partition(AccountMachine(), MemoryStore(), 0, [0])
        self.sent: list[tuple[str, str, Any]] = []
        self.seen: list[tuple[str, str, Any]] = []
        self.n = 0
        self.fired = 0

    def give(self, key: str, kind: str, value: Any) -> None:
        """Deliver one record at once, one second after the last; what it causes waits in `sent`."""
        self.n += 1
        self.seen.append((key, kind, value))
        self.part.receive(Record(SALES, key, kind, value, MARCH + self.n * SECOND, 0, self.n))
        assert [str(dead.error) for dead in self.part.dead] == []
        for out in self.part.outs:
            if out.emit.topic == SALES:
                self.sent.append((out.emit.key, out.emit.kind, out.emit.value))
            self.fired += out.emit.topic == "alerts" and out.emit.value["state"] == "firing"
        self.part.outs.clear()

    def drop(self) -> None:
        """Forget what a sweep told the world."""
        self.part.outs.clear()

    def run(self, key: str | None = None) -> None:
        """Deliver what was sent (to that key), and what that causes, until nothing is left."""
        while (found := next((s for s in self.sent if key in (None, s[0])), None)) is not None:
            self.sent.remove(found)
            self.give(*found)

    def begin(self, to: str, move: str, scope: Any, partitions: int = 1) -> None:
        """Identity's `move.begin`."""
        value = {"move": move, "seq": seq(move), "from": "?", "scope": scope, "partitions": partitions}
        self.give(to, "move.begin", value)

    def out(self, key: str, to: str, move: str, scope: Any) -> None:
        """Identity's `move.out`."""
        self.give(key, "move.out", {"move": move, "seq": seq(move), "to": to, "scope": scope})

    def confirm(self, key: str, move: str, partition: int = 0) -> None:
        """Identity's `move.confirm`."""
        self.give(key, "move.confirm", {"move": move, "partition": partition})

    def move(self, key: str, to: str, move: str, scope: Any) -> None:
        """A whole move, nothing in between."""
        self.begin(to, move, scope)
        self.out(key, to, move, scope)
        self.confirm(key, move)
        self.run()

    # -- what is there ---------------------------------------------------------------------------------------

    def bucket(self, key: str, bucket: str) -> dict[str, Any]:
        """Rows of a bucket."""
        return dict(self.part.store.scan(key, bucket))

    def events(self, key: str, native: str = "O1", kind: str = "opportunity") -> list[str]:
        """Ids of the entity's events at the key."""
        return [row["e"]["id"] for row in self.bucket(key, f"v|{kind}|{native}").values()]

    def to(self, key: str) -> list[str]:
        """Kinds of the records that wait for delivery to the key."""
        return [kind for to, kind, _ in self.sent if to == key]


def seq(move: str) -> int:
    """The number in a move's name."""
    return int(move.rpartition("#")[2]) if "#" in move else 0


ALL = {"all": True}
