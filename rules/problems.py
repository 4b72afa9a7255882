"""Problems found in a rule document, collected instead of raised one by one, and the exception of them all.

A problem knows where it is in the document (`loc`); only the loader knows the line. No rule of the language
is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from schemas.errors import RuleError

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at `loc` (keys and list indexes from the top of the document).

    `at_key` asks for the place of the key itself instead of its value.
    """

    loc: Loc
    code: str
    message: str
    expected: str = ""
    found: str = ""
    next_step: str = ""
    at_key: bool = False

    def error(self, place: str = "") -> RuleError:
        """The coded error; `place` defaults to the dotted loc."""
        return RuleError(
            self.code,
            self.message,
            place=place or dotted(self.loc),
            expected=self.expected,
            found=self.found,
            next_step=self.next_step,
        )


class RuleErrors(Exception):
    """All that is wrong with a file, a rule or a condition; `errors` is never empty, in document order."""

    def __init__(self, errors: Iterable[RuleError]) -> None:
        self.errors: tuple[RuleError, ...] = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def to_list(self) -> list[dict[str, str]]:
        """JSON form, one object per error."""
        return [error.to_dict() for error in self.errors]


def raise_all(problems: Sequence[Problem]) -> None:
    """Raise RuleErrors when there are problems."""
    if problems:
        raise RuleErrors(problem.error() for problem in problems)


def dotted(loc: Loc) -> str:
    """`("where", "all", 0)` -> `where.all[0]`."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """`did you mean \\`x\\`?`, or the known words when nothing is near and they are few, or an empty text."""
    words = sorted(known)
    near = get_close_matches(found, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"use one of {', '.join(words)}" if 0 < len(words) <= 20 else ""
