"""From HTTP request to alert visible: `stagewatch run` in its own process, events offered at a fixed rate.

The load is open: each event has its moment, and time counts from that moment, so a slow server does not slow
the load down. Probes are contracts that raise an alert; when it shows in the view is looked up on the side.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.http_client import Connection, connect
from bench.measure import Report, Size, quantile
from bench.workload import ACCOUNTS, REGIONS, events, opening, people_file, rules
from schemas.envelope import Event, encode_event
from schemas.errors import StagewatchError
from streams.runtimes.embedded.reader import WorkspaceReader

RATE = 1_000
"""Events offered per second."""

PROBE_EVERY = 50
CONNECTIONS = 32
TOKEN = "-".join(["bench", "0123456789abcdefghij"])
PROBE = "P"
PATIENCE = 30.0
LATEST = 10.0
"""How long (s) an alert may take at most, to be counted at all."""


@dataclass(slots=True)
class Sent:
    """What became of the load: seconds from an event's moment to its answer; of probes, to the alert."""

    answers: list[float] = field(default_factory=list)
    refused: int = 0
    moments: dict[str, float] = field(default_factory=dict)
    visible: dict[str, float] = field(default_factory=dict)


def run(size: Size) -> Report:
    """Latencies with single events and with batches of ten."""
    report = Report(f"Latency: {RATE:,} events/s over HTTP, 100 rules, FULL sync")
    seconds = size.of(20, 6)
    for group in (1, 10):
        with _server() as (process, url, place):
            sent = asyncio.run(_measure(url, place, seconds, group))
            cpu = _cpu_seconds(process.pid)
        what = "single events" if group == 1 else f"batches of {group}"
        _tell(report, what, sent, seconds)
        report.add(f"{what}: CPU of the server over its life, warm-up included", "s", cpu, digits=1)
    report.notes.append(
        "server and load generator share the machine; time counts from when the event was due"
    )
    report.notes.append(
        "an alert is visible when a reader of the view, looking each ms, finds it by its customer"
    )
    return report


def _tell(report: Report, what: str, sent: Sent, seconds: int) -> None:
    answered = len(sent.answers)
    report.add(f"{what}: events answered", "events/s", answered / seconds)
    report.add(f"{what}: events refused", "events", sent.refused)
    alerts = list(sent.visible.values())
    report.add(f"{what}: alerts looked for, and found", "alerts", len(sent.moments), len(alerts))
    for name, times in (("answer", sent.answers), ("alert visible", alerts)):
        for share, text in ((0.5, "p50"), (0.99, "p99"), (1.0, "slowest")):
            goal = "under 100 ms" if text == "p99" and name == "alert visible" else ""
            value = quantile(times, share) * 1e3 if times else float("nan")
            report.add(f"{what}: request to {name}, {text}", "ms", value, goal=goal, digits=1)


# -- the server --------------------------------------------------------------------------------------------


