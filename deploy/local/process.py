"""One server process: started, waited for, stopped, killed, frozen and woken. Knows no particular server."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.setup.plan import SERVERS, command_for
from deploy.setup.probe import absent_servers

HOST = "127.0.0.1"


class NotStartedError(Exception):
    """The server did not come up; the text has the end of what it said."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def program(*names: str) -> str:
    """The path of the first of these programs that is installed.

    Raises:
        NotStartedError: none is; with the command that brings all servers that are missing.
    """
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        packages = tuple(SERVERS[command] for command in absent_servers())
        command = command_for(packages, sudo=shutil.which("sudo") is not None)
        raise NotStartedError(f"{names[0]} is not installed. To have it, run this:\n\n    {command}\n")
    return found


class ServerProcess:
    """A server in a folder of its own; `command`, `host` and `port` are its kind's.

    Example::

        with Kafka(folder) as kafka:
            print(kafka.address)
    """

    host = HOST
    seconds_to_start = 60.0
    seconds_to_stop = 15.0

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    # -- of a kind -----------------------------------------------------------------------------------------

    def command(self) -> Sequence[str]:
        """What is run."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        """Its environment; None: ours."""
        return None

    def prepare(self) -> None:
        """Make what must be there before the first start."""

    # -- life ----------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """host:port of its clients."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """What it writes to its terminal."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise NotStartedError(f"{type(self).__name__} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it and wait until it takes connections.

        Raises:
            NotStartedError: it ended, or took too long.
        """
        self.launch()
        self.await_start()
        return self

    def launch(self) -> None:
        """Start it; `await_start` waits for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_start(self) -> None:
        """Wait until it takes connections.

        Raises:
            NotStartedError: it ended, or took too long.
        """
        deadline = time.monotonic() + self.seconds_to_start
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise NotStartedError(f"{type(self).__name__} did not start:\n{self._tail()}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """End it in good order; after `seconds_to_stop`, by force."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(self.seconds_to_stop)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would (-9)."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ended(self, seconds: float) -> int | None:
        """Wait for its end; its exit code, None when it never began."""
        return None if self._process is None else self._process.wait(seconds)

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; harmless when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _tail(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-20:])
