"""The batch in hand of a partition task: records go through the kernel's driver, effects into one commit.

Pure of Kafka: it takes what `Inputs` has fetched and makes lines. Nothing of it counts before the commit.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from schemas.errors import StagewatchError, StreamError
from streams.kernel.contract import SHARED, SHARED_CHANGE, WATERMARK, Record, Step
from streams.kernel.driver import Dead, Out, Partition
from streams.machines.gaps import LATE, gap_value
from streams.runtimes.cluster import letters
from streams.runtimes.cluster.beginning import BEGIN, Beginning
from streams.runtimes.cluster.codec import Lines
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.echoes import ASK, BACK, Echoes
from streams.runtimes.cluster.inputs import Input, Inputs
from streams.runtimes.cluster.local import ChangelogStore
from streams.runtimes.cluster.reading import RETRY, TICK, Reader, Taken
from streams.runtimes.cluster.telling import Care, Done
from streams.runtimes.cluster.writing import Batch
from streams.stores.sqlite_dlq import from_plain
from streams.topology import MachineSpec

AHEAD = 200
"""Records whose rows are loaded together."""

META, INPUTS, RETRIED, FLOOR = "meta", "inputs", "retried", "floor"


class Work:
    """`run`, `finish`, commit, `done`; again and again.

    positions: topic -> offset of the next record, as of the rows. records: worked off since the last commit;
    first: the first of them. busy: there is more to do without waiting for news. ticked: a tick came.
    """

    def __init__(
        self,
        cluster: Cluster,
        spec: MachineSpec,
        partition: Partition,
        store: ChangelogStore,
        inputs: Inputs,
        care: Care,
    ) -> None:
        self.partition = partition
        self.batch = Batch(cluster, spec.name, partition.number)
        self.positions: dict[str, int] = dict(store.get(SHARED, META, INPUTS) or {})
        self.records = 0
        self._taken: Counter[str] = Counter()
        self.first: Input | None = None
        self.ticked = False
        self._pace = cluster.pace
        self._spec, self._store, self._inputs, self._care = spec, store, inputs, care
        self._careful = care.records
        self._reader = Reader(cluster, spec.name, partition.number)
        self._item: Input | None = None
        self._unfinished = False
        self._expected = 0
        self._mark: int | None = None
        self._told, self._told_at = partition.clock, 0.0
        self._outs: list[Out] = []
        self._dead: list[Dead] = []
        self._unread: list[str] = []
        self._stamps = spec.fed_by is None
        self._seen = -1
        floor: int = (store.get(SHARED, META, FLOOR) or [-1])[0]
        self._own = cluster.own_topic(spec.name)
        begun = time.time_ns() // 1000
        self._echoes = Echoes(self._own, partition.number, cluster.partitions, floor, begun)
        self._trial, self._asked_at = cluster.trial, 0.0
        self._behind = cluster.behind
        if self._stamps and not self._trial and 0 <= floor < begun - LATE:
            self._note_gap(cluster.followers(spec.name), floor, begun)
        self._kinds: dict[str, Callable[[Taken], bool]] = {RETRY: self._retry, WATERMARK: self._watermark}
        if self._stamps:
            self._kinds = {RETRY: self._retry, TICK: self._tick, ASK: self._echo, BACK: self._echo}
            self._kinds[BEGIN] = self._begin
            self._beginning = Beginning(cluster, spec.name, store, inputs, self.batch)

    # -- a batch -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work records off up to the bounds of a batch, and let sweeps go on."""
        deadline = time.perf_counter() + self._pace.batch_ms / 1000
        limit = 1 if self._careful else self._pace.batch_records
        self._unfinished = False
        while self.records < limit and (item := self._inputs.next()) is not None:
            self._expect()
            if not self._take(item):
                self._unfinished = True
                break
            self._inputs.passed()
            self.positions[item.topic] = item.offset + 1
            self.records += 1
            self._taken[item.topic] += 1
            if time.perf_counter() > deadline:
                break
        self._sweep(deadline)
        self._consider_mark()

    @property
    def must_commit(self) -> bool:
        """Whether something would be lost."""
        return bool(
            self.partition.outs
            or self.batch.lines
            or self._store.changed
            or self._mark is not None
            or self._echoes.pending
            or self._unfinished
            or self._careful
        )

    @property
    def busy(self) -> bool:
        """More can be done at once."""
        return self._unfinished or bool(self.partition.sweeping)

    def finish(self) -> Lines:
        """All lines of the batch: outputs, letters, watermarks, rows with the position."""
        part = self.partition
        part.checkpoint()
        self._store.apply(Step(rows={(SHARED, META, INPUTS): dict(self.positions)}), 0)
        if self._stamps and self._mark is not None:
            self._store.apply(Step(rows={(SHARED, META, FLOOR): [self._mark]}), 0)
        self._outs, part.outs = part.outs, []
        self.batch.outs(self._outs)
        if self._stamps:
            self._echoes.spoken += sum(out.emit.topic == self._own for out in self._outs)
            self._echoes.send(self.batch)
        if self._mark is not None:
            self.batch.mark(self._mark)
            self._told, self._told_at, self._mark = self._mark, time.monotonic(), None
        self.batch.rows(self._store.take_changes())
        return self.batch.lines

    def done(self, seconds: float) -> Done:
        """The batch was committed: what it was; the next begins."""
        part = self.partition
        told = Done(
            self._spec.name, part.number, self.records, self._outs, self._dead, self._unread,
            list(part.lateness), seconds, self._taken,
        )  # fmt: skip
        part.lateness.clear()
        self.batch.clear()
        self._careful = max(0, self._careful - self.records)
        self._outs, self._dead, self._unread = [], [], []
        self.records, self.first, self._taken = 0, None, Counter()
        return told

    def _note_gap(self, topics: list[str], since: int, now: int) -> None:
        """Nobody was here from `since` to `now` (us): say so in the log, before time goes on."""
        for topic in topics:
            value = gap_value(since, now)
            self.batch.to_all(Record(topic, SHARED, SHARED_CHANGE, value, since, self.partition.number))

    def _expect(self) -> None:
        """Have the rows of the next records loaded by few statements."""
        if not self._expected:
            keys = self._inputs.ahead(AHEAD)
            self._expected = len(keys)
            self._store.expect(keys)
        self._expected -= 1

    # -- records -------------------------------------------------------------------------------------------

    def _take(self, item: Input) -> bool:
        """Work one record off. False: due waits remain; commit, then take it again."""
        self._item = item
        if self.first is None:
            self.first = item
        try:
            if self._care.bury == (item.topic, item.offset):
                raise StreamError("SW-STREAM-024", place=f"{item.topic}/{item.partition}/{item.offset}")
            taken = self._reader.read(item)
        except StagewatchError as error:
            self._unread.append(error.code)
            self.batch.add_one(*letters.of_raw(self._spot, item, error))
            return True
        if taken.away is not None:
            self.batch.add(taken.away)
            return True
        if taken.letter is not None and self._store.get(SHARED, RETRIED, taken.letter) is not None:
            return True
        if self._stamps and not self._trial:
            self._seen = max(self._seen, item.at)
        done = self._kinds.get(taken.record.kind, self._receive)(taken)
        if done and taken.letter is not None:
            replayed: dict[tuple[str, str, str], Any] = {(SHARED, RETRIED, taken.letter): 1}
            self._store.apply(Step(rows=replayed), 0)
        self._bury()
        return done

    def _receive(self, taken: Taken) -> bool:
        """A record moves no clock: only watermarks promise that nothing older comes."""
        record = taken.record
        if self._stamps:
            self._echoes.spoken += record.topic == self._own
            late = record.late or self._inputs.newest - record.at > self._behind
            at = max(record.at, self._echoes.floor)
            if (at, late) != (record.at, record.late):
                record = msgspec.structs.replace(record, at=at, late=late)
        return self.partition.receive(record, self._pace.waits, fed=False)

    def _watermark(self, taken: Taken) -> bool:
        return self.partition.watermark(taken.record.feed, taken.record.at, self._pace.waits)

    def _tick(self, taken: Taken) -> bool:
        """All that is older has been worked off here."""
        self.ticked = True
        self._seen = max(self._seen, taken.record.at)
        self._ask_for_echoes(self._seen, at_once=True)
        return True

    def _echo(self, taken: Taken) -> bool:
        record = taken.record
        if record.kind == ASK:
            self._echoes.asked(record)
        elif (mark := self._echoes.came(record)) is not None:
            self._mark = mark
            self.partition.watermark(self.partition.number, mark)
            self._ask_for_echoes(self._seen if self._trial else self._seen - 1, at_once=self._trial)
        return True

    def _ask_for_echoes(self, mark: int, *, at_once: bool) -> None:
        """Begin to promise that nothing older than `mark` (us) will come."""
        if self._echoes.under_way or self._beginning.waits or mark <= self._echoes.floor:
            return
        now = time.monotonic()
        if at_once or now - self._asked_at > self._pace.tick_ms / 1000:
            self._asked_at = now
            self._echoes.begin(mark)

    def _begin(self, taken: Taken) -> bool:
        """From now on there are topics that have not been read: nothing of them was seen yet."""
        if self._beginning.come(taken.record):
            self._seen = -1
        return True

    def _retry(self, taken: Taken) -> bool:
        self.partition.retry(from_plain(taken.record.value))
        return True

    def _sweep(self, deadline: float) -> None:
        """Let sweeps go on, a little at least, and for as long as nothing else is to be done."""
        while self.partition.sweeping:
            self.partition.sweep_some(self._pace.sweep_keys)
            self._bury()
            if self._inputs.next() is not None or time.perf_counter() > deadline:
                break

    def _consider_mark(self) -> None:
        """A machine that is fed passes its clock on now and then, when all that was due has fired."""
        part = self.partition
        if self._stamps:
            self._ask_for_echoes(self._seen - 1, at_once=False)  # of the last instant more may come
            return
        if not self.batch.feeds or self._unfinished or part.clock <= self._told:
            return
        if time.monotonic() - self._told_at >= self._pace.tick_ms / 1000:
            self._mark = part.clock

    def _bury(self) -> None:
        dead = self.partition.dead
        if dead:
            for letter in dead:
                self.batch.add_one(*letters.of_dead(self._spot, letter))
            self._dead += dead
            dead.clear()

    @property
    def _spot(self) -> letters.Spot:
        return letters.Spot(self._spec.name, self.partition.number, self._spec.inputs[0], self._item)
