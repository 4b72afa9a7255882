"""The project's embedded runtime, as a process that can be measured and killed: it takes the story by itself.

    python -m bench.cluster.peers.embedded FOLDER ACCOUNTS MORE BASE WITHIN PARTS

WITHIN is -1 where nothing falls due. Before each part and after the last it writes a line with its CPU time
so far, and waits for a line before each; where something falls due, it writes the transitions of alerts at
last. Started anew on its folder it takes all from the beginning: what it knows changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from bench.cluster.peers.deals import RULES, Story
from bench.durable import CHUNK, Durable
from bench.workload import directory
from schemas.envelope import Event
from schemas.time import SECOND
from streams.runtimes.collector import spare_old_objects
from streams.runtimes.memory import entry_of, rule_entry
from streams.topology import ALERTS

PARTITIONS = 4


def main(folder: Path, story: Story, parts: int) -> None:
    """Take the story in parts."""
    folder.mkdir(parents=True, exist_ok=True)
    workspace = Durable(folder, partitions=PARTITIONS, start=story.base)
    rules = [rule_entry(text.split()[1], text, 0) for text in RULES.split("---\n")]
    workspace.take([*directory(), *rules])
    workspace.settle()
    spare_old_objects()
    _take(workspace, story.opening())
    later = story.later()
    for _ in range(parts):
        _tell(time.process_time())
        sys.stdin.readline()
        _take(workspace, islice(later, story.more // parts))
    _tell(time.process_time())
    if story.within is not None:
        workspace.clock.advance(story.base + story.within + SECOND - workspace.clock.now())
        workspace.runtime.tick()
        workspace.settle()
        _tell([one.value for one in workspace.runtime.poll_outputs(ALERTS, limit=10_000_000)])
    workspace.close()


def _take(workspace: Durable, events: Iterable[Event]) -> None:
    entries = (entry_of(event, max(event.time, workspace.clock.now())) for event in events)
    while page := list(islice(entries, CHUNK)):
        workspace.take(page)


def _tell(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    accounts, more, base, within, parts = map(int, sys.argv[2:])
    main(Path(sys.argv[1]), Story(accounts, more, base, None if within < 0 else within), parts)
