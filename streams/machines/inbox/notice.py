"""The notice: what the account machine says to one person's inbox; its form, its way to a record and back.

Record: topic `notices`, key `inbox_key(receiver)`, kind `notice`, value `notice.to_dict()`. Nothing is
decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec

from streams.machines.inbox.reading import read_record

MAIL = "email"
"""The channel that everybody is taken to have."""
KIND = "notice"
"""The record kind of a notice."""

Kind = Literal[
    "fired", "task", "approval", "reminder",  # something to know or to do: told at once, perhaps reminded
    "resolved", "withdrawn", "voided",  # it ended: whoever was told is told so, once; reminders stop
    "decided",  # what somebody asked for was granted or refused: told once
    "acted", "closed",  # somebody acted, or it ended: reminders stop, nobody is told
]  # fmt: skip
About = Literal["alert", "task", "approval"]
Language = Literal["zh", "en"]

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
AlertId = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^|]+$")]


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that one person should know.

    `notice` names it for ever: a repeat is dropped. `item` is the task's or approval's id; an ending notice
    without `item` ends everything of the alert, one with it only that item. `transition` is the transition's
    id and `seen` its number n, which a decision by link carries back. `at` and `due` are us. `remind` is a
    duration (``3d``) or us: told again that often until acted on or ended. `title` and `lines` are in
    `language` already, `facts` are label -> text. `admin` is the mail address that learns that `address` is
    missing. `via` names the channels; None: those by which the person was told of it before, else mail.
    `address` is the mail address, `addresses` those of other channels, by channel. `zone` is where the
    person's days begin. `about` is what a `reminder` reminds of; for other kinds it follows from the kind,
    and an ending notice with `about` "alert" spares the alert's items. `home` is the partition key of the
    account machine that owns the alert, where decisions by link go; when empty, it is made from `account`,
    else from `entity` and `key`.

    Example:
        >>> note = Notice(notice="n1", alert="a1", rule="r", transition="t1", kind="fired", receiver="li",
        ...               title="Stale deal", at=0, seen=1)
        >>> Notice.from_dict(note.to_dict()) == note
        True
    """

    notice: Id
    alert: AlertId
    rule: str
    transition: str
    kind: Kind
    receiver: Id
    title: str
    at: int
    seen: int
    item: Id | None = None
    address: str | None = None
    language: Language = "en"
    via: tuple[str, ...] | None = None
    addresses: dict[str, str] = {}
    lines: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    severity: Literal["info", "warning", "critical"] = "warning"
    due: int | None = None
    remind: str | int | None = None
    account: str | None = None
    entity: str = ""
    key: str = ""
    home: str = ""
    admin: str | None = None
    zone: str = "UTC"
    about: About | None = None

    def address_of(self, channel: str) -> str | None:
        """Where the person is reached by a channel; None: nowhere."""
        return self.address if channel == MAIL else self.addresses.get(channel)

    @property
    def owner_key(self) -> str:
        """Where decisions go: `home`, or what stands for it."""
        if self.home:
            return self.home
        return f"account:{self.account}" if self.account else f"{self.entity}:{self.key}"

    def to_dict(self) -> dict[str, Any]:
        """The record's value: JSON types only, defaults left out."""
        value = cast("dict[str, Any]", msgspec.to_builtins(self))
        return {name: list(v) if isinstance(v, tuple) else v for name, v in value.items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, object]) -> Notice:
        """The notice in a record's value; unknown keys are ignored.

        Raises:
            StreamError: SW-STREAM-060.
        """
        return read_record(value, cls, "notices", "a notice", "the machine that made the record is wrong")


def inbox_key(receiver: str) -> str:
    """The partition key of a person's inbox: ``person:<id>``."""
    return f"person:{receiver}"