@contextmanager
def _server() -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """`stagewatch run` over a new workspace with the rules of the mix; its process, address and data."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "workspace"
        command = [sys.executable, "-m", "stagewatch"]
        subprocess.run([*command, "init", str(root)], check=True, capture_output=True)
        for path in (root / "rules").iterdir():
            path.unlink()
        (root / "rules" / "mix.yaml").write_text(
            "---\n".join(text for _, text in rules(100)), encoding="utf-8"
        )
        (root / "people.yaml").write_text(people_file(), encoding="utf-8")
        environment = {**os.environ, "STAGEWATCH_TOKENS": f"bench:events+read={TOKEN}"}
        run = [*command, "run", "--workspace", str(root), "--port", "0", "--log-level", "error"]
        process = subprocess.Popen(run, env=environment)
        try:
            address = root / ".stagewatch" / "server.json"
            _until(lambda: address.is_file() or process.poll() is not None, "the server to listen")
            url = msgspec.json.decode(address.read_bytes())["url"]
            yield process, url, root / "data"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _until(found: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE:g} s for {what}")
        time.sleep(0.02)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- the load ----------------------------------------------------------------------------------------------


async def _measure(url: str, place: Path, seconds: int, group: int) -> Sent:
    with WorkspaceReader(place) as reader:
        probes = RATE * seconds // PROBE_EVERY
        first = await connect(url, TOKEN)
        await _warm_up(first, reader, probes)
        first.close()
        connections = [await connect(url, TOKEN) for _ in range(CONNECTIONS)]
        sent = Sent()
        looking = asyncio.create_task(_look(reader, sent, probes))
        await _offer(connections, sent, seconds, group)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(looking, LATEST)
    for connection in connections:
        connection.close()
    await _check_by_http(await connect(url, TOKEN), sent)
    return sent


async def _warm_up(connection: Connection, reader: WorkspaceReader, probes: int) -> None:
    """Accounts of the mix and of the probes, worked off before anything is measured."""
    found = [event for number in range(ACCOUNTS) for event in opening(number)]
    known = [_now(event) for event in found] + [_probe_account(number) for number in range(probes)]
    for begin in range(0, len(known), 250):
        status = await connection.post(_body(known[begin : begin + 250]), batch=True)
        if status != 202:
            raise RuntimeError(f"the server answered {status}")
        await asyncio.sleep(0.2)
    deadline = time.monotonic() + PATIENCE
    while reader.state().position < reader.log.end("intake"):
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not come to an end with its accounts")
        await asyncio.sleep(0.05)


async def _offer(connections: list[Connection], sent: Sent, seconds: int, group: int) -> None:
    """Each group of events at its moment, by the first connection that is free."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    mix = events(RATE * seconds, known=True, seed=11)
    begin = time.perf_counter() + 0.5
    tasks = []
    for first in range(0, RATE * seconds, group):
        moment = begin + first / RATE
        some = [_next(mix, number, sent, moment) for number in range(first, first + group)]
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(_send(free, some, sent, moment)))
    await asyncio.gather(*tasks)


def _next(mix: Iterator[Event], number: int, sent: Sent, moment: float) -> Event:
    event = next(mix)
    if number % PROBE_EVERY:
        return _now(event)
    account = f"{PROBE}{number // PROBE_EVERY}"
    sent.moments[account] = moment
    data = {
        "contract": f"C-{account}",
        "account": account,
        "amount": "900000",
        "currency": "CNY",
        "version": 1,
    }
    return _now(Event(f"probe-{account}", "bench", "contract.drafted", 0, data))


async def _send(free: asyncio.Queue[Connection], some: list[Event], sent: Sent, moment: float) -> None:
    connection = await free.get()
    body = _body(some) if len(some) > 1 else msgspec.json.encode(encode_event(some[0]))
    status = await connection.post(body, batch=len(some) > 1)
    free.put_nowait(connection)
    if status == 202:
        sent.answers += [time.perf_counter() - moment] * len(some)
    else:
        sent.refused += len(some)


def _now(event: Event) -> Event:
    return msgspec.structs.replace(event, time=time.time_ns() // 1000)


def _probe_account(number: int) -> Event:
    name = f"{PROBE}{number}"
    data = {"account": name, "name": name, "tier": "S", "region": REGIONS[0], "owner": "rep1"}
    return _now(Event(f"account-{name}", "bench", "account.updated", 0, data))


def _body(some: list[Event]) -> bytes:
    return msgspec.json.encode([encode_event(event) for event in some])


# -- what shows --------------------------------------------------------------------------------------------


async def _look(reader: WorkspaceReader, sent: Sent, probes: int) -> None:
    """Look each millisecond for the alerts that are still expected, until all are found."""
    while len(sent.visible) < probes:
        await asyncio.sleep(0.001)
        for account in [name for name in sent.moments if name not in sent.visible]:
            try:
                found = reader.views.items("alerts", account=account, limit=1)
            except StagewatchError:
                continue
            if found:
                sent.visible[account] = time.perf_counter() - sent.moments[account]


async def _check_by_http(connection: Connection, sent: Sent) -> None:
    """One of the alerts as people ask for it."""
    account = next(iter(sent.visible), None)
    if account is not None:
        status, body = await connection.get(f"/v1/alerts?account={account}")
        if status != 200 or account.encode() not in body:
            raise RuntimeError(f"the alert of {account} is not in the answer: {status} {body[:200]!r}")
