"""Which sweeps of a partition run and how far they are, as rows; and which keys one has met already. Pure.

It must not call a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.kernel.contract import SHARED, Step, Store

SWEEPS, SWEPT = "sweep", "k"

Running = dict[str, Any]
"""what: why it runs. at: its logical time, us. cursor: the last key that was visited, or None."""


class Sweeps:
    """The sweeps of a partition. begun: how many there have been.

    running: by their number; the same dict as long as the partition lives.
    """

    def __init__(self, store: Store, begun: int) -> None:
        self._store = store
        self.begun = begun
        self.running: dict[str, Running] = dict(store.scan(SHARED, SWEEPS))

    def start(self, what: Any, at: int) -> None:
        """A sweep over all keys begins."""
        self.begun += 1
        self.save(f"{self.begun:010d}", {"what": what, "at": at, "cursor": None})

    def save(self, seq: str, sweep: Running) -> None:
        """So far it is."""
        self.running[seq] = sweep
        self._write((SHARED, SWEEPS, seq), dict(sweep))

    def end(self, seq: str) -> Running:
        """All keys have been visited."""
        self._write((SHARED, SWEEPS, seq), None)
        return self.running.pop(seq)

    def visit(self, key: str, seq: str) -> bool:
        """The cursor comes to the key; whether it was not met before."""
        swept = self._swept(key)
        if swept == seq:
            self._write((key, SWEPT, "swept"), None)
        return swept is None or swept < seq

    def touch(self, key: str) -> Iterator[Running]:
        """Sweeps that meet the key now, before their cursor comes, so that every rule is judged from its
        first moment.
        """
        swept = self._swept(key)
        for seq, sweep in sorted(self.running.items()):
            cursor = sweep["cursor"]
            if (cursor is not None and cursor >= key) or (swept is not None and swept >= seq):
                continue
            self._write((key, SWEPT, "swept"), seq)
            yield sweep

    def _swept(self, key: str) -> str | None:
        swept: str | None = self._store.get(key, SWEPT, "swept")
        return swept

    def _write(self, address: tuple[str, str, str], value: Any) -> None:
        self._store.apply(Step(rows={address: value}), 0)
