"""When a partition that stamps time may promise that nothing older comes: when all answers are back.

An event whose parent is at another partition waits there for an answer, and goes on with the time at which it
came. So before a partition sends watermark T it asks all partitions for an echo, through the topic by which
they speak: behind all questions that records up to T led to, and in front of it all answers. One round brings
the answers of those who know; as answers lead to further questions, there are some rounds. An answer that
takes longer still comes with the time of the watermark. It must not do I/O.
"""

from __future__ import annotations

from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.writing import Batch

ASK, BACK = "echo", "echo.back"

ROUNDS = 3
"""One for a parent that is known, two more for one that was asked for in the same moment."""


class Echoes:
    """The rounds of one partition. topic: by which partitions speak. floor: the last watermark, us."""

    def __init__(self, topic: str, number: int, partitions: int, floor: int) -> None:
        self._topic, self._number, self._partitions = topic, number, partitions
        self.floor = floor
        self._mark: int | None = None
        self._round = 0
        self._missing: set[int] = set()

    @property
    def under_way(self) -> bool:
        """Whether echoes are missing."""
        return self._mark is not None

    def begin(self, mark: int, batch: Batch) -> None:
        """Ask for the first round, to promise `mark` us at the end."""
        self._mark, self._round = mark, 0
        self._ask(batch)

    def asked(self, record: Record, batch: Batch) -> None:
        """Another partition asks: what it had asked before has been worked off."""
        back = Record(self._topic, SHARED, BACK, record.value, record.at, self._number)
        batch.to_one(record.value["from"], back)

    def came(self, record: Record, batch: Batch) -> int | None:
        """An echo came back. The watermark to send, if it was the last."""
        value = record.value
        if self._mark is None or (value["mark"], value["round"]) != (self._mark, self._round):
            return None
        self._missing.discard(record.feed)
        if self._missing:
            return None
        if self._round < ROUNDS:
            self._ask(batch)
            return None
        mark, self._mark = self._mark, None
        self.floor = max(self.floor, mark)
        return self.floor

    def _ask(self, batch: Batch) -> None:
        self._round += 1
        self._missing = set(range(self._partitions))
        value = {"from": self._number, "mark": self._mark, "round": self._round}
        batch.to_all(Record(self._topic, SHARED, ASK, value, self._mark or 0, self._number))
