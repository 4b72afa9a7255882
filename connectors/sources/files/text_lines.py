"""Text files as numbered lines of bounded length, and the encoding they are in. Holds one line at a time."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from connectors.sources.files.items import KeptLine
from schemas.errors import MappingError
from schemas.limits import MAX_BYTES

Progress = Callable[[int], None]
"""Called with the number of bytes of the current file that have been read."""

LINE_LIMIT = MAX_BYTES
PROGRESS_STEP = 262_144
_CHUNK = 1_048_576
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, its bytes without the line end, whether it was longer than the limit, and
    where it stands in the file (first byte, first byte of the next line).
    """

    number: int
    raw: bytes
    too_long: bool = False
    span: tuple[int, int] = (0, 0)


def nothing_to_tell(done: int) -> None:
    """Progress for nobody."""


def numbered_lines(
    path: Path, *, limit: int = LINE_LIMIT, progress: Progress = nothing_to_tell
) -> Iterator[Line]:
    """The lines of the file; of a line above `limit` bytes only the beginning is kept. Raises OSError."""
    with path.open("rb", buffering=_CHUNK) as file:
        number, done, told = 0, 0, 0
        while raw := file.readline(limit + 2):
            number += 1
            start = done
            done += len(raw)
            complete = raw.endswith(b"\n") or len(raw) < limit + 2
            if not complete:
                done += _skip_line(file, limit)
            text = raw.rstrip(b"\n").removesuffix(b"\r")
            too_long = not complete or len(text) > limit
            yield Line(number, text if complete else text[:100], too_long, (start, done))
            if done - told >= PROGRESS_STEP:
                told = done
                progress(done)
        progress(done)


def _skip_line(file: BinaryIO, limit: int) -> int:
    skipped = 0
    while part := file.readline(limit):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def detect_encoding(path: Path) -> str:
    """`utf-8-sig`, `utf-8` or `gb18030`: a byte order mark, else what all bytes of the file allow.

    A file of which only a few lines are not UTF-8 counts as UTF-8 (those lines are rejected one by one).
    Raises MappingError SW-MAP-023 for anything else, OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith(_WIDE_MARKS):
        raise _unknown(path, "UTF-16 or UTF-32, by its byte order mark")
    if _decodes(path, "utf-8"):
        return "utf-8"
    good, bad = _utf8_lines(path)
    if good > bad:
        return "utf-8"
    if _decodes(path, "gb18030"):
        return "gb18030"
    raise _unknown(path, f"{bad} lines that are not UTF-8, and bytes that are not GB 18030")


def decoded(line: Line, encoding: str) -> str | None:
    """The line's text; None when it is not in the encoding."""
    try:
        return line.raw.decode("utf-8-sig" if line.number == 1 and encoding != "gb18030" else encoding)
    except UnicodeDecodeError:
        return None


def kept_line(line: Line) -> KeptLine:
    """The line as it is kept when it is rejected."""
    if line.too_long:
        return KeptLine(span=line.span)
    try:
        return KeptLine(line.raw.decode("utf-8-sig" if line.number == 1 else "utf-8"))
    except UnicodeDecodeError:
        return KeptLine(raw=base64.b64encode(line.raw).decode())


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                if b"\0" in chunk:
                    raise _unknown(path, "zero bytes: a spreadsheet, a UTF-16 text or another binary file")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _utf8_lines(path: Path) -> tuple[int, int]:
    good = bad = 0
    for line in numbered_lines(path):
        if not line.raw.isascii():
            if decoded(line, "utf-8") is None:
                bad += 1
            else:
                good += 1
    return good, bad


def _unknown(path: Path, found: str) -> MappingError:
    return MappingError(
        "SW-MAP-023",
        place=path.name,
        expected="UTF-8 (with or without byte order mark) or GB 18030",
        found=found,
        next_step="save the file as CSV UTF-8, or declare its encoding in the mapping",
    )
