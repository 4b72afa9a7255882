"""The text of each rule of a file, by itself: what goes into the log when a rule is brought in. No file is
opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.load import load_rules
from rules.yaml_positions import documents
from schemas.types import FieldType

_MARK = re.compile(r"(?m)^---(?=\s|$).*$")


def split_rules(
    text: str | bytes, file: str, *, declared_fields: Mapping[str, FieldType] | None = None
) -> list[tuple[str, str]]:
    """(rule id, YAML text of this one rule) of each rule of a file, in its order, comments kept.

    Raises:
        RuleErrors: all that is wrong with the file, placed `file:line:column`.
    """
    rules = load_rules(text, file, declared_fields=declared_fields)
    whole = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    parts = [part.strip("\r\n") + "\n" for part in _MARK.split(whole)]
    filled = [part for part in parts if any(d.value is not None for d in documents(part))]
    return [(rule.rule, part) for rule, part in zip(rules, filled, strict=True)]
