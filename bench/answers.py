"""What people do about the alerts of a stream: they acknowledge, decide and finish, most of them at once.

The stream is played once in memory with the rules; what its alerts, tasks and approvals ask for is answered
by the first of those asked. Answers are entries like events, so every bench plays them from one list.
Nothing is measured here; no clock and no chance: the delay follows from the id.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from bench.workload import Rules, directory, rules_in
from schemas.time import SECOND
from streams.kernel.contract import COMMAND
from streams.kernel.driver import Out
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.memory import MemoryStore
from streams.topology import ALERTS, APPROVALS, TASKS

HOUR = 3_600 * SECOND
LONGEST = 9 * HOUR
"""Within which (us) whoever answers at all does so."""

IDLE = 10
"""One alert in so many is never answered: reminders are part of the work."""

ASKING = {(ALERTS, "firing"): "ack", (TASKS, "open"): "task.done", (APPROVALS, "requested"): "approve"}
"""(topic, state that asks somebody for something) -> the answer."""


def answered(stream: Sequence[Entry], rules: Rules) -> list[Entry]:
    """The stream with the answers to what these rules make of it, in order of time."""
    office = _Office([*directory(), *rules_in(rules)])
    lived: list[Entry] = []
    for event in stream:
        while (answer := office.next_answer(event.at)) is not None:
            office.take(answer)
            lived.append(answer)
        office.take(event)
        lived.append(event)
    return lived


class _Office:
    """The pipeline, and the answers that its people have in mind."""

    def __init__(self, opening: Iterable[Entry]) -> None:
        self._pipeline = Pipeline(lambda machine, number: MemoryStore(), 1)
        self._waiting: list[tuple[int, int, Entry]] = []
        self._number = count()
        for entry in opening:
            self.take(entry)
        self._pipeline.finish_sweeps()

    def take(self, entry: Entry) -> None:
        """Work off an entry; people see what came of it."""
        while not self._pipeline.take(entry):
            pass
        for answer in _answers(self._pipeline.outs):
            heapq.heappush(self._waiting, (answer.at, next(self._number), answer))
        self._pipeline.outs.clear()

    def next_answer(self, until: int) -> Entry | None:
        """The next answer given at or before `until` (us), if any."""
        due = self._waiting and self._waiting[0][0] <= until
        return heapq.heappop(self._waiting)[2] if due else None


def _answers(outs: Iterable[Out]) -> list[Entry]:
    """Answers to all that asks; an alert with an approval or task is answered by those."""
    asking = [out for out in outs if (out.emit.topic, out.emit.value.get("state")) in ASKING]
    with_items = {out.emit.value["alert"] for out in asking if out.emit.topic != ALERTS}
    return [
        _answer(out.emit.topic, out.emit.value, out.at)
        for out in asking
        if out.emit.value["receivers"]
        and int(out.emit.value["alert"][:8], 16) % IDLE
        and (out.emit.topic != ALERTS or out.emit.value["alert"] not in with_items)
    ]


def _answer(topic: str, asked: dict[str, Any], at: int) -> Entry:
    command = {
        "machine": "account",
        "key": asked["home"],
        "command": ASKING[topic, asked["state"]],
        "alert": asked["alert"],
        "seen": asked["n"],
        "by": asked["receivers"][0],
    }
    if topic != ALERTS:
        command["item"] = asked["item"]
    return Entry(
        "commands", asked["home"], COMMAND, command, at + int(asked["id"][:8], 16) * SECOND % LONGEST
    )
