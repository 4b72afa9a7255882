"""What is written within one turn of the event loop leaves as one piece, and before a close."""

from __future__ import annotations

import asyncio

from console.cork import Cork


class Wire(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0


async def test_writes_of_one_turn_leave_together() -> None:
    wire = Wire()
    cork = Cork(wire, asyncio.get_running_loop())
    cork.write(b"head ")
    cork.write(b"body")
    assert (wire.sent, cork.get_write_buffer_size()) == ([], 9)
    await asyncio.sleep(0)
    assert (wire.sent, cork.get_write_buffer_size()) == ([b"head body"], 0)
    cork.write(b"more")
    await asyncio.sleep(0)
    assert wire.sent == [b"head body", b"more"]


async def test_a_close_sends_what_was_written_and_an_abort_does_not() -> None:
    closed, aborted = Wire(), Wire()
    one, other = (Cork(wire, asyncio.get_running_loop()) for wire in (closed, aborted))
    one.write(b"last words")
    one.close()
    other.write(b"last words")
    other.abort()
    await asyncio.sleep(0)
    assert (closed.sent, closed.closed) == ([b"last words"], True)
    assert (aborted.sent, aborted.closed) == ([], True)
