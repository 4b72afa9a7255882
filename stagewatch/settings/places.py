"""Where a key stands in a TOML file: tomllib tells no places, so tables and keys are found line by line.

Inline tables and arrays of tables are placed at the line where they begin. Nothing is validated here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_TABLE = re.compile(r"^\s*\[\[?(?P<path>[^\]]+)\]")
_KEY = re.compile(
    r"""^\s*(?P<path>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)

Path = tuple[str, ...]


def key_lines(text: str) -> dict[Path, int]:
    """Path of every table and key -> its line, counted from 1.

    >>> key_lines('a = 1\\n[b."c/d"]\\ne = 2')
    {('a',): 1, ('b', 'c/d'): 2, ('b', 'c/d', 'e'): 3}
    """
    found: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = _path(match["path"])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault((*table, *_path(match["path"])), number)
    return found


def line_of(lines: dict[Path, int], path: Sequence[str | int]) -> int:
    """The line of a path, else of the nearest part above it, else 1."""
    names = tuple(str(step) for step in path)
    for length in range(len(names), 0, -1):
        if names[:length] in lines:
            return lines[names[:length]]
    return 1


def _path(text: str) -> Path:
    try:
        value: object = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return (text.strip(),)
    path: list[str] = []
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path)
