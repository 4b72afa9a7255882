"""The demo's workspace: shipped rules, the simulated organisation as people, and its past, imported.

Made by the same commands' functions that users call. It must not know what comes afterwards.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from connectors.sources.files import Imported, ImportReport, read_events, sort_history
from connectors.sources.simulator import Organisation, stream
from schemas.time import DAY
from stagewatch.commands.standing import standing
from stagewatch.commands.writer import open_writer
from stagewatch.demo.plan import Plan
from stagewatch.settings import Settings, load_settings
from stagewatch.workspace.init import init_workspace
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.reader import WorkspaceReader
from streams.runtimes.memory import entry_of
from streams.topology import NOTIFICATIONS

CHUNK = 250
ADMIN = "sales.ops@example.com"
ERP = """
# The ERP knows customers by codes of its own; the CRM names them in `ids` of its customers.
[sources."erp/simulated"]
namespace = "erp"
"""

Record = dict[str, Any]
Told = Callable[[str, int, int], None]
"""Name of the step, done so far, of how much (0: nobody knows)."""


@dataclass(slots=True)
class Past:
    """What the import did. refused: rows. told: messages. standing: open items, topic -> rule."""

    events: int = 0
    refused: int = 0
    parked: int = 0
    told: int = 0
    seconds: float = 0.0
    ended: int = 0
    standing: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """The same world, as it goes on: (arrival us, record), without end."""

    records: Iterator[tuple[int, Record]]
    following: tuple[int, Record]

    def until(self, now: int) -> list[Record]:
        """What has arrived by `now` and was not given out yet."""
        found = []
        while self.following[0] <= now:
            found.append(self.following[1])
            self.following = next(self.records)
        return found


def make_workspace(root: Path, org: Organisation) -> tuple[Workspace, Settings]:
    """A new workspace with the shipped rules and the organisation's people.

    Raises:
        WorkspaceError: SW-WS-002 there is one already, SW-WS-003 it cannot be written.
    """
    init_workspace(root)
    workspace = Workspace(root)
    people = [org.person_data(worker) for worker in org.workers.values()]
    teams = [org.team_data(team) for team in org.teams]
    listed = [("people", people), ("teams", teams)]
    text = "# The people of the simulated organisation.\n"
    for section, rows in listed:
        lines = "".join(f"  - {json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        text += f"\n{section}:\n{lines}"
    workspace.people.write_text(text, encoding="utf-8")
    settings = workspace.settings.read_text(encoding="utf-8")
    settings = f'admin = "{ADMIN}"\n{settings}{ERP}'
    workspace.settings.write_text(settings, encoding="utf-8")
    return workspace, load_settings(workspace.settings)


def write_past(path: Path, org: Organisation, plan: Plan, told: Told) -> Life:
    """Write the history that ends now to a file; the world's further life."""
    now = time.time_ns() // 1000
    begin = now - plan.past * DAY
    records = stream(org, begin)
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for number, (arrival, record) in enumerate(records):
            if arrival >= now:
                told("write", 1, 1)
                return Life(records, (arrival, record))
            file.write(encode(record) + b"\n")
            if number % 1000 == 0:
                told("write", min(now - begin, arrival - begin), now - begin)
    raise AssertionError("the simulated world has ended")


def import_past(workspace: Workspace, settings: Settings, file: Path, told: Told) -> Past:
    """Import the file as `stagewatch import` does, up to the moment at which that begins: what falls due
    while it runs is not the past's.
    """
    started = time.perf_counter()
    past = Past()
    with open_writer(workspace, settings) as writer:
        now = writer.now()
        events, report = read_past(file, settings, now, told)
        for start in range(0, len(events), CHUNK):
            part = events[start : start + CHUNK]
            writer.history([_entry(item, now, settings) for item in part])
            past.events += len(part)
            told("import", past.events, len(events))
        past.ended = writer.finish(now)
    past.refused = sum(part.rows_rejected for part in report.files)
    with WorkspaceReader(workspace) as reader:
        stands = standing(reader.views)
        past.standing = {topic: Counter(i.value["rule"] for i in items) for topic, items in stands.items()}
        past.told = sum(1 for _ in reader.log.read(NOTIFICATIONS))
        past.parked = sum(item.count for item in reader.parked())
    past.seconds = time.perf_counter() - started
    return past


def read_past(
    file: Path, settings: Settings, now: int, told: Told
) -> tuple[Sequence[Imported], ImportReport]:
    """The events of a file in the order of their arrival, as `stagewatch import` reads them."""
    report = ImportReport()

    def read(done: int, total: int) -> None:
        told("read", done, total)

    items = read_events([file], None, zone=settings.tz, now=now, progress=read)
    return list(sort_history(report.watch(items))), report


def _entry(item: Imported, now: int, settings: Settings) -> Any:
    return entry_of(item.event, min(item.arrival, now), hist=now, namespaces=settings.namespaces)
