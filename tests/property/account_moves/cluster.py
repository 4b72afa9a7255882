"""Identity partitions and account partitions joined by logs that are read in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streams.kernel.driver import Partition
from streams.machines.account.machine import AccountMachine
from streams.machines.account.moves import outgoing, routing, thaw, whole
from streams.stores.memory import MemoryStore
from tests.unit.identity.cluster import Cluster, Log

UNDER_WAY = ("mv", "mv.since", "mw", "mp", "mo", "mc", "mq", "ms", "ma", "mb", "md", "mj", "mx", "fq")
"""Buckets that are empty when no move is under way."""

Choose = Callable[[list[Log]], Log]


class AccountCluster(Cluster):
    """The account machine in place of the ledger. Keeps what went to the topic of alerts."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        numbers = range(partitions)
        self.ledger = [Partition(AccountMachine(), MemoryStore(), n, numbers) for n in numbers]
        self.alerts: list[dict[str, Any]] = []

    def _publish(self, out: Any) -> None:
        if out.emit.topic == "alerts":
            self.alerts.append(out.emit.value)
        elif out.emit.topic in ("sales.events", "identity.resolve"):
            super()._publish(out)

    def settle(self, choose: Choose, at: int) -> None:
        """Work everything off, sweeps too, and let logical time come to `at` everywhere."""
        while True:
            self.run(choose)
            for part in self.ledger:
                while part.sweep_some(100):
                    pass
                for feed in range(self.partitions):
                    part.watermark(feed, at)
            self._take_outs()
            if not any(self.logs.values()) and not any(part.held for part in self.ledger):
                return

    def sweep(self, keys: int) -> None:
        """Let each partition visit that many keys of its sweeps."""
        for part in self.ledger:
            part.sweep_some(keys)
        self._take_outs()

    def _take_outs(self) -> None:
        for part in self.ledger:
            for out in part.outs:
                self._publish(out)
            part.outs.clear()
            self.dead.extend(part.dead)
            part.dead.clear()

    # -- what is there ---------------------------------------------------------------------------------------

    def rows(self, bucket: str) -> Iterator[tuple[str, str, Any]]:
        """(key, name, row) of a bucket of all keys."""
        for key, each in self._keys():
            yield from ((key, name, row) for name, row in each.store.scan(key, bucket))

    def entity_places(self) -> dict[str, dict[str, list[str]]]:
        """entity -> key -> ids of its events there."""
        found: dict[str, dict[str, list[str]]] = {}
        for key, part in self._keys():
            for bucket, _, row in part.store.scan_key(key, None, 100_000):
                if bucket.startswith("v|"):
                    found.setdefault(bucket[2:], {}).setdefault(key, []).append(row["e"]["id"])
        return found

    def under_way(self) -> list[str]:
        """Rows of moves that are not over."""
        return [
            f"{key} {bucket} {name}"
            for key, part in self._keys()
            for bucket, name, _ in part.store.scan_key(key, None, 100_000)
            if bucket.partition("|")[0] in UNDER_WAY
        ]

    def _keys(self) -> Iterator[tuple[str, Partition]]:
        for part in self.ledger:
            key = part.store.next_key(None)
            while key is not None:
                yield key, part
                key = part.store.next_key(key)


SMALL = (
    (whole, "BATCH", 3),
    (whole, "CHUNK", 2),
    (outgoing, "CHUNK", 2),
    (outgoing, "BATCH", 1),
    (thaw, "CHUNK", 2),
    (routing, "BATCH", 2),
)


@contextmanager
def small_records() -> Iterator[None]:
    """Records of two rows and steps of three, so that a few entities already take many."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in SMALL:
            patch.setattr(module, name, size)
        yield
