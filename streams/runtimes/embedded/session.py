"""Everything that is rebuilt from the database when a workspace opens, and again after a failed batch.

What is in memory here is as good as the last commit plus the batch in hand; it must never outlive a failure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from schemas.errors import StreamError, WorkspaceError
from streams.kernel.contract import SHARED_CHANGE, WATERMARK, Record
from streams.kernel.driver import Dead
from streams.machines.gaps import gap_value
from streams.runtimes.embedded.intake import (
    RAW,
    RETRY,
    SWEEP_ON,
    TICK,
    Intake,
    State,
    entries_of,
)
from streams.runtimes.pipeline import Entry, Pipeline
from streams.stores.log import Line, Log, Logged
from streams.stores.sqlite import SqliteStore
from streams.stores.sqlite_cache import CAPACITY, Pool
from streams.stores.sqlite_db import Database
from streams.stores.sqlite_dlq import DeadLetters, from_plain
from streams.topology import MACHINES, SALES_EVENTS, MachineSpec
from streams.views.port import KEPT
from streams.views.sqlite import SqliteView

SWEEP_KEYS = 200
"""Keys of each partition that a continuation of a sweep visits."""

TOUCH_KEYS = 4
"""Keys of each partition that a running sweep visits with every entry."""

VIEWS = 1
"""Grows when the view's tables or their meaning change: an older view is rebuilt at opening."""


_encode = msgspec.msgpack.Encoder().encode

