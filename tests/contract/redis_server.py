"""A real Redis of a test's own, on a Unix socket in a directory of its own: it opens no port.

It must not know what is kept in it.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS_WITHIN = 10.0


class RedisServer:
    """A server that can be stopped and started again; what is not written to disk is then lost."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.socket = directory / "redis.sock"
        self.url = f"unix://{self.socket}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"port": "0", "unixsocket": str(self.socket), "save": "", "dir": str(self._directory)}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        until = time.monotonic() + STARTS_WITHIN
        while self.command("PING") != "PONG":
            assert time.monotonic() < until
            time.sleep(0.01)

    def command(self, *words: str) -> str:
        """Ask by redis-cli; its answer."""
        done = subprocess.run(
            ["redis-cli", "-s", str(self.socket), *words], check=False, capture_output=True, text=True
        )
        return done.stdout.strip()

    def stop(self) -> None:
        """Kill it: nothing is written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A started server; the directory's name is short, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="sw-") as directory:
        server = RedisServer(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop()
