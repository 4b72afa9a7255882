"""Arguments as people write them, read: times, workspaces."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.errors import CommandError, StagewatchError, show
from schemas.time import end_of_day, is_date, parse_duration, parse_time
from stagewatch.settings import Settings, load_settings
from stagewatch.workspace.paths import Workspace


def opened(root: Path) -> tuple[Workspace, Settings]:
    """The workspace in a directory and its settings. Raises coded errors."""
    workspace = Workspace.find(root)
    return workspace, load_settings(workspace.settings)


def read_until(text: str | None, zone: ZoneInfo, name: str = "--until") -> int | None:
    """An instant (us): RFC 3339, or a day, which means its last microsecond.

    Raises:
        CommandError: SW-CMD-009.
    """
    if text is None:
        return None
    try:
        us, _ = parse_time(text, zone, place=name)
        return end_of_day(us, zone) - 1 if is_date(text) else us
    except StagewatchError as error:
        raise CommandError(
            "SW-CMD-009",
            place=name,
            expected="2026-06-30 (to its end) or 2026-06-30T18:00:00+08:00",
            found=show(text),
            next_step="write the time so",
        ) from error


def read_later(text: str, now: int, zone: ZoneInfo, name: str) -> int:
    """An instant (us) after now: a length of time such as 2d, or a time as `read_until` takes it.

    Raises:
        CommandError: SW-CMD-009.
    """
    try:
        until: int | None = parse_duration(text).add(now, zone)
    except StagewatchError:
        until = _read_time(text, zone)
    if until is None or until <= now:
        expected = "a length of time such as 2d, or a time to come such as 2026-06-30"
        raise wrong(name, expected, text, "write one of both")
    return until


def _read_time(text: str, zone: ZoneInfo) -> int | None:
    try:
        return read_until(text, zone)
    except CommandError:
        return None


def read_entity(text: str, name: str = "--entity") -> tuple[str, str]:
    """(kind, native id) of "opportunity:O-17".

    Raises:
        CommandError: SW-CMD-009.
    """
    kind, _, native = text.partition(":")
    if not kind or not native:
        raise wrong(name, "KIND:ID, for example opportunity:O-17", text, "write kind and id")
    return kind, native


def one_of(text: str, known: Collection[str], name: str) -> str:
    """The text, which must be one of those known.

    Raises:
        CommandError: SW-CMD-009.
    """
    if text not in known:
        raise wrong(name, ", ".join(known), text, "use one of them")
    return text


def wrong(name: str, expected: str, found: str, next_step: str) -> CommandError:
    """An argument that cannot be read."""
    return CommandError("SW-CMD-009", place=name, expected=expected, found=show(found), next_step=next_step)
