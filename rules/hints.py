"""Next steps for what people who type Chinese often write: full-width punctuation, `50万`, tabs."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from rules.conditions.literals import half_width, number_hint
from rules.problems import Problem


def _is_wide(char: str) -> bool:
    return half_width(char) != char


def line_hint(line: str) -> str:
    """A next step when a line has full-width punctuation or tabs."""
    wide = next((char for char in line if _is_wide(char)), "")
    if wide:
        name = unicodedata.name(wide, "").lower()
        return f"write `{half_width(wide)}` instead of `{wide}` ({name})"
    return "indent with spaces instead of tabs" if "\t" in line else ""


def with_hint(problem: Problem) -> Problem:
    """Numbers like `50万` and full-width punctuation get their own next step."""
    found = problem.found.strip('"')
    if problem.code in ("SW-RULE-015", "SW-RULE-034") and (plain := number_hint(found)):
        return problem if problem.next_step else replace(problem, next_step=f"write {plain}")
    wide = any(_is_wide(char) for char in found) and problem.code not in ("SW-RULE-061", "SW-RULE-062")
    if wide and "half-width" not in problem.next_step:
        step = f"write {half_width(found)} with half-width characters"
        return replace(problem, next_step=step)
    return problem
