"""Coded errors as they are told at a terminal. Decides nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rules.problems import RuleErrors
from schemas.errors import StagewatchError
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


def tell(error: BaseException) -> None:
    """Write an error to stderr."""
    tell_all(errors_of(error))


def tell_all(errors: Iterable[StagewatchError]) -> None:
    """Write errors to stderr, one after the other."""
    for error in errors:
        sys.stderr.write(f"{error}\n")
