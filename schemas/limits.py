"""Bounds on what a record may hold, so that a hostile or broken one cannot harm what comes after.

Only JSON values, at most ``MAX_BYTES`` as JSON, at most ``MAX_DEPTH`` levels, finite numbers, integers of at
most 64 bits. What the values mean is not judged here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.errors import EventError, show

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MIN_INT: Final = -(1 << 63)
MAX_INT: Final = (1 << 63) - 1

_Bad = tuple[str, tuple[object, ...], object]
_EXPECTED: Final = {
    "SW-EVENT-014": (f"at most {MAX_DEPTH} levels", "flatten the record before it is sent"),
    "SW-EVENT-015": ("a finite number; integers within 64 bits", "send longer numbers as text"),
    "SW-EVENT-016": ("text, number, true, false, null, list or object", "turn the value into text first"),
}


def check_size(size: int, place: str) -> None:
    """Raise EventError SW-EVENT-013 when a record of ``size`` bytes is too large."""
    if size > MAX_BYTES:
        raise EventError(
            "SW-EVENT-013",
            place=place,
            expected=f"at most {MAX_BYTES} bytes",
            found=f"{size} bytes",
            next_step="leave attachments and long texts out of the event, and send a link instead",
        )


def check_values(record: dict[str, Any], place: str) -> None:
    """Check depth and numbers of a whole record, and that it holds JSON values only.

    Raises:
        EventError: SW-EVENT-014, -015 or -016.
    """
    bad = _bad_in(record, 1)
    if bad is None:
        return
    code, path, value = bad
    where = ".".join(str(step) for step in path[:8])
    expected, next_step = _EXPECTED[code]
    raise EventError(
        code,
        place=f"{place}: {where}" if place else where,
        expected=expected,
        found=show(value) if code == "SW-EVENT-015" else f"a {type(value).__name__}",
        next_step=next_step,
    )


def check_record(record: dict[str, Any], place: str) -> None:
    """Check a record that no JSON parser made: its keys, texts and size as well as its values.

    Raises:
        EventError: SW-EVENT-013 to -016.
    """
    check_values(record, place)
    try:
        size = len(msgspec.json.encode(record))
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as error:
        raise EventError(
            "SW-EVENT-016",
            place=place,
            expected="an object that can be written as JSON",
            found=str(error),
            next_step="use text keys and valid Unicode",
        ) from None
    check_size(size, place)


def _bad_in(container: dict[str, Any] | list[Any], depth: int) -> _Bad | None:
    """The first value that breaks a bound, as (code, path, value). Texts first: nearly all values are."""
    if depth > MAX_DEPTH:
        return "SW-EVENT-014", (), container
    pairs: Iterable[tuple[object, Any]]
    pairs = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in pairs:
        kind = type(value)
        if kind is str or value is None or kind is bool:
            continue
        if kind is dict or kind is list:
            bad = _bad_in(value, depth + 1)
            if bad is not None:
                return bad[0], (key, *bad[1]), bad[2]
        else:
            code = _bad_scalar(value)
            if code:
                return code, (key,), value
    return None


def _bad_scalar(value: object) -> str:
    if type(value) is int:
        return "" if MIN_INT <= value <= MAX_INT else "SW-EVENT-015"
    if type(value) is float:
        return "" if math.isfinite(value) else "SW-EVENT-015"
    return "SW-EVENT-016"
