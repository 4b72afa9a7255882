"""When a partition that stamps time may promise that nothing older comes: when all answers are back.

An event whose parent is at another partition waits there for an answer, and goes on with the time at which it
came. So before a partition sends watermark T it asks all partitions for an echo, through the topic by which
they speak: behind all questions that records up to T led to, and in front of it come all answers. As answers
lead to further questions, it asks again until nobody has spoken since the last round, or for some rounds
where somebody always speaks; an answer that takes longer still comes with the time of the watermark. It must
not do I/O.
"""

from __future__ import annotations

from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.writing import Batch

ASK, BACK = "echo", "echo.back"

ROUNDS = 3
"""At most: one for a parent that is known, two more for one that was asked for in the same moment."""


class Echoes:
    """The rounds of one partition. topic: by which partitions speak. floor: the last watermark, us.

    spoken: grows with each record of the machine that went through that topic, either way; `begun` is where
    it starts, another number for each owner of the partition.
    """

    def __init__(self, topic: str, number: int, partitions: int, floor: int, begun: int) -> None:
        self._topic, self._number, self._partitions = topic, number, partitions
        self.floor = floor
        self.spoken = begun
        self._mark: int | None = None
        self._round = 0
        self._missing: set[int] = set()
        self._heard: dict[int, int] = {}
        self._quiet = True
        self._ask_now = False
        self._backs: list[Record] = []

    @property
    def under_way(self) -> bool:
        """Whether echoes are missing."""
        return self._mark is not None

    @property
    def pending(self) -> bool:
        """Whether there is something to send with the next commit."""
        return self._ask_now or bool(self._backs)

    def begin(self, mark: int) -> None:
        """Ask for the first round, to promise `mark` us at the end."""
        self._mark, self._round = mark, 0
        self._next_round()

    def asked(self, record: Record) -> None:
        """Another partition asks: what it had asked before has been worked off."""
        self._backs.append(record)

    def came(self, record: Record) -> int | None:
        """An echo came back. The watermark to send, if it was the last."""
        value = record.value
        if self._mark is None or (value["mark"], value["round"]) != (self._mark, self._round):
            return None
        sender = record.feed
        if sender in self._missing:
            self._missing.discard(sender)
            self._quiet = self._quiet and self._heard.get(sender) == value["spoken"]
            self._heard[sender] = value["spoken"]
        if self._missing:
            return None
        if not self._quiet and self._round < ROUNDS:
            self._next_round()
            return None
        mark, self._mark = self._mark, None
        self.floor = max(self.floor, mark)
        return self.floor

    def send(self, batch: Batch) -> None:
        """Put what is pending behind all outputs of the batch."""
        for asked in self._backs:
            value = {**asked.value, "spoken": self.spoken}
            back = Record(self._topic, SHARED, BACK, value, asked.at, self._number)
            batch.to_one(asked.feed, back)
        self._backs = []
        if self._ask_now and self._mark is not None:
            value = {"mark": self._mark, "round": self._round}
            batch.to_all(Record(self._topic, SHARED, ASK, value, self._mark, self._number))
        self._ask_now = False

    def _next_round(self) -> None:
        self._round += 1
        self._missing = set(range(self._partitions))
        self._quiet, self._ask_now = True, True
