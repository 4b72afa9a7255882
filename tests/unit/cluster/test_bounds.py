"""Work that does not end on being cancelled is not waited for."""

from __future__ import annotations

import asyncio

import pytest

from streams.runtimes.cluster.bounds import within


async def test_the_result_and_the_error_of_work_come_through() -> None:
    async def fine() -> int:
        return 7

    async def wrong() -> int:
        raise ValueError("seven")

    assert await within(1, fine()) == 7
    with pytest.raises(ValueError, match="seven"):
        await within(1, wrong())


@pytest.mark.parametrize("from_outside", [False, True])
async def test_what_refuses_to_end_is_left_to_itself(from_outside: bool) -> None:
    refused, over = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        try:
            await over.wait()
        except asyncio.CancelledError:
            refused.set()
            await over.wait()

    waiting = asyncio.create_task(within(60 if from_outside else 0, stubborn()))
    await asyncio.sleep(0)
    if from_outside:
        await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError if from_outside else TimeoutError):
        await waiting
    await refused.wait()
    over.set()
