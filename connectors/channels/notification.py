"""One message to one person through one channel: what the inbox machine hands to delivery.

Holds the record and its decoding, nothing else: no template, no address book, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """One labelled value shown in the message's table, for example ("Amount", "USD 54,000.00")."""

    label: str
    value: str


class Link(msgspec.Struct, frozen=True):
    """One thing the reader can do: a text and an absolute http(s) address."""

    label: str
    url: str


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one receiver.

    `id` names the message for ever (a repeat has the same id); `receiver` is the person's id, `address` the
    mail address or account name the channel needs; `text` is plain text, one paragraph per line; `html`
    replaces the channel's own template when given; `at` is the logical time in microseconds since the
    epoch, UTC; `language` an IETF tag such as "zh" or "en"; `thread` names the conversation (all messages
    about one alert).

    Example:
        >>> note = Notification(id="n1", channel="email", receiver="p1", address="li@example.com",
        ...                     subject="Stale deal", text="No follow-up for 7 days.", reason="fired", at=0)
        >>> note.language
        'en'
    """

    id: str
    channel: str
    receiver: str
    address: str
    subject: str
    text: str
    reason: str
    at: int
    html: str | None = None
    alert: str | None = None
    language: str = "en"
    thread: str | None = None
    facts: tuple[Fact, ...] = ()
    links: tuple[Link, ...] = ()
    wanted: tuple[dict[str, object], ...] = ()


def decode_notification(record: Mapping[str, object] | bytes) -> Notification:
    """Read a notification from a decoded record or from JSON bytes; raises msgspec.ValidationError."""
    if isinstance(record, bytes):
        return msgspec.json.decode(record, type=Notification)
    return msgspec.convert(record, type=Notification)


def encode_notification(notification: Notification) -> bytes:
    """The notification as JSON bytes; `decode_notification` reads it back unchanged."""
    return msgspec.json.encode(notification)
