"""Identity and ledger partitions joined by logs: every partition reads each topic in order, topics in any
order.

What a step emits is appended to all logs at once, as a transaction does, so effects never overtake their
causes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from schemas.canonical import partition_of
from streams.kernel.contract import SHARED, Record
from streams.kernel.driver import Dead, Out, Partition
from streams.machines.identity.listing import Waiting, all_waiting
from streams.machines.identity.machine import IdentityMachine
from streams.machines.identity.names import RESOLVE, SALES_EVENTS, Limits
from streams.stores.memory import MemoryStore
from tests.unit.identity.ledger import Ledger, LedgerKey

MARCH = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
SECOND = 1_000_000

Log = tuple[str, int, str]
"""(machine, partition, topic)"""


def first(logs: list[Log]) -> Log:
    """The scheduler that works off the logs in a fixed order."""
    return logs[0]


class Cluster:
    """`partitions` of the identity machine and of the ledger. Keeps everything emitted to `sales.events`."""

    def __init__(self, partitions: int = 3, limits: Limits | None = None) -> None:
        self.partitions = partitions
        numbers = range(partitions)
        self.identity = [
            Partition(IdentityMachine(partitions, limits), MemoryStore(), n, [n], stamps=True)
            for n in numbers
        ]
        self.ledger = [Partition(Ledger(), MemoryStore(), n, numbers) for n in numbers]
        self.logs: dict[Log, deque[Record]] = {}
        self.sent: list[Out] = []
        self.dead: list[Dead] = []
        self.at = MARCH

    def send(self, key: str, value: Any, kind: str = "event", topic: str = "crm.activity") -> None:
        """Append a record to an intake topic one second after the last one."""
        self.at += SECOND
        number = self._number(key)
        self._append("identity", number, Record(topic, key, kind, value, self.at, number))

    def run(self, choose: Callable[[list[Log]], Log] = first) -> None:
        """Work the logs off; `choose` picks the next log."""
        if not self.take_steps(choose, 20_000):
            raise AssertionError("records go round in circles")

    def take_steps(self, choose: Callable[[list[Log]], Log], steps: int) -> bool:
        """Take up to that many records; True when none is left."""
        for _ in range(steps):
            logs = sorted(log for log, records in self.logs.items() if records)
            if not logs:
                return True
            self._step(choose(logs))
        return False

    def _step(self, log: Log) -> None:
        machine, number, _ = log
        part = (self.identity if machine == "identity" else self.ledger)[number]
        part.receive(self.logs[log].popleft())
        for out in part.outs:
            if machine == "identity" and out.emit.topic == SALES_EVENTS:
                self.sent.append(out)
            self._publish(out)
        part.outs.clear()
        self.dead.extend(part.dead)
        part.dead.clear()

    def _publish(self, out: Out) -> None:
        emit = out.emit
        reader = "identity" if emit.topic == RESOLVE else "ledger"
        for number in range(self.partitions) if emit.everywhere else (self._number(emit.key),):
            record = Record(emit.topic, emit.key, emit.kind, emit.value, out.at, out.feed, out.n)
            self._append(reader, number, record)

    def _append(self, machine: str, number: int, record: Record) -> None:
        self.logs.setdefault((machine, number, record.topic), deque()).append(record)

    def _number(self, key: str) -> int:
        return 0 if key == SHARED else partition_of(key, self.partitions)

    # -- what came out ---------------------------------------------------------------------------------------

    def keys(self) -> dict[str, LedgerKey]:
        """All keys of the ledger."""
        found: dict[str, LedgerKey] = {}
        for part in self.ledger:
            key = part.store.next_key(None)
            while key is not None:
                state = part.store.get(key, "state", "")
                if state is not None:
                    found[key] = LedgerKey.of(state)
                key = part.store.next_key(key)
        return found

    def places(self) -> dict[str, dict[str, list[str]]]:
        """entity -> key -> ids of its events there."""
        found: dict[str, dict[str, list[str]]] = {}
        for key, state in sorted(self.keys().items()):
            for entity, ids in sorted(state.events.items()):
                if ids:
                    found.setdefault(entity, {})[key] = ids
        return found

    def waiting(self) -> list[Waiting]:
        """What is parked."""
        return all_waiting(part.store for part in self.identity)

    def kinds(self, key: str, *kinds: str) -> list[Any]:
        """Values identity sent under `key`, of these kinds (all by default)."""
        return [o.emit.value for o in self.sent if o.emit.key == key and (not kinds or o.emit.kind in kinds)]

    def codes(self) -> list[str]:
        """Codes of what was refused."""
        return [dead.error.code for dead in self.dead]


def event(type_: str, name: str, time: int = MARCH, **data: Any) -> dict[str, Any]:
    """An event as it flows between machines."""
    return {"id": name, "src": "crm", "type": type_, "time": time, "data": data}


def fill(cluster: Cluster, records: Iterable[tuple[str, dict[str, Any]]]) -> Cluster:
    """Send and work off (key, event) pairs."""
    for key, value in records:
        cluster.send(key, value)
        cluster.run()
    return cluster
