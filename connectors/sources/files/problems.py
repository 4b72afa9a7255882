"""Coded errors of files and rows, made in one way. Words only; nothing is read here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from schemas.errors import MappingError, show


class CellError(Exception):
    """A cell cannot be read; carries what the row's error will say. Not shown to people as it is."""

    def __init__(self, code: str, expected: str, next_step: str) -> None:
        super().__init__(code, expected)
        self.code = code
        self.expected = expected
        self.next_step = next_step

    def at(self, place: str, column: str, text: str) -> MappingError:
        """The error for the row at `place`."""
        return MappingError(
            self.code,
            place=f"{place}, column {column}",
            expected=self.expected,
            found=show(text),
            next_step=self.next_step,
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, by its letters and digits; None when none does."""
    plain = {_plain(candidate): candidate for candidate in known}
    if _plain(name) in plain:
        return plain[_plain(name)]
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A next step: the nearest known name if there is one, else `otherwise`."""
    near = nearest(name, known)
    return f"did you mean {show(near)}?" if near is not None else otherwise


def _plain(name: str) -> str:
    return "".join(mark for mark in name.lower() if mark.isalnum())
