"""A mail server on this machine that keeps what it is given as files to look at. Delivers nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from deploy.local.process import ServerProcess


class MailCatcher(ServerProcess):
    """Every mail becomes a file of `kept`."""

    @property
    def kept(self) -> Path:
        """The folder of mails."""
        return self.folder / "mails" / "new"

    def command(self) -> Sequence[str]:
        """The server."""
        handler = ["-c", "aiosmtpd.handlers.Mailbox", str(self.folder / "mails")]
        return [sys.executable, "-m", "aiosmtpd", "-n", "-u", "-l", self.address, *handler]

    def mails(self) -> Iterator[EmailMessage]:
        """All mails so far."""
        for path in sorted(self.kept.glob("*")):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            if isinstance(message, EmailMessage):
                yield message
