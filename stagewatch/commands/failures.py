"""Coded errors as they are told at a terminal. Decides nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rules.problems import RuleErrors
from schemas.errors import CommandError, StagewatchError
from stagewatch.settings.load import InvalidSettingsError
from stagewatch.workspace.people import InvalidPeopleError

CODED = (StagewatchError, RuleErrors, InvalidSettingsError, InvalidPeopleError)
"""Errors that are told in words; anything else is a fault of ours."""


def errors_of(error: BaseException) -> list[StagewatchError]:
    """The coded errors in an exception."""
    if isinstance(error, StagewatchError):
        return [error]
    if isinstance(error, RuleErrors | InvalidSettingsError | InvalidPeopleError):
        return list(error.errors)
    return []


def of_file(error: OSError) -> CommandError:
    """A file that a command was told to read or write, and cannot."""
    return CommandError(
        "SW-CMD-011",
        place=str(error.filename),
        expected="a file of which the folder is there, and the rights",
        found=error.strerror or type(error).__name__,
        next_step="check the path and the rights on it, or name another",
    )


def tell(error: BaseException) -> None:
    """Write an error to stderr."""
    tell_all(errors_of(error))


def tell_all(errors: Iterable[StagewatchError]) -> None:
    """Write errors to stderr, one after the other."""
    for error in errors:
        sys.stderr.write(f"{error}\n")
