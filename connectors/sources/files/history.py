"""History in the order in which it became known: by (arrival, file, line). Long ones are sorted through
the disk.
"""

from __future__ import annotations

import contextlib
import heapq
import struct
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from connectors.sources.files.items import Imported
from schemas.errors import MappingError

IN_MEMORY = 200_000
_LENGTH = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Imported)


def history_key(item: Imported) -> tuple[int, int, int, int]:
    """(arrival, file order, line, number in the row)."""
    return item.arrival, item.file_order, item.place.line, item.n


def sort_history(
    items: Iterable[Imported], *, in_memory: int = IN_MEMORY, folder: Path | None = None
) -> Iterator[Imported]:
    """The events by `history_key`, the order of items with equal keys kept.

    At most `in_memory` items are held; more are sorted in chunks in temporary files (in `folder`, default the
    system's), which vanish at the end. Raises MappingError SW-MAP-029 when the disk does not take them.
    """
    source = iter(items)
    first = sorted(islice(source, in_memory), key=history_key)
    second = list(islice(source, 1))
    if not second:
        yield from first
        return
    with contextlib.ExitStack() as files:
        chunks: list[IO[bytes]] = []
        chunk, first = first, []
        while chunk:
            with _disk_errors(folder):
                chunks.append(files.enter_context(tempfile.TemporaryFile(dir=folder)))
                _write(chunk, chunks[-1])
            chunk = sorted([*second, *islice(source, in_memory - len(second))], key=history_key)
            second = []
        yield from heapq.merge(*map(_read, chunks), key=history_key)


def _write(items: list[Imported], file: IO[bytes]) -> None:
    for item in items:
        packed = _ENCODER.encode(item)
        file.write(_LENGTH.pack(len(packed)))
        file.write(packed)
    file.seek(0)


@contextlib.contextmanager
def _disk_errors(folder: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MappingError(
            "SW-MAP-029",
            place=str(folder or tempfile.gettempdir()),
            expected="room for a copy of the events",
            found=error.strerror or type(error).__name__,
            next_step="free some space, or set TMPDIR to a folder with more",
        ) from error


def _read(file: IO[bytes]) -> Iterator[Imported]:
    while head := file.read(_LENGTH.size):
        yield _DECODER.decode(file.read(_LENGTH.unpack(head)[0]))
