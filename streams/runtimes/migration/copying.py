"""The copy of a source into a target, whatever the two are: rows by partition, logs, dead letters, messages.

    begin    the target is marked as incomplete
    copy     rows of every machine, split or joined; logs that are kept for good; letters; messages
    retire   the source is marked as moved: from here on only the target may run
    release  the target is whole

Broken off before its end, the target stays refused and the same move starts again. It must not know files or
Kafka, nor what a machine means by a row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.errors import StreamError
from streams.kernel.contract import WAITS, Store
from streams.kernel.repartition import Marks, Placed, Repartition, Row, marks_of, unfinished
from streams.runtimes.migration.ports import PAGE, Source, Target
from streams.stores.log import Logged
from streams.topology import ALERTS, APPROVALS, MACHINES, NOTIFICATIONS, SALES_EVENTS, TASKS, MachineSpec

KEPT = (SALES_EVENTS, ALERTS, TASKS, APPROVALS)
"""Topics that are kept for good."""

Told = Callable[[int, int], None]
"""Done so far, and of how much."""


@dataclass(slots=True)
class Copied:
    """What was copied. at: the greatest logical time, us. epoch: the new one."""

    rows: int = 0
    waits: int = 0
    records: int = 0
    letters: int = 0
    messages: int = 0
    at: int = 0
    epoch: int = 0


class Copy:
    """One move: `run`, then `hand_over`. messages: notifications that were not sent, or all of them.

    Example::

        copy = Copy(source, target, source.unsent(), told)
        copied = await copy.run()
        await copy.hand_over()
    """

    def __init__(
        self,
        source: Source,
        target: Target,
        messages: AsyncIterator[Logged],
        told: Told,
        machines: Sequence[MachineSpec] = MACHINES,
    ) -> None:
        self._source, self._target, self._messages = source, target, messages
        self._told, self._machines = told, machines
        self._done, self._size = 0, 1
        self._copied = Copied()

    async def run(self) -> Copied:
        """Copy everything; the target is not released yet.

        Raises:
            StreamError: SW-STREAM-072 to -075; the source is as it was.
        """
        source, target, copied = self._source, self._target, self._copied
        stores = [store for spec in self._machines for store in source.stores(spec.name)]
        refuse_sweeping(stores, source.name)
        marks = marks_of(stores, source.standing.at)
        await target.begin(source)
        self._size = max(1, source.size())
        for spec in self._machines:
            await self._rows(spec, marks)
        for topic in KEPT:
            await self._records(topic, source.records(topic), shared=topic == SALES_EVENTS)
        if target.keeps_raw:
            await self._raw()
        copied.messages = await self._records(NOTIFICATIONS, self._messages)
        letters = await source.letters()
        await target.letters(letters)
        copied.letters = len(letters)
        copied.at, copied.epoch = marks.at, source.standing.epoch + 1
        await target.finish(source.standing, marks)
        return copied

    async def hand_over(self) -> None:
        """From now on the target is in use, and the source is not.

        Raises:
            StreamError: SW-STREAM-073, somebody has worked on the source meanwhile.
        """
        await self._source.verify()
        await self._source.retire(self._target.name)
        await self._target.release()

    # -- inside --------------------------------------------------------------------------------------------

    async def _rows(self, spec: MachineSpec, marks: Marks) -> None:
        way = Repartition(spec.sharing, self._target.partitions, marks, fed=spec.fed_by is not None)
        pages = Pages(self._target, spec.name)
        for number in range(self._source.partitions):
            await self._placed(pages, way.take(self._source.rows(spec.name, number)))
        await self._placed(pages, way.shared())
        await pages.end()

    async def _placed(self, pages: Pages, rows: Iterable[Placed]) -> None:
        last = None
        for number, row in rows:
            self._copied.waits += row[1] == WAITS
            self._copied.rows += row[1] != WAITS
            if row[0] != last:
                last = row[0]
                self._tell()
            await pages.add(number, row)

    async def _records(self, topic: str, records: AsyncIterator[Logged], *, shared: bool = False) -> int:
        page: list[Logged] = []
        count = 0
        async for record in records:
            page.append(record)
            count += 1
            self._tell()
            if len(page) == PAGE:
                await self._target.records(topic, page, shared=shared)
                page = []
        await self._target.records(topic, page, shared=shared)
        self._copied.records += count
        return count

    async def _raw(self) -> None:
        page: list[Logged] = []
        async for record in self._source.raw():
            page.append(record)
            if len(page) == PAGE:
                await self._target.records(page[0].topic, page, shared=False)
                page = []
        if page:
            await self._target.records(page[0].topic, page, shared=False)

    def _tell(self) -> None:
        self._done += 1
        if self._done % PAGE == 0:
            self._told(min(self._done, self._size), self._size)


class Pages:
    """Rows of one machine, gathered by partition until they are worth handing on."""

    def __init__(self, target: Target, machine: str) -> None:
        self._target, self._machine = target, machine
        self._rows: list[list[Row]] = [[] for _ in range(target.partitions)]

    async def add(self, number: int, row: Row) -> None:
        """One more."""
        rows = self._rows[number]
        rows.append(row)
        if len(rows) == PAGE:
            await self._hand_on(number)

    async def end(self) -> None:
        """Hand on what is left."""
        for number in range(len(self._rows)):
            await self._hand_on(number)

    async def _hand_on(self, number: int) -> None:
        rows, self._rows[number] = self._rows[number], []
        if rows:
            await self._target.rows(self._machine, number, rows)


def refuse_sweeping(stores: Iterable[Store], name: str) -> None:
    """Raise SW-STREAM-073 while a change of rules or people is still being brought to all keys."""
    sweeps = sum(unfinished(store) for store in stores)
    if sweeps:
        raise StreamError(
            "SW-STREAM-073",
            place=name,
            expected="no sweep under way: a change of rules or people has reached all keys",
            found=f"{sweeps} sweeps",
            next_step="let it run without new events until `stagewatch status` shows none, and stop it again",
        )
