"""The mail channel: tries one message once over a kept connection and says what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.message import EmailMessage

import aiosmtplib

from connectors.channels.channel import Delivered, Outcome, Permanent
from connectors.channels.mail.compose import MessageError, compose
from connectors.channels.mail.pace import Pace
from connectors.channels.mail.replies import Stage, classify_error, one_line
from connectors.channels.mail.session import Session, Utf8UnsupportedError
from connectors.channels.mail.settings import MailSettings
from connectors.channels.notification import Notification

SECOND = 1_000_000


class MailChannel:
    """Mail by SMTP; one connection, kept for `settings.idle` seconds between messages.

    `now` gives microseconds since the epoch; it drives the limit per minute and the age of the kept
    connection. A message is tried once; only a kept connection that the server had closed meanwhile is
    replaced at once, and only while no recipient had been named yet, so no message can be doubled by it.
    """

    def __init__(
        self,
        settings: MailSettings,
        *,
        now: Callable[[], int],
        password: str | None = None,
        name: str = "email",
    ) -> None:
        self._settings = settings
        self._now = now
        self._name = name
        self._session = Session(settings, password)
        self._pace = Pace(settings.per_minute)
        self._last_use = 0
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The channel's name in `Notification.channel`."""
        return self._name

    def ready_at(self, now: int) -> int:
        """The earliest instant the limit per minute allows the next message, in microseconds."""
        return self._pace.ready_at(now)

    async def send(self, notification: Notification) -> Outcome:
        """Try once; see `replies.py` for what each answer of the server becomes."""
        try:
            message = compose(notification, self._settings)
        except MessageError as refused:
            return Permanent(f"compose: {refused}")
        async with self._lock:
            return await self._within_time(message)

    async def aclose(self) -> None:
        """Say QUIT and close; the next `send` connects again."""
        async with self._lock:
            await self._session.quit()

    async def _within_time(self, message: EmailMessage) -> Outcome:
        await self._retire_idle()
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                return await self._attempt(message)
        except TimeoutError as error:
            self._session.close()
            return classify_error(self._session.stage, error)
        except BaseException:
            self._session.close()
            raise

    async def _attempt(self, message: EmailMessage) -> Outcome:
        try:
            receipt = await self._deliver(message)
        except Utf8UnsupportedError as unsupported:
            return Permanent(f"recipient: {unsupported}")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            outcome = classify_error(self._session.stage, error)
            await self._tidy(error)
            return outcome
        now = self._now()
        self._pace.note(now)
        self._last_use = now
        return Delivered(one_line(receipt))

    async def _deliver(self, message: EmailMessage) -> str:
        try:
            return await self._session.deliver(message)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPSenderRefused, ConnectionError) as error:
            if self._session.fresh or self._session.stage is not Stage.SENDER or not _hung_up(error):
                raise
        self._session.close()
        return await self._session.deliver(message)

    async def _tidy(self, error: Exception) -> None:
        refused = isinstance(error, aiosmtplib.SMTPResponseException) and error.code != 421
        if refused and self._session.stage in (Stage.RECIPIENT, Stage.DATA):
            await self._session.reset()
        else:
            self._session.close()

    async def _retire_idle(self) -> None:
        if self._session.is_open and self._now() - self._last_use > self._settings.idle * SECOND:
            await self._session.quit()


def _hung_up(error: Exception) -> bool:
    return not isinstance(error, aiosmtplib.SMTPSenderRefused) or error.code == 421
