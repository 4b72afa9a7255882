"""Cuts a file of several rules into texts of one rule each: the unit that is versioned and compiled by itself."""

from __future__ import annotations

import re

_MARK = re.compile(r"(?m)^---[ \t]*(?:#.*)?$")
_NAME = re.compile(r"(?m)^rule:[ \t]*[\"']?([A-Za-z0-9_-]+)")


def split_rules(text: str) -> list[tuple[str, str]]:
    """(rule id, YAML text) of every document of a checked rule file, in its order."""
    found = []
    for part in _MARK.split(text.lstrip("\ufeff")):
        name = _NAME.search(part)
        if name is not None:
            found.append((name.group(1), part.strip() + "\n"))
    return found
