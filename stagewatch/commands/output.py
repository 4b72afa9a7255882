"""How answers look: JSON for programs, tables for people in their language. Decides nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

Language = Literal["zh", "en"]


def console() -> Console:
    """Where tables go; wide enough for pipes."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False, soft_wrap=False)


def say(text: str = "") -> None:
    """A line for people on stdout."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """A line for people on stderr, beside an answer."""
    sys.stderr.write(f"{text}\n")


def put_json(value: Any) -> None:
    """The answer as one JSON document."""
    raw = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(raw.decode() + "\n")


def told_of(shown: int, total: int, language: Language) -> str:
    """For a title: `7`, or how many of how many when a list was cut.

    >>> told_of(7, 7, "en"), told_of(100, 2512, "en")
    ('7', '100 of 2,512')
    """
    if shown >= total:
        return f"{total:,}"
    return f"{shown:,} / {total:,}" if language == "zh" else f"{shown:,} of {total:,}"


def tell_cut(shown: int, total: int, language: Language) -> None:
    """Say that a list was cut, if it was."""
    if shown < total:
        zh = f"显示 {shown:,} 条，共 {total:,} 条；全部列出：--limit 0"
        say(zh if language == "zh" else f"showing {shown:,} of {total:,}; --limit 0 lists all")


def put_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The answer as a table; numbers to the right."""
    table = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
    listed = [list(row) for row in rows]
    for index, name in enumerate(columns):
        numbers = bool(listed) and all(isinstance(row[index], int) for row in listed)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(_cell(value)) for value in row))
    console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def local_time(us: int | None, zone: ZoneInfo) -> str:
    """`2026-03-02 09:30` in the organisation's zone; seconds when there are any."""
    if us is None:
        return ""
    try:
        moment = datetime.fromtimestamp(us // 1_000_000, zone)
    except (ValueError, OverflowError, OSError):
        return str(us)
    return moment.strftime("%Y-%m-%d %H:%M" if moment.second == 0 else "%Y-%m-%d %H:%M:%S")


def pick(words: Mapping[str, tuple[str, str]], name: str, language: Language) -> str:
    """A word in the language: (zh, en) by name."""
    zh, en = words[name]
    return zh if language == "zh" else en
