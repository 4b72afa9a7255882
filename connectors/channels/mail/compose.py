"""A notification as a mail message: headers that cannot be forged by their content, text and HTML.

Pure: the same notification and settings give the same bytes. No sockets, no clock, no randomness.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from email.message import EmailMessage

from connectors.channels.mail.address import AddressError, needs_smtputf8, parse_address
from connectors.channels.mail.page import clean, html_page, text_page
from connectors.channels.mail.policy import ASCII_HEADERS, UTF8_HEADERS
from connectors.channels.mail.settings import MailSettings
from connectors.channels.notification import Notification

SUBJECT_LIMIT = 200
_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,58}[A-Za-z0-9])?")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class MessageError(ValueError):
    """No mail can be made of this notification; sending it again would not help."""


def compose(notification: Notification, settings: MailSettings) -> EmailMessage:
    """The message for one notification: multipart text and HTML, UTF-8.

    `Message-ID` comes from the notification's id, `Date` from its logical time, `References` from its thread.
    Line breaks and control characters in the subject become spaces. Raises MessageError for an unusable
    address or date.
    """
    try:
        receiver = parse_address(notification.address)
    except AddressError as refused:
        raise MessageError(str(refused)) from refused
    sender = settings.sender_address
    message = EmailMessage(policy=UTF8_HEADERS if needs_smtputf8(receiver) else ASCII_HEADERS)
    message["From"] = sender
    message["To"] = receiver
    if settings.reply_to is not None:
        message["Reply-To"] = settings.reply_to
    message["Subject"] = subject_line(notification.subject)
    message["Date"] = _date(notification.at)
    message["Message-ID"] = message_id(notification.id, sender.domain)
    _add_thread(message, notification, sender.domain)
    _add_labels(message, notification, sender.domain)
    _add_bodies(message, notification)
    message["Content-Language"] = _token(notification.language)
    return message


def message_id(notification: str, domain: str) -> str:
    """`<id@domain>`; an id with other marks than letters, digits, `.`, `_`, `-` is replaced by its hash.

    Example:
        >>> message_id("n-17", "example.com")
        '<n-17@example.com>'
    """
    return f"<{_token(notification)}@{domain}>"


def subject_line(subject: str) -> str:
    """The subject on one line, at most 200 characters, with nothing a mail reader would decode as
    something else.
    """
    line = " ".join(clean(subject).split()).replace("=?", "= ?")
    return line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 1] + "…"


def _add_thread(message: EmailMessage, notification: Notification, domain: str) -> None:
    if notification.thread is not None:
        root = f"<thread.{_token(notification.thread)}@{domain}>"
        message["In-Reply-To"] = root
        message["References"] = root


def _add_labels(message: EmailMessage, notification: Notification, domain: str) -> None:
    message["List-Id"] = f"Stagewatch <stagewatch.{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Stagewatch-Reason"] = _token(notification.reason)
    if notification.alert is not None:
        message["X-Stagewatch-Alert"] = _token(notification.alert)


def _add_bodies(message: EmailMessage, notification: Notification) -> None:
    text = text_page(notification)
    page = clean(notification.html) if notification.html is not None else html_page(notification)
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(page, subtype="html", cte=_encoding(page))
    message.set_boundary(
        "=_" + hashlib.blake2b(notification.id.encode("utf-8", "replace"), digest_size=16).hexdigest()
    )


def _encoding(body: str) -> str:
    return "quoted-printable" if body.isascii() else "base64"


def _token(text: str) -> str:
    if _TOKEN.fullmatch(text) and ".." not in text:
        return text
    return "h-" + hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _date(at: int) -> datetime.datetime:
    try:
        return _EPOCH + datetime.timedelta(microseconds=at)
    except OverflowError as error:
        raise MessageError(f"the time {at} is outside the years 1 to 9999") from error
