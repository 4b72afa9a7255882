"""SIGTERM ends a server within a second, whatever it is waiting for; what was accepted is kept."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sources.files import Imported, read_events
from stagewatch.service.opening import bring_in, open_runtime, read_files
from stagewatch.settings import load_settings
from stagewatch.workspace.paths import Workspace
from streams.runtimes.memory import entry_of
from tests.integration.run.house import TOKEN, House, cli, event, in_time, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def drafted(number: int) -> dict[str, Any]:
    return event(
        number, "contract.drafted", contract=f"HT{number}", account="A1", owner="li.lei", amount=600000,
        currency="CNY",
    )  # fmt: skip


def stop(house: House) -> None:
    code, seconds = house.end()
    assert code == 0
    assert in_time(seconds)


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Events that take some seconds to work off."""
    path = tmp_path / "days.jsonl"
    cli("simulate", "--days", "200", "--clean", "--out", str(path))
    return path


def test_with_work_in_hand(house: House) -> None:
    house.run()
    house.post(*(drafted(number) for number in range(50)))
    stop(house)
    assert '"stopped"' in house.log()
    house.run()
    until(lambda: len(house.asked()) == 50, "everything that was accepted")


def test_with_a_request_that_does_not_end(house: House) -> None:
    house.run()
    host, port = house.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sender:
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n"
        )
        sender.sendall(f"{head}Content-Type: application/cloudevents+json\r\n\r\n{{".encode())
        time.sleep(0.3)
        stop(house)


@pytest.fixture
def mute(house: House) -> Iterator[socket.socket]:
    """A mail server that takes the connection and says nothing."""
    house.mail.stop()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", house.mail_port))
        listening.listen()
        yield listening
    house.mail_up()


def test_with_a_mail_server_that_says_nothing(house: House, mute: socket.socket) -> None:
    house.run()
    house.post(drafted(1))
    mute.settimeout(20)
    connection, _ = mute.accept()
    with connection:
        stop(house)


def test_with_an_import_under_way(house: House, days: Path) -> None:
    house.run()
    importing = subprocess.Popen(
        [sys.executable, "-m", "stagewatch", "import", "-w", str(house.root), str(days)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: status(house)["entries"] > 4000 or None, "the beginning of the import", 60)
    stop(house)
    _, said = importing.communicate(timeout=60)
    assert importing.returncode == 1
    assert said.startswith("SW-")


def test_while_it_still_works_off_what_was_left(house: House, days: Path) -> None:
    workspace = Workspace.find(house.root)
    settings = load_settings(workspace.settings)
    runtime = open_runtime(workspace, settings)
    bring_in(workspace, runtime, read_files(workspace, settings))
    items = read_events([days], None, zone=settings.tz, now=runtime.clock.now())
    runtime.append([entry_of(item.event, 0) for item in items if isinstance(item, Imported)])
    runtime.close()
    left = status(house)["backlog"]
    house.process = subprocess.Popen(
        [sys.executable, "-m", "stagewatch", "run", "-w", str(house.root)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: status(house)["backlog"] < left or None, "the beginning of the work", 60)
    stop(house)
    assert 0 < status(house)["backlog"] < left


def status(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(house.cli("status", "--json"))
    return found
