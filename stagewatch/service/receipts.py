"""Brings what became of messages back into the log: each settled message is one record, however often the
process ends in between.

It decides nothing: the outbox says what is settled, the inbox machine what that means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from stagewatch.service.messages import Message
from stagewatch.service.outbox import SqliteOutbox
from stagewatch.settings import Settings
from streams.machines.inbox.notice import inbox_key
from streams.machines.inbox.receipt import KIND, Receipt
from streams.runtimes.pipeline import Entry

PAGE: Final = 500
PAUSE: Final = 1.0
"""Seconds between two looks, and after trouble."""


class Receipts:
    """`run` until cancelled. append: durably, to the log. trouble: told of each error; it is tried again."""

    def __init__(
        self,
        outbox: SqliteOutbox,
        settings: Settings,
        append: Callable[[Sequence[Entry]], Future[tuple[int, int]]],
        trouble: Callable[[Exception], None],
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._append = append
        self._trouble = trouble

    async def run(self) -> None:
        """Look each second."""
        while True:
            try:
                while await self.round() == PAGE:
                    pass
            except Exception as error:
                self._trouble(error)
            await asyncio.sleep(PAUSE)

    async def round(self) -> int:
        """Bring a page of receipts in; how many."""
        settled = await self._outbox.settled(PAGE)
        if settled:
            entries = [receipt_entry(message, self._settings) for message in settled]
            await asyncio.wrap_future(self._append(entries))
            await self._outbox.told([message.id for message in settled])
        return len(settled)


def receipt_entry(message: Message, settings: Settings) -> Entry:
    """What became of a settled message, as an entry of the log for the inbox of its receiver."""
    receipt = Receipt(
        message=message.id,
        state="sent" if message.state == "sent" else "failed",
        note=message.note or "",
        channel=message.channel,
        receiver=message.receiver,
        reason=message.reason,
        attempts=message.attempts,
        settled=message.settled or 0,
        alert=message.alert,
        of=str(message.record.get("of") or ""),
        subject=str(message.record.get("subject") or ""),
        admin=settings.admin,
        zone=settings.zone,
        language=settings.language,
    )
    return Entry("commands", inbox_key(message.receiver), KIND, receipt.to_dict(), 0)
