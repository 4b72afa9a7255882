"""What became of a message: the receipt that delivery sends back into the log, on its way to the inbox.

Record: topic `commands`, then `sales.events` and `notices`, key `inbox_key(receiver)`, kind `receipt`. Every
machine on the way hands it on; the inbox notes it. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from streams.machines.inbox.reading import read_record

KIND = "receipt"
"""The record kind of a receipt."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The end of one message: `sent` with the other side's answer as `note`, or `failed` for good and why.

    `message` is the notification's id, `of` the notice it told and `reason` why it was told; `settled` is the
    wall clock (us). `admin` is the mail address that learns of a failure, `zone` where days begin.
    """

    message: str
    state: Literal["sent", "failed"]
    note: str
    channel: str
    receiver: str
    reason: str
    attempts: int
    settled: int
    alert: str = ""
    of: str = ""
    subject: str = ""
    admin: str | None = None
    zone: str = "UTC"
    language: Literal["zh", "en"] = "en"

    def to_dict(self) -> dict[str, Any]:
        """The record's value."""
        return cast("dict[str, Any]", msgspec.to_builtins(self))

    @classmethod
    def from_dict(cls, value: Mapping[str, object]) -> Receipt:
        """The receipt in a record's value; unknown keys are ignored.

        Raises:
            StreamError: SW-STREAM-060.
        """
        return read_record(value, cls, "receipts", "a receipt", "the sender of the record is wrong")
