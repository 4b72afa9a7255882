"""Bounds on what a record may hold, so that a hostile or broken one cannot harm what comes after.

Only JSON values, at most ``MAX_BYTES`` as JSON, at most ``MAX_DEPTH`` levels, finite numbers, integers of at
most 64 bits. What the values mean is not judged here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from schemas.errors import EventError, show

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MIN_INT: Final = -(1 << 63)
MAX_INT: Final = (1 << 63) - 1

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder()
_Bad = tuple[str, tuple[object, ...], object]
_EXPECTED: Final = {
    "SW-EVENT-014": (f"at most {MAX_DEPTH} levels", "flatten the record before it is sent"),
    "SW-EVENT-015": ("a finite number; integers within 64 bits", "send longer numbers as text"),
    "SW-EVENT-016": ("text, number, true, false, null, list or object", "turn the value into text first"),
}


def place_in(place: str, path: str) -> str:
    """Where in a record: the record's own place, if any, and the path in it."""
    return f"{place}: {path}" if place else path


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


def check_values(values: dict[str, Any], place: str, *root: str) -> None:
    """Check depth and numbers of an object, and that it holds JSON values only; ``root`` is its own path.

    Raises:
        EventError: SW-EVENT-014, -015 or -016.
    """
    bad = _bad_in(values, 1)
    if bad is None:
        return
    code, path, value = bad
    where = ".".join(str(step) for step in (*root, *path[:8]))
    expected, next_step = _EXPECTED[code]
    raise EventError(
        code,
        place=place_in(place, where),
        expected=expected,
        found=show(value) if code == "SW-EVENT-015" else f"a {type(value).__name__}",
        next_step=next_step,
    )


def json_copy(record: Mapping[str, object], place: str) -> dict[str, Any]:
    """A copy of a record that no JSON parser made, which shares nothing with it.

    Raises:
        EventError: SW-EVENT-013 to -016 when it is too large or not what JSON can hold.
    """
    record = dict(record)
    try:
        raw = _ENCODER.encode(record)
        copy: dict[str, Any] = _DECODER.decode(raw)
        same = copy == record
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, OverflowError, RecursionError):
        same = False
    if same:
        check_size(len(raw), place)
        return copy
    check_values(record, place)
    raise EventError(
        "SW-EVENT-016",
        place=place,
        expected="an object that JSON can hold",
        found="a key that is not text, or text that is not valid Unicode",
        next_step="use text keys and valid Unicode",
    )


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
