"""From a notice to the record of a notification: id, subject, text, facts, and the links wanted. Decides
nothing else.

The records have the fields of a channel's notification, plus `wanted`: requests for signed links. They are
signed at delivery, where the secret is; a record in the log never holds a valid link.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from streams.machines.inbox.notice import MAIL, About, Notice
from streams.machines.inbox.receipt import Receipt
from streams.machines.inbox.words import ACTIONS, failed, subject, undeliverable

ABOUT: Final[Mapping[str, About]] = {"fired": "alert", "task": "task", "approval": "approval"}
OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    "alert": ("ack",),
    "task": ("task.done",),
    "approval": ("approve", "reject", "return"),
}
"""What the notice is about -> actions offered as links."""

ADMIN = "role:admin"
UNDELIVERABLE = "undeliverable"
FAILED = "failed"


def notification_id(notice: str, nth: int, channel: str) -> str:
    """The id of the n-th telling (0: the first) of a notice by a channel; the same in every run."""
    return hashlib.blake2b(f"{notice}\n{nth}\n{channel}".encode(), digest_size=16).hexdigest()


def wanted_links(notice: Notice) -> list[dict[str, Any]]:
    """Unsigned requests for the links that the message should carry; empty for notices of an end."""
    about = notice.about or ABOUT.get(notice.kind)
    if about is None or notice.kind not in (*ABOUT, "reminder"):
        return []
    return [
        {
            "action": action,
            "label": ACTIONS[action][notice.language],
            "alert": notice.alert,
            "item": notice.item,
            "key": notice.owner_key,
            "person": notice.receiver,
            "seen": notice.seen,
            "title": notice.title,
            "language": notice.language,
        }
        for action in OFFERED[about]
    ]


def notification(notice: Notice, address: str, channel: str, nth: int, at: int) -> dict[str, Any]:
    """The record for topic `notifications`; `nth` > 0 is the n-th reminder, `at` the logical time in us."""
    record: dict[str, Any] = {
        "id": notification_id(notice.notice, nth, channel),
        "channel": channel,
        "receiver": notice.receiver,
        "address": address,
        "subject": subject(
            notice.kind, notice.title, notice.language, critical=notice.severity == "critical", nth=nth
        ),
        "text": "\n".join(notice.lines) or notice.title,
        "reason": "reminder" if nth else notice.kind,
        "at": at,
        "alert": notice.alert,
        "language": notice.language,
        "thread": notice.alert,
        "of": notice.notice,
        "facts": [{"label": label, "value": value} for label, value in notice.facts.items()],
    }
    wanted = wanted_links(notice)
    if wanted:
        record["wanted"] = wanted
    return record


def failed_record(receipt: Receipt, admin: str, day: dt.date, at: int) -> dict[str, Any]:
    """The message to the administrator that a message failed for good; one id per person, channel and day."""
    title, text = failed(receipt.receiver, receipt.subject, receipt.channel, receipt.note)
    name = f"{FAILED}\n{receipt.receiver}\n{receipt.channel}\n{day.isoformat()}"
    return {
        "id": notification_id(name, 0, MAIL),
        "channel": MAIL,
        "receiver": ADMIN,
        "address": admin,
        "subject": title,
        "text": text,
        "reason": UNDELIVERABLE,
        "at": at,
        "alert": receipt.alert,
        "language": receipt.language,
    }


def undeliverable_record(notice: Notice, channel: str, admin: str, day: dt.date, at: int) -> dict[str, Any]:
    """The message to the administrator that `notice` had no address in `channel` to go to; one id per person,
    channel and day.
    """
    title, text = undeliverable(notice.receiver, notice.title, channel)
    name = notice.receiver if channel == MAIL else f"{notice.receiver}\n{channel}"
    return {
        "id": notification_id(f"{UNDELIVERABLE}\n{name}\n{day.isoformat()}", 0, MAIL),
        "channel": MAIL,
        "receiver": ADMIN,
        "address": admin,
        "subject": title,
        "text": text,
        "reason": UNDELIVERABLE,
        "at": at,
        "alert": notice.alert,
        "language": notice.language,
    }
