"""What came of the calls of a partition: records with their places, dead letters. Plain data."""

from __future__ import annotations

import traceback

import msgspec

from schemas.errors import StagewatchError, StreamError
from streams.kernel.contract import Emit, Record, Sweep, Wait

NEVER = 1 << 62
"""Later than every instant."""


class Out(msgspec.Struct, frozen=True, gc=False):
    """An emitted record with its place: (at, feed, n) where feed is the emitting partition.

    late: see `Record`.
    """

    emit: Emit
    at: int
    feed: int
    n: int
    late: bool = False


class Dead(msgspec.Struct, frozen=True):
    """A record, wait or sweep that its machine refused; nothing of it took effect."""

    what: Record | Wait | Sweep
    error: StagewatchError


class Counter(msgspec.Struct):
    """Numbers the records that partitions emit. Those that stamp logical time share one where they run
    together, so that records of one instant keep the order of the log, however many partitions there are.
    """

    n: int = 0


def fault_of(error: Exception) -> StreamError:
    """A fault of ours: the record goes to the dead letters like any other, with where it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return StreamError(
        "SW-STREAM-099",
        place=place,
        expected="no fault",
        found=f"{type(error).__name__}: {error}",
        next_step="report this with the dead letter; replay it after the upgrade",
    )
