"""What a mail server's answer, or its silence, means for the message: the whole table in one place. Pure.

    where        4xx                   5xx                              disconnect, time-out, TLS
    connect      temporary, channel    temporary, channel, alarm        temporary, channel (bad
    certificate: alarm) login        temporary, channel    temporary, channel, alarm        temporary, channel
    sender       temporary             temporary, channel, alarm        temporary, channel
    recipient    temporary             permanent (mailbox full: temp.)  temporary
    data         temporary             permanent                        temporary

Refusals before the recipient is named are about us and our settings, not about this message: nothing is
thrown away for them, the channel pauses and the alarm asks for an administrator. 421 always concerns the
channel. A connection lost after the data was sent counts as not delivered: the server had not yet taken
responsibility (RFC 5321, 4.1.1.4).
"""

from __future__ import annotations

import enum
import re
import ssl

import aiosmtplib

from connectors.channels.channel import Outcome, Permanent, Temporary

SECOND = 1_000_000
GREYLIST_WAIT = 5 * 60 * SECOND
FULL_MAILBOX_WAIT = 60 * 60 * SECOND
ALARM_WAIT = 5 * 60 * SECOND
_ENHANCED = re.compile(r"^\s*([245])\.(\d{1,3})\.(\d{1,3})\b")


class Stage(enum.StrEnum):
    """How far an attempt had come."""

    CONNECT = "connect"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


_OURS = frozenset({Stage.CONNECT, Stage.LOGIN, Stage.SENDER})


def classify_reply(stage: Stage, code: int, text: str) -> Outcome:
    """The outcome of a negative SMTP reply (`code` 400-599; other codes are protocol errors and
    temporary).
    """
    reason = f"{stage}: {code} {one_line(text)}"
    if code == 421:
        return Temporary(reason, scope="channel")
    if 400 <= code < 500:
        return _transient(stage, code, reason)
    if 500 <= code < 600:
        return _refused(stage, code, text, reason)
    return Temporary(reason, scope="channel", alarm=True, retry_after=ALARM_WAIT)


def classify_error(stage: Stage, error: BaseException) -> Outcome:
    """The outcome of an exception of aiosmtplib, of TLS or of the network."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return classify_error(stage, error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0:
        return classify_reply(stage, error.code, error.message)
    certificate = _certificate_trouble(error)
    if certificate is not None:
        return Temporary(f"{stage}: {certificate}", ALARM_WAIT, scope="channel", alarm=True)
    reason = f"{stage}: {type(error).__name__}: {one_line(str(error))}"
    if isinstance(error, (TimeoutError, ConnectionError, OSError)):
        scope = stage in _OURS
        return Temporary(reason, scope="channel" if scope else "message")
    return Temporary(reason, ALARM_WAIT, scope="channel" if stage in _OURS else "message", alarm=True)


def one_line(text: str) -> str:
    """A server's words on one line of at most 300 printable characters."""
    shown = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return shown if len(shown) <= 300 else shown[:299] + "…"


def _transient(stage: Stage, code: int, reason: str) -> Outcome:
    if stage in (Stage.CONNECT, Stage.LOGIN):
        return Temporary(reason, scope="channel")
    return Temporary(
        reason, retry_after=GREYLIST_WAIT if code in (450, 451) and stage is Stage.RECIPIENT else None
    )


def _refused(stage: Stage, code: int, text: str, reason: str) -> Outcome:
    if stage in _OURS:
        return Temporary(reason, ALARM_WAIT, scope="channel", alarm=True)
    enhanced = _ENHANCED.match(text)
    detail = enhanced.group(2, 3) if enhanced else None
    if stage is Stage.RECIPIENT and detail == ("2", "2"):
        return Temporary(reason, FULL_MAILBOX_WAIT)
    if code == 530 or detail == ("7", "0"):
        return Temporary(reason, ALARM_WAIT, scope="channel", alarm=True)
    return Permanent(reason)


def _certificate_trouble(error: BaseException) -> str | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the server's certificate is not trusted: {one_line(seen.verify_message)}"
        seen = seen.__cause__ or seen.__context__
    return None
