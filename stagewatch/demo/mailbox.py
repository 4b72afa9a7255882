"""A mail server on this machine for the demo: takes every mail, shows it, keeps it. Delivers nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Final, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST: Final = "127.0.0.1"
_APPROVE: Final = re.compile(r"^(?:同意|Approve):\s*\n(https?://\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as its reader sees it. approve: the address of its link that agrees, if it has one."""

    id: str
    to: str
    subject: str
    alert: str
    reason: str
    approve: str | None


class Mailbox:
    """The server; `async with` runs it. `told` hears of every mail at once. port: 0 becomes a free one."""

    def __init__(self, told: Callable[[Mail], None], port: int) -> None:
        self._told = told
        self.mails: list[Mail] = []
        self.port = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=loop), HOST, self.port
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        message = message_from_bytes(raw, policy=policy.default)
        if isinstance(message, EmailMessage):
            mail = read_mail(message)
            self.mails.append(mail)
            self._told(mail)
        return "250 kept"


def read_mail(message: EmailMessage) -> Mail:
    """What the demo needs of a mail."""
    body = message.get_body(("plain",))
    text = "" if body is None else str(body.get_content()).replace("\r\n", "\n")
    link = _APPROVE.search(text)
    return Mail(
        id=str(message["Message-ID"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        alert=str(message["X-Stagewatch-Alert"] or ""),
        reason=str(message["X-Stagewatch-Reason"] or ""),
        approve=None if link is None else link.group(1),
    )
