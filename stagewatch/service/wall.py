"""The clock of real servers and their time-outs. Logical time never comes from here."""

from __future__ import annotations

import asyncio
import time


class WallClock:
    """Delivery's clock: real time, also when logical time runs faster."""

    def now(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    async def sleep(self, us: int) -> None:
        """Return after `us`."""
        await asyncio.sleep(us / 1_000_000)
