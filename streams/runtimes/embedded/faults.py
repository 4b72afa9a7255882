"""What a failure of the storage is called: the coded errors of `StorageError`, OSError and the rest."""

from __future__ import annotations

import sqlite3

from schemas.errors import StreamError

_FULL = "SW-STREAM-021"
_LOCKED = "SW-STREAM-022"
_FAILED = "SW-STREAM-023"
_CODES = {sqlite3.SQLITE_FULL: _FULL, sqlite3.SQLITE_BUSY: _LOCKED, sqlite3.SQLITE_LOCKED: _LOCKED}
_NEXT = {
    _FULL: "free some space; the work goes on by itself",
    _LOCKED: "close the program that has the database open for writing; the work goes on by itself",
    _FAILED: "check the disk and the system log; the work goes on by itself when the disk does",
}


def storage_fault(error: BaseException, place: str) -> StreamError:
    """Coded error of a failed transaction: nothing of it took effect, it will be tried again."""
    cause = error.__cause__ or error
    code = _FAILED
    if isinstance(cause, sqlite3.Error):
        number = getattr(cause, "sqlite_errorcode", None)
        code = _FAILED if number is None else _CODES.get(number & 0xFF, _FAILED)
    return StreamError(code, place=place, found=f"{type(cause).__name__}: {cause}", next_step=_NEXT[code])


def unstorable(error: BaseException, place: str) -> StreamError:
    """Coded error of an entry whose values or effects cannot be stored, or that breaks the driver itself."""
    return StreamError(
        "SW-STREAM-024",
        place=place,
        expected="values that JSON can hold, numbers within 64 bits",
        found=f"{type(error).__name__}: {error}",
        next_step="correct the record at its source; if it is right, report this as a fault of Stagewatch",
    )
