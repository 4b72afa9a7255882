"""A real SMTP server in the test's own loop, with certificates made on the spot, that can be told to
misbehave.

It must not know what the mail channel makes of its answers.
"""

import asyncio
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from connectors.channels.mail import MailSettings


@dataclass
class Mailbox:
    """The handler of the server: keeps what it accepts; `rcpt` and `data` may give another answer.

    `hang_up` closes the line instead of answering the next that many DATA; `delay` seconds before
    answering it.
    """

    messages: list[EmailMessage] = field(default_factory=list)
    connections: int = 0
    rcpt: Callable[[str], str | None] = lambda address: None
    sender: Callable[[str], str | None] = lambda address: None
    data: Callable[[EmailMessage], str | None] = lambda message: None
    hang_up: int = 0
    delay: float = 0.0
    seen_data: int = 0
    tls: list[bool] = field(default_factory=list)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answers MAIL FROM."""
        self.tls.append(session.ssl is not None)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender(address) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answers RCPT TO."""
        answer = self.rcpt(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answers the end of the data."""
        self.seen_data += 1
        await asyncio.sleep(self.delay)
        if self.hang_up > 0:
            self.hang_up -= 1
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return "451 gone"
        content = envelope.content
        assert isinstance(content, bytes)
        message = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(content)
        answer = self.data(message)
        if answer is None:
            self.messages.append(message)
        return answer or f"250 OK queued as {len(self.messages)}"


@dataclass
class MailServer:
    """A running server: where it listens, what it got, and settings that fit it."""

    port: int
    box: Mailbox
    ca_file: Path

    def settings(self, **more: object) -> MailSettings:
        """Settings of a client that trusts the server; `more` overrides."""
        plain = {
            "host": "localhost",
            "port": self.port,
            "tls": "none",
            "sender": "Stagewatch <alerts@stagewatch.example>",
            "ca_file": self.ca_file,
            "timeout": 5.0,
        }
        return MailSettings.model_validate({**plain, **more})


@asynccontextmanager
async def mail_server(
    ca_file: Path,
    *,
    box: Mailbox | None = None,
    port: int = 0,
    implicit: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    utf8: bool = True,
) -> AsyncIterator[MailServer]:
    """A server on 127.0.0.1 until the block ends; `login` makes it ask for that user and password."""
    handler = box if box is not None else Mailbox()

    lines: list[SMTP] = []

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: object
    ) -> AuthResult:
        given = (getattr(data, "login", b"").decode(), getattr(data, "password", b"").decode())
        return AuthResult(success=given == login, handled=False)

    def connected() -> SMTP:
        handler.connections += 1
        lines.append(
            SMTP(
                handler,
                hostname="localhost",
                enable_SMTPUTF8=utf8,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=authenticate if login is not None else None,
                auth_required=login is not None,
                auth_require_tls=implicit is None and starttls is not None,
            )
        )
        return lines[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", port, ssl=implicit)
    try:
        yield MailServer(server.sockets[0].getsockname()[1], handler, ca_file)
    finally:
        server.close()
        for line in lines:
            if isinstance(line.transport, asyncio.Transport):
                line.transport.abort()
        await asyncio.sleep(0)
