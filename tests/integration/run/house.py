"""A workspace on disk, a `stagewatch run` in a process of its own, and a mail server in this one.

Everything goes through the command line, HTTP and SMTP, as users have it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

T = TypeVar("T")

TOKEN = "crm-token-0123456789abcdef"
SECRET = "0123456789abcdef0123456789abcdef"
SECONDS = 20.0


def in_time(seconds: float) -> bool:
    """Whether a server was gone within a second: of a core of its own, and half of one for what cannot be
    known.

    The tests may run on a machine that is busy with other things.
    """
    return seconds < 0.5 + max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Inbox:
    """The mail server's handler: keeps what it accepts."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept, except those that shall be refused."""
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Accept."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [mail for mail in self.mails if address in str(mail["To"])]


def until(found: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """Poll until something is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: nothing within {seconds} s")


def cli(*args: str, code: int = 0, **environment: str) -> str:
    """Call the command line; its stdout."""
    env = {**os.environ, "LANG": "C.UTF-8", "COLUMNS": "160", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "stagewatch", *args], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 or "--json" in args else done.stdout + done.stderr


def event(number: int, type_: str, **data: Any) -> dict[str, Any]:
    """A CloudEvents record of now."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "crm/test", "type": type_, "time": now,
        "data": data,
    }  # fmt: skip


@dataclass
class House:
    """The workspace, its server and its mails."""

    root: Path
    inbox: Inbox = field(default_factory=Inbox)
    process: subprocess.Popen[bytes] | None = None
    client: httpx2.Client = field(default_factory=httpx2.Client)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.mail_port = int(free.getsockname()[1])
        self.made()
        settings = self.root / "stagewatch.toml"
        text = settings.read_text(encoding="utf-8").replace("127.0.0.1:8420", "127.0.0.1:0")
        mail = (
            f'\n[mail]\nhost = "127.0.0.1"\nport = {self.mail_port}\ntls = "none"\n'
            'sender = "Stagewatch <watch@example.com>"\n'
        )
        settings.write_text(text + mail, encoding="utf-8")
        self.mail_up()

    def made(self) -> None:
        """Make the workspace."""
        cli("init", str(self.root))

    def mail_up(self) -> None:
        """Start the mail server; a stopped one needs a new controller."""
        self.mail = Controller(self.inbox, hostname="127.0.0.1", port=self.mail_port)
        self.mail.start()

    def close(self) -> None:
        """End everything that was started."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.mail.stop()

    # -- the server ------------------------------------------------------------------------------------------

    def run(self, *options: str) -> None:
        """Start `stagewatch run` and wait until it is ready."""
        address = self.root / ".stagewatch" / "server.json"
        address.unlink(missing_ok=True)
        env = {**os.environ, "STAGEWATCH_TOKENS": f"crm={TOKEN} ops:read+commands=ops-{TOKEN}",
               "STAGEWATCH_SECRET": SECRET}  # fmt: skip
        log = (self.root / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stagewatch", "run", "-w", str(self.root), *options],
            stdout=log, stderr=log, env=env,
        )  # fmt: skip
        log.close()
        self.url = until(lambda: self._address(address), "the server's address")
        self.client.close()
        self.client = httpx2.Client(base_url=self.url, timeout=20)

    def _address(self, path: Path) -> str | None:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return str(json.loads(path.read_text())["url"])
        except (OSError, ValueError):
            return None

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; (exit code, seconds until it was over)."""
        assert self.process is not None
        self.client.close()
        started = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(20)
        return code, time.monotonic() - started

    def log(self) -> str:
        """What the server has logged."""
        return (self.root / "server.log").read_text(encoding="utf-8")

    # -- events and lists ------------------------------------------------------------------------------------

    def post(self, *events: dict[str, Any]) -> httpx2.Response:
        """POST a batch of events."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/cloudevents-batch+json"}
        return self.client.post("/v1/events", json=list(events), headers=headers)

    def get(self, path: str) -> Any:
        """GET from the API."""
        return self.client.get(path, headers={"Authorization": f"Bearer ops-{TOKEN}"}).json()

    def asked(self) -> list[dict[str, Any]]:
        """The approvals that wait for a decision, as the running server's API has them."""
        rows: list[dict[str, Any]] = self.get("/v1/approvals?state=requested")["approvals"]
        return rows

    def listed(self, topic: str, *options: str) -> list[dict[str, Any]]:
        """What the command line lists."""
        found = json.loads(self.cli(topic, "list", "--json", *options))
        rows: list[dict[str, Any]] = found[topic]
        return rows

    def cli(self, *args: str, code: int = 0) -> str:
        """The command line on this workspace."""
        return cli(*args, code=code, STAGEWATCH_WORKSPACE=str(self.root))
