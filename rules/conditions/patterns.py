"""`matches`: anchored regular expressions in linear time (RE2), bounded in length and memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

MAX_PATTERN = 500
MAX_MEMORY = 1 << 20
"""Bytes that one compiled pattern and its automata may take."""


class PatternError(ValueError):
    """The pattern is too long, too big or not RE2 syntax; the text says which."""


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A test whether the whole text fits the pattern. Raises PatternError.

    >>> compile_pattern("[A-Z]{2}[0-9]+")("AB12")
    True
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"{len(pattern)} characters, {MAX_PATTERN} are allowed")
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise PatternError(_reason(error)) from None

    def fits(text: str) -> bool:
        try:
            return compiled.fullmatch(text) is not None
        except UnicodeEncodeError:  # a lone surrogate is no text
            return False

    return fits


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(error)
