"""The settings of rule tests, read as those of a workspace, for the runner of `streams.rule_tests`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from rules.testing import Job, Outcome
from schemas.errors import RuleError, show
from stagewatch.settings import Settings
from streams.rule_tests import runner, settings_of


def run_job(job: Job, folder: Path) -> Sequence[Outcome]:
    """Run the rules of `folder` that the job names over its events.

    Raises:
        RuleErrors: a rule file is broken.
        StagewatchError: a rule file, a setting or an event cannot be used.
    """
    run = runner(lambda name: _read(folder / name))
    return run(replace(job, settings=_settings(job).shared()))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(
            "SW-RULE-070",
            "The rules under test cannot be read",
            place=str(path),
            expected="a rule file beside the tests, in UTF-8",
            found=str(error),
            next_step="correct `rules` in the test file",
        ) from error


def _settings(job: Job) -> Settings:
    """The test's settings, checked as those of a workspace."""
    try:
        return Settings.model_validate(settings_of(job.settings))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RuleError(
            "SW-RULE-070",
            "The settings of the tests cannot be used",
            place="settings." + ".".join(map(str, first["loc"])),
            expected=first["msg"].removeprefix("Value error, "),
            found=show(first["input"]),
            next_step="write them as in stagewatch.toml",
        ) from error
