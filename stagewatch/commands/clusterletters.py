"""Dead letters of a cluster as commands ask for them: each with the number by which people name it.

The letters are topics, read through Kafka. It must not bring one back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.dlq import Letter, letters_of
from streams.stores.sqlite_dlq import DeadLetter

Found = list[DeadLetter]


class ClusterLetters:
    """`stagewatch.commands.reading.Letters`; read once, when first asked."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._found: Sequence[Letter] | None = None

    def list(self, *, replayed: bool = False, limit: int = 1000) -> list[DeadLetter]:
        """Letters, oldest first; `replayed` ones too if asked. limit: -1 for all."""
        found = [_dead(letter) for letter in self._letters if replayed or not letter.replayed]
        return found if limit < 0 else found[:limit]

    def get(self, number: int) -> DeadLetter | None:
        """The letter of that number."""
        return next((_dead(letter) for letter in self._letters if letter.number == number), None)

    def name(self, number: int) -> str | None:
        """The name of the letter of that number: `topic/partition/offset`."""
        return next((letter.name for letter in self._letters if letter.number == number), None)

    def count(self, *, replayed: bool = False) -> int:
        """How many `list` would give without a limit."""
        return sum(replayed or not letter.replayed for letter in self._letters)

    def mark(self) -> object:
        """For `since`, also of another reader."""
        return frozenset(letter.number for letter in self._letters)

    def since(self, mark: object) -> Found:
        """Those that were not there when `mark` was taken, and wait."""
        known = mark if isinstance(mark, frozenset) else frozenset()
        return [letter for letter in self.list(limit=-1) if letter.id not in known]

    @property
    def _letters(self) -> Sequence[Letter]:
        if self._found is None:
            found = asyncio.run(letters_of(self._cluster))
            self._found = sorted(found, key=lambda letter: (int(letter.value["at"]), letter.number))
        return self._found


def _dead(letter: Letter) -> DeadLetter:
    value = letter.value
    what: dict[str, Any] = value["what"] or {"is": "raw", **value["raw"]}
    return DeadLetter(
        letter.number,
        int(value["at"]),
        str(value["machine"]),
        str(value["topic"]),
        str(what.get("key") or ""),
        letter.code,
        -1 if value["position"] is None else int(value["position"]["offset"]),
        letter.replayed,
        value["error"],
        what,
    )
