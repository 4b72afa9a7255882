"""A mail server for each worker, so that it is known who sent what and when."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.process import free_port


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken. message: the notification. at: of the 250, seconds since the epoch."""

    message: str
    worker: str
    at: float


@dataclass
class Mails:
    """All that were taken, by whichever server. told: of each, before the server answers.

    refused: whether one is sent away with 451.
    """

    told: Callable[[Mail], object] = lambda mail: None
    refused: Callable[[Mail], bool] = lambda mail: False
    taken: list[Mail] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Notification -> how often."""
        return Counter(mail.message for mail in self.taken)

    def copies(self) -> list[Sequence[Mail]]:
        """Mails of messages that were mailed more than once, in their order, message by message."""
        several = sorted(name for name, count in self.counts.items() if count > 1)
        return [[mail for mail in self.taken if mail.message == name] for name in several]


class Taking:
    """The handler of one worker's server."""

    def __init__(self, mails: Mails, worker: str) -> None:
        self._mails, self._worker = mails, worker

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail, or not."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        message = str(message_from_bytes(raw)["Message-ID"]).strip("<>").partition("@")[0]
        mail = Mail(message, self._worker, time.time())
        if self._mails.refused(mail):
            return "451 not now"
        self._mails.taken.append(mail)
        self._mails.told(mail)
        return "250 kept"


@contextlib.contextmanager
def mail_server(mails: Mails, worker: str, host: str) -> Iterator[int]:
    """A server for that worker on `host` until the block ends; its port."""
    port = free_port()
    controller = Controller(Taking(mails, worker), hostname=host, port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
