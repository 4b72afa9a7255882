"""Waits for Kafka's clients no longer than allowed, even when they do not end on being cancelled.

`asyncio.timeout` waits for the work to end after it was cancelled; clients of a broker that was killed may
never do, and would hold their partition for good. It must not know what the work is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. When it takes longer it is cancelled and left to itself.

    Raises:
        TimeoutError: it takes longer.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            return task.result()
        raise TimeoutError(f"not within {seconds:g} s")
    finally:
        if not task.done():
            task.add_done_callback(_retrieved)
            task.cancel()


def _retrieved(task: asyncio.Task[Any]) -> None:
    """Nobody asks any more how it ended."""
    if not task.cancelled():
        task.exception()
