"""Reads `stagewatch.toml`: coded errors with file:line, what was expected, what was found and the next
step.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import SettingsError, show
from stagewatch.settings.model import Settings
from stagewatch.settings.places import key_lines, line_of

FILE_NAME = "stagewatch.toml"
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_LOGIN = re.compile(r"//[^/\s]*@")


class InvalidSettingsError(Exception):
    """All that is wrong with the settings; `errors` is never empty."""

    def __init__(self, errors: Iterable[SettingsError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def load_settings(path: Path) -> Settings:
    """The settings in the file.

    Raises:
        InvalidSettingsError: SW-SET-001 to -005.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingsError([_unreadable(path, error)]) from error
    return parse_settings(text, path.name)


def parse_settings(text: str, name: str = FILE_NAME) -> Settings:
    """The settings in a text; `name` stands before the places of errors. Raises as `load_settings`."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettingsError([_syntax(str(error), text, name)]) from error
    try:
        return Settings.model_validate(value)
    except ValidationError as error:
        lines = key_lines(text)
        raise InvalidSettingsError(
            _problem(d, lines, name) for d in error.errors(include_url=False)
        ) from error


def _unreadable(path: Path, error: Exception) -> SettingsError:
    return SettingsError(
        "SW-SET-001",
        place=str(path),
        expected=f"a workspace's {FILE_NAME}, in UTF-8",
        found=getattr(error, "strerror", None) or str(error),
        next_step="make a workspace by `stagewatch init DIR`, or name one by --workspace",
    )


def _syntax(reason: str, text: str, name: str) -> SettingsError:
    match = _PLACE.search(reason)
    line = int(match[1]) if match else max(1, len(text.splitlines()))
    column = match[2] if match else "1"
    written = text.splitlines()[line - 1].strip() if 0 < line <= len(text.splitlines()) else ""
    return SettingsError(
        "SW-SET-002",
        _PLACE.sub("", reason).strip(),
        place=f"{name}:{line}:{column}",
        expected="TOML",
        found=written,
        next_step='texts stand in quotes: key = "value"',
    )


def _problem(detail: ErrorDetails, lines: dict[tuple[str, ...], int], name: str) -> SettingsError:
    path = [str(step) for step in detail["loc"]]
    dotted = ".".join(path)
    place = f"{name}:{line_of(lines, path)}: {dotted}"
    if detail["type"] == "extra_forbidden":
        known = _known(path[:-1])
        near = get_close_matches(path[-1], known, n=1, cutoff=0.6)
        step = (
            f"did you mean `{near[0]}`?" if near else "take it out; a key that is not known is never ignored"
        )
        return SettingsError(
            "SW-SET-003", place=place, expected=", ".join(known), found=show(path[-1]), next_step=step
        )
    if detail["type"] == "missing":
        return SettingsError("SW-SET-004", place=place, expected=dotted, next_step=f"add `{path[-1]}`")
    return SettingsError(
        "SW-SET-005",
        place=place,
        expected=detail["msg"].removeprefix("Value error, ").removeprefix("Input should be "),
        found=_found(path[-1], detail["input"]),
        next_step="see the comment at this key in a new workspace's stagewatch.toml",
    )


def _found(key: str, value: object) -> str:
    """What stands there; never what may be a secret in a wrong place."""
    if key.endswith("_env"):
        return "something else (not shown, it may be a secret)"
    return _LOGIN.sub("//***@", show(value))


def _known(path: list[str]) -> list[str]:
    """The keys that are known at a path; tables by name (stages, sources, fields) are stepped through."""
    model: type[BaseModel] | None = Settings
    for step in path:
        if model is not None and step in model.model_fields:
            model = _PARTS.get(step)
    return sorted(model.model_fields) if model is not None else []


def _parts() -> dict[str, type[BaseModel]]:
    from connectors.channels.mail import MailSettings
    from stagewatch.settings.cluster import ClusterSettings, KafkaSettings, RedisSettings
    from stagewatch.settings.model import Http, Limits, Source, Stage

    return {
        "http": Http,
        "limits": Limits,
        "mail": MailSettings,
        "cluster": ClusterSettings,
        "kafka": KafkaSettings,
        "redis": RedisSettings,
        "stages": Stage,
        "sources": Source,
    }


_PARTS = _parts()
