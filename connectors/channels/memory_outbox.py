"""An outbox in memory: the reference behaviour of `OutboxStore` for tests and trials. Loses everything at
exit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from connectors.channels.notification import Notification
from connectors.channels.outbox import OutboxRow, free_at


@dataclass(slots=True)
class MemoryOutbox:
    """Rows in dictionaries by notification id: `waiting`, `sent` (receipt, at) and `failed` (reason, at)."""

    waiting: dict[str, OutboxRow] = field(default_factory=dict)
    sent: dict[str, tuple[str, int]] = field(default_factory=dict)
    failed: dict[str, tuple[str, int]] = field(default_factory=dict)

    def put(self, notification: Notification, now: int) -> bool:
        """Enter a notification due at once; False, and nothing changed, if its id was ever entered before."""
        known = (
            notification.id in self.waiting or notification.id in self.sent or notification.id in self.failed
        )
        if not known:
            self.waiting[notification.id] = OutboxRow(notification, entered=now, next_at=now)
        return not known

    async def due(
        self, now: int, limit: int, owner: str, excluding: Collection[str] = ()
    ) -> Sequence[OutboxRow]:
        """See `OutboxStore.due`."""
        rows = [row for row in self._of_other_channels(excluding) if free_at(row, owner) <= now]
        return sorted(rows, key=lambda row: (row.next_at, row.notification.id))[:limit]

    async def next_due(self, owner: str, excluding: Collection[str] = ()) -> int | None:
        """See `OutboxStore.next_due`."""
        return min((free_at(row, owner) for row in self._of_other_channels(excluding)), default=None)

    async def claim(self, notification: str, owner: str, until: int, now: int) -> bool:
        """See `OutboxStore.claim`."""
        row = self.waiting.get(notification)
        if row is None or free_at(row, owner) > now:
            return False
        self.waiting[notification] = replace(row, owner=owner, lease_until=until)
        return True

    async def mark_sent(self, notification: str, owner: str, receipt: str, at: int) -> None:
        """See `OutboxStore.mark_sent`."""
        if self.waiting.pop(notification, None) is not None:
            self.sent[notification] = (receipt, at)

    async def mark_retry(self, notification: str, owner: str, next_at: int, reason: str) -> None:
        """See `OutboxStore.mark_retry`."""
        row = self.waiting.get(notification)
        if row is not None and row.owner == owner:
            self.waiting[notification] = replace(
                row,
                attempts=row.attempts + 1,
                next_at=next_at,
                last_reason=reason,
                owner=None,
                lease_until=None,
            )

    async def mark_failed(self, notification: str, owner: str, reason: str, at: int) -> None:
        """See `OutboxStore.mark_failed`."""
        row = self.waiting.get(notification)
        if row is not None and row.owner == owner:
            del self.waiting[notification]
            self.failed[notification] = (reason, at)

    def _of_other_channels(self, excluding: Collection[str]) -> list[OutboxRow]:
        return [row for row in self.waiting.values() if row.notification.channel not in excluding]
