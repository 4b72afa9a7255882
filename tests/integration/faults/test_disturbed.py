"""Disk full, database locked, a file that may not grow: afterwards all is as if nothing had been."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas.errors import StreamError
from schemas.time import DAY
from streams.runtimes.embedded.clock import ManualClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from tests.integration.embedded.dump import differences, dump
from tests.integration.faults.office import small_office

CHUNK = 150
Fault = Callable[[Path], Any]
"""Makes a context manager during which the storage fails."""


class SmallDisk(sqlite3.Connection):
    """A database that may not grow beyond `pages`."""

    pages: ClassVar[int] = 1 << 30

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql.startswith("BEGIN"):
            super().execute(f"PRAGMA max_page_count = {SmallDisk.pages}")
        return super().execute(sql, *values)


@contextmanager
def full_disk(directory: Path) -> Iterator[str]:
    SmallDisk.pages = 1
    try:
        yield "SW-STREAM-021"
    finally:
        SmallDisk.pages = 1 << 30


@contextmanager
def short_file(directory: Path) -> Iterator[str]:
    """The system lets no file of this process grow: what a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield "SW-STREAM-02"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(directory: Path) -> Iterator[str]:
    other = sqlite3.connect(directory / "stagewatch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield "SW-STREAM-022"
    finally:
        other.execute("ROLLBACK")
        other.close()


def fails(action: Callable[[], object], code: str) -> bool:
    """Whether the action fails with a code that begins so; a little may still fit in."""
    try:
        action()
    except StreamError as error:
        if error.code.startswith(code):
            return True
        raise
    return False


def run(directory: Path, entries: list[Entry], fault: Fault | None) -> int:
    """Import the entries; with `fault`, the storage fails before each step. How often it failed."""
    directory.mkdir()
    options = Options(connection=SmallDisk, busy_seconds=0.01)
    runtime = EmbeddedRuntime(directory, clock=ManualClock(entries[-1].at + 30 * DAY), options=options)
    failures = 0

    def disturbed(action: Callable[[], object]) -> None:
        nonlocal failures
        if fault is not None:
            with fault(directory) as code:
                if not fails(action, code):
                    return
                assert not runtime.ready
            failures += 1
        action()
        assert runtime.ready

    for begin in range(0, len(entries), CHUNK):
        disturbed(partial(runtime.append_history, entries[begin : begin + CHUNK]))
        disturbed(runtime.process)
    disturbed(runtime.finish_history)
    disturbed(runtime.process)
    runtime.close()
    return failures


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return list(small_office()[1])


@pytest.fixture(scope="module")
def calm(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    directory = tmp_path_factory.mktemp("calm") / "workspace"
    run(directory, entries, None)
    found = dump(directory)
    assert len(found["log:alerts/0"]) > 50
    return found


@pytest.mark.parametrize("fault", [full_disk, short_file, locked], ids=lambda fault: str(fault.__name__))
def test_the_output_is_that_of_a_run_without_faults(
    tmp_path: Path, entries: list[Entry], calm: dict[str, list[Any]], fault: Fault
) -> None:
    assert run(tmp_path / "workspace", entries, fault) > 5
    assert differences(calm, dump(tmp_path / "workspace")) == {}