_PARTS = "SELECT machine, number, id FROM parts"


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of an embedded runtime.

    batch_entries, batch_ms: a batch ends with the first that is reached. cache_rows: rows kept in memory.
    closed_items: of each topic of the view. logged: topics between machines that are kept in the log.
    busy_seconds: patience with others' locks. connection: class of the connection, for trials of faults.
    """

    machines: Sequence[MachineSpec] = MACHINES
    batch_entries: int = 500
    batch_ms: int = 250
    cache_rows: int = CAPACITY
    closed_items: int = KEPT
    logged: tuple[str, ...] = (SALES_EVENTS,)
    busy_seconds: float = 2.0
    connection: type[sqlite3.Connection] = sqlite3.Connection


class Session:
    """Stores, log, pipeline and state over one connection, and the effects of the batch in hand."""

    def __init__(self, database: Database, partitions: int, options: Options) -> None:
        self.database = database
        self._options = options
        self.state = load_state(database, partitions)
        self.log = Log(database, self.state.epoch)
        self.intake = Intake(self.log, self.state)
        self.letters = DeadLetters(database)
        self.view = SqliteView(database, self.log, options.closed_items)
        self.pool = Pool(options.cache_rows)
        self._parts = parts_of(database, options.machines, self.state.partitions)
        self._stores: list[SqliteStore] = []
        self._armed = self.state.armed
        self.pipeline = Pipeline(self._store, self.state.partitions, options.machines)
        self.pipeline.flow = self._flow
        self._flows: dict[tuple[str, int], list[Line]] = {}
        self.dead: list[tuple[str, int, Dead]] = []
        self._lines: tuple[int, list[Entry]] = (0, [])
        self._kinds: dict[str, Callable[[Entry], bool]] = {
            TICK: self._tick,
            SWEEP_ON: self._sweep_on,
            RETRY: self._retry,
        }
        if self.state.views != VIEWS:
            self.view.rebuild()
            self.state.views = VIEWS
            self.save()

    # -- reading the raw log ---------------------------------------------------------------------------------

    def next_entry(self) -> Entry | None:
        """The entry at the saved position, or None at the log's end; a running sweep continues there."""
        position = self.state.position
        first, entries = self._lines
        if not first <= position < first + len(entries):
            if position >= self.log.end(RAW):
                if not self.pipeline.sweeping:
                    return None
                self.intake.own(SWEEP_ON, self.state.at)
            first, lines = self.log.segment(RAW, 0, position)
            entries = entries_of(lines)
            self._expect(entries)
            self._lines = (first, entries)
        return entries[position - first]

    def _expect(self, entries: list[Entry]) -> None:
        """Let the partitions that take entries load their keys together."""
        keys: dict[int, list[str]] = {}
        for entry in entries:
            keys.setdefault(self.pipeline.number(entry.key), []).append(entry.key)
        for number, some in keys.items():
            self._stores[number].expect(some)

    def take(self, entry: Entry) -> bool:
        """Work off one entry and pass it. False: due waits remain; commit, then take it again."""
        done = self._kinds.get(entry.kind, self.pipeline.take)(entry)
        if done and entry.kind != SWEEP_ON and self.pipeline.sweeping:
            self.pipeline.sweep_some(TOUCH_KEYS)
        self._gather()
        if done:
            self.state.position += 1
        return done

    def bury(self, fault: StreamError) -> list[Dead]:
        """Make the next entry, if there is one, a dead letter."""
        entry = self.next_entry()
        if entry is None:
            return []
        letter = Dead(Record(entry.topic, entry.key, entry.kind, entry.value, entry.at), fault)
        self.letters.add([("", self.state.position, letter)])
        self.state.position += 1
        return [letter]

    def note_gap(self, now: int, late: int) -> None:
        """Logical time is about to come to `now` (us); say so in the log if a wait is more than `late` us
        overdue, before it fires.
        """
        state = self.state
        if state.phase != "live" or now - state.at <= late or state.position < self.log.end(RAW):
            return
        due = self.pipeline.next_due()
        if due is not None and now - due > late:
            self.intake.own(SHARED_CHANGE, state.at, gap_value(due, now))

    def go_live(self, at: int) -> None:
        """End the history with a tick at `at`."""
        self.intake.own(TICK, at)
        self.state.phase = "live"

    # -- effects ---------------------------------------------------------------------------------------------

    def check_steps(self) -> None:
        """Find the step whose values cannot be stored, rather than have the batch fail with it."""
        for store in self._stores:
            store.checking = True

    def _gather(self) -> None:
        """Note which raw entry the new dead letters belong to."""
        pipeline = self.pipeline
        if pipeline.dead:
            self.dead.extend((machine, self.state.position, dead) for machine, dead in pipeline.dead)
            pipeline.dead.clear()

    def write(self) -> list[Logged]:
        """Write all effects to the open transaction; returns the sink records with their places."""
        self.database.begin()
        self.pipeline.checkpoint()
        self.pool.flush()
        for (topic, number), lines in self._flows.items():
            self.log.append(topic, number, lines)
        self._flows = {}
        outputs = self._write_outputs()
        self.view.project(outputs)
        self.letters.add(self.dead)
        self.dead = []
        return outputs

    def save(self) -> None:
        """Commit what was written, and let go of what was not used lately."""
        self._write_state()
        self.database.commit()
        self.pool.trim()

    def close(self) -> None:
        """Undo what holds in circles: its memory is free at once, however seldom the collector comes by."""
        self._kinds.clear()
        self.pipeline.flow = None
        self.pool.close()

    @property
    def armed(self) -> int:
        """Armed waits of all machines."""
        return self._armed + sum(store.armed for store in self._stores)

    def take_lateness(self) -> list[int]:
        """How late (us, logical) the waits fired since the last call."""
        late: list[int] = []
        for parts in self.pipeline.machines.values():
            for part in parts:
                if part.lateness:
                    late += part.lateness
                    part.lateness.clear()
        return late

    # -- inside ----------------------------------------------------------------------------------------------

    def _tick(self, entry: Entry) -> bool:
        """Let time pass, and log it where no record says so."""
        if not self.pipeline.tick(entry.at):
            return False
        for topic in self._options.logged:
            for number in range(self.state.partitions):
                self._flows.setdefault((topic, number), []).append(("", WATERMARK, None, entry.at, 0, 0))
        return True

    def _sweep_on(self, entry: Entry) -> bool:
        self.pipeline.sweep_some(SWEEP_KEYS)
        return True

    def _retry(self, entry: Entry) -> bool:
        what = from_plain(entry.value["what"])
        machine = entry.value["machine"]
        if not machine and isinstance(what, Record):
            return self.pipeline.take(Entry(what.topic, what.key, what.kind, what.value, entry.at))
        if not self.pipeline.tick(entry.at):
            return False
        self.pipeline.retry(machine, what)
        return True

    def _store(self, machine: str, number: int) -> SqliteStore:
        store = SqliteStore(self.database, self._parts[(machine, number)], self.pool)
        self._stores.append(store)
        return store

    def _flow(self, topic: str, number: int, record: Record) -> None:
        if topic in self._options.logged:
            value = msgspec.Raw(_encode(record.value))  # now that it is in the processor's cache
            line = (record.key, record.kind, value, record.at, record.feed, record.n)
            self._flows.setdefault((topic, number), []).append(line)

    def _write_outputs(self) -> list[Logged]:
        topics: dict[str, list[Line]] = {}
        for out in self.pipeline.outs:
            emit = out.emit
            line = (emit.key, emit.kind, emit.value, out.at, out.feed, out.n)
            topics.setdefault(emit.topic, []).append(line)
        self.pipeline.outs.clear()
        outputs: list[Logged] = []
        for topic, lines in topics.items():
            first = self.log.append(topic, 0, lines)
            outputs += [Logged(topic, 0, place, *line) for place, line in enumerate(lines, first)]
        return outputs

    def _write_state(self) -> None:
        self.state.armed = self.armed
        write_state(self.database, self.state)


def load_state(database: Database, partitions: int) -> State:
    """The saved state, or that of a new workspace with so many partitions."""
    found = database.row("SELECT value FROM meta WHERE name = 'state'")
    if found is None:
        return State(partitions)
    try:
        return msgspec.msgpack.decode(found[0], type=State)
    except msgspec.DecodeError as error:
        raise WorkspaceError(
            "SW-WS-022",
            place=str(database.path),
            found=str(error),
            next_step="restore the workspace's directory from a backup",
        ) from error


def write_state(database: Database, state: State) -> None:
    """Write the state to the open transaction (begun if need be)."""
    data = msgspec.msgpack.encode(state)
    database.write("INSERT OR REPLACE INTO meta VALUES ('state', ?)", [(data,)])


def parts_of(database: Database, specs: Sequence[MachineSpec], partitions: int) -> dict[tuple[str, int], int]:
    """(machine, partition) -> its number in the rows; new machines are added in the order of the topology."""
    wanted = [(spec.name, number) for spec in specs for number in range(partitions)]
    known = {(row[0], row[1]): row[2] for row in database.rows(_PARTS)}
    if any(part not in known for part in wanted):
        database.write("INSERT OR IGNORE INTO parts (machine, number) VALUES (?, ?)", wanted)
        known = {(row[0], row[1]): row[2] for row in database.rows(_PARTS)}
    return known
