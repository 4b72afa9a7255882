"""One SMTP connection and how far it has come. Knows the protocol's order; knows nothing of outcomes or
retries.
"""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib

from connectors.channels.mail.address import needs_smtputf8
from connectors.channels.mail.replies import Stage
from connectors.channels.mail.settings import MailSettings

GOODBYE = 5.0


class Utf8UnsupportedError(Exception):
    """The address needs SMTPUTF8 and the server has not got it."""


class Session:
    """A connection that is opened when needed and kept for the next message.

    `stage` tells, after an exception, in which step it happened; `fresh` is False while a kept connection
    is in use.
    """

    def __init__(self, settings: MailSettings, password: str | None) -> None:
        self._settings = settings
        self._password = password
        self._tls = settings.tls_context()
        self._smtp: aiosmtplib.SMTP | None = None
        self.stage = Stage.CONNECT
        self.fresh = True

    @property
    def is_open(self) -> bool:
        """Whether a connection is kept."""
        return self._smtp is not None and self._smtp.is_connected

    async def deliver(self, message: EmailMessage) -> str:
        """Hand one message over; returns the server's words with its 250. Raises what aiosmtplib and
        sockets raise.
        """
        smtp = await self._ready()
        recipient = message["To"].addresses[0]
        utf8 = needs_smtputf8(recipient)
        if utf8 and smtp.is_ehlo_or_helo_needed:
            await smtp.ehlo()
        if utf8 and not smtp.supports_extension("smtputf8"):
            raise Utf8UnsupportedError(f"the server cannot carry the address {recipient.addr_spec!a}")
        encoding, options = ("utf-8", ["SMTPUTF8"]) if utf8 else ("ascii", [])
        self.stage = Stage.SENDER
        await smtp.mail(self._settings.sender_address.addr_spec, options=options, encoding=encoding)
        self.stage = Stage.RECIPIENT
        await smtp.rcpt(recipient.addr_spec, encoding=encoding)
        self.stage = Stage.DATA
        response = await smtp.data(message.as_bytes())
        return f"{response.code} {response.message}"

    async def reset(self) -> None:
        """Forget a half-done message; closes the connection when the server does not play along."""
        smtp = self._smtp
        if smtp is None or not smtp.is_connected:
            return self.close()
        try:
            await smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            self.close()

    async def quit(self) -> None:
        """Say goodbye and close; never raises."""
        if self._smtp is not None and self._smtp.is_connected:
            try:
                await self._smtp.quit(timeout=GOODBYE)
            except (aiosmtplib.SMTPException, OSError):
                self.stage = Stage.CONNECT
        self.close()

    def close(self) -> None:
        """Drop the connection without a word."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    async def _ready(self) -> aiosmtplib.SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            self.fresh = False
            return self._smtp
        self.close()
        self.fresh = True
        self.stage = Stage.CONNECT
        self._smtp = self._client()
        await self._smtp.connect()
        if self._settings.username is not None and self._password is not None:
            self.stage = Stage.LOGIN
            await self._smtp.login(self._settings.username, self._password)
        return self._smtp

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.effective_port,
            timeout=settings.timeout,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=self._tls,
            local_hostname=settings.helo or settings.sender_address.domain,
        )
