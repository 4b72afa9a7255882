"""Reads the value of a record that the inbox takes, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from schemas.errors import StreamError, show

T = TypeVar("T", bound=msgspec.Struct)


def read_record(value: Mapping[str, object], cls: type[T], topic: str, what: str, blame: str) -> T:
    """`value` as a `cls`; unknown keys are ignored. topic, what, blame: for people, when it is none.

    Raises:
        StreamError: SW-STREAM-060.
    """
    try:
        return msgspec.convert(value, type=cls)
    except msgspec.ValidationError as error:
        raise StreamError(
            "SW-STREAM-060",
            str(error),
            place=topic,
            expected=what,
            found=show(value),
            next_step=f"report this: {blame}",
        ) from None
