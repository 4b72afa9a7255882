"""Opens a workspace for writing: the right clock, its lock, and what its files say brought into the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules.yaml_positions import YamlError, documents
from schemas.errors import StagewatchError, WorkspaceError
from stagewatch.settings import Settings, load_settings
from stagewatch.settings.load import InvalidSettingsError
from stagewatch.workspace.inforce import Wanted, changes
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.people import Entry as PeopleEntry
from stagewatch.workspace.people import InvalidPeopleError, load_people
from stagewatch.workspace.reader import WorkspaceReader
from stagewatch.workspace.rulefiles import RuleFiles, read_rules
from streams.runtimes.embedded.clock import Clock, ScaledClock, SystemClock
from streams.runtimes.embedded.runtime import EmbeddedRuntime
from streams.runtimes.embedded.session import Options
from streams.runtimes.pipeline import Entry
from streams.topology import NOTIFICATIONS


@dataclass(slots=True)
class Files:
    """What the files of a workspace say. people None: broken; `errors` has everything that is wrong."""

    settings: Settings
    rules: RuleFiles
    people: Sequence[PeopleEntry] | None
    errors: list[StagewatchError] = field(default_factory=list)

    @property
    def wanted(self) -> Wanted:
        """What should be in force; the rules of broken files stay as they are."""
        return Wanted(self.settings.shared(), self.rules.rules, self.people, _kept(self.rules))


def read_files(workspace: Workspace, settings: Settings) -> Files:
    """Read rules and people; what is broken is left as it is in force and told in `errors`."""
    rules = read_rules([workspace.rules], settings.declared, workspace.root)
    errors: list[StagewatchError] = [*rules.errors]
    people: Sequence[PeopleEntry] | None = None
    try:
        people = load_people(workspace.people, settings.tz)
    except InvalidPeopleError as found:
        errors += found.errors
    return Files(settings, rules, people, errors)


def read_again(workspace: Workspace, settings: Settings) -> Files:
    """As `read_files`, with the settings as they are by now; where those are broken, with the ones before."""
    broken: list[StagewatchError] = []
    try:
        settings = load_settings(workspace.settings)
    except InvalidSettingsError as errors:
        broken += errors.errors
    files = read_files(workspace, settings)
    files.errors[:0] = broken
    return files


def pending(workspace: Workspace, files: Files, at: int) -> list[Entry]:
    """Entries by which what is in force becomes what the files say, as of `at` us."""
    with WorkspaceReader(workspace) as reader:
        return changes(files.wanted, reader.shared, at)


def _kept(rules: RuleFiles) -> frozenset[str]:
    """Rule ids that broken files seem to hold: their old versions stay in force."""
    found: set[str] = set()
    for path in rules.broken:
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            for document in documents(text):
                if isinstance(document.value, Mapping):
                    found.add(str(document.value.get("rule")))
        except (OSError, YamlError):
            pass
        found |= _ids_by_line(path)
    return frozenset(found)


def _ids_by_line(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return set()
    begun = [
        line.partition(":")[2].partition("#")[0].strip(" \"'") for line in lines if line.startswith("rule:")
    ]
    return {name for name in begun if name}


def open_runtime(
    workspace: Workspace, settings: Settings, *, scale: int | None = None, clock: Clock | None = None
) -> EmbeddedRuntime:
    """The writer of the workspace.

    scale: how much faster than the wall logical time runs; None: 1, or as a trial workspace needs. clock:
    for tests
    and demos.

    Raises:
        WorkspaceError: SW-WS-021 another process writes it, -022 it cannot be opened, -023 a workspace with
        a past
            in real time shall run on a scaled clock.
    """
    workspace.data.mkdir(parents=True, exist_ok=True)
    limits = settings.limits
    options = Options(cache_rows=limits.cache_rows, closed_items=limits.closed_items)
    chosen = clock or _clock(workspace, scale)
    return EmbeddedRuntime(workspace.data, partitions=settings.partitions, clock=chosen, options=options)


def _clock(workspace: Workspace, scale: int | None) -> Clock:
    scaled, told, at = _standing(workspace)
    if not scaled and (scale is None or scale == 1):
        return SystemClock()
    if not scaled and told:
        raise WorkspaceError(
            "SW-WS-023",
            place=str(workspace.root),
            expected="a new workspace for a run with --time-scale",
            found="a workspace that has told people things in real time",
            next_step="make another one by `stagewatch init`, or run it without --time-scale",
        )
    now = SystemClock().now()
    return ScaledClock(scale or 1, max(now, at) if scaled else now)


def _standing(workspace: Workspace) -> tuple[bool, bool, int]:
    """(has run on a scaled clock, has told anybody anything, newest logical time) of the workspace."""
    if not workspace.database.is_file():
        return False, False, 0
    with WorkspaceReader(workspace) as reader:
        return reader.state().scaled, reader.log.end(NOTIFICATIONS) > 0, reader.state().at


def bring_in(workspace: Workspace, runtime: EmbeddedRuntime, files: Files) -> list[Entry]:
    """Bring settings, people and rules of the files into the log where they differ; what was appended."""
    while not runtime.process().idle:
        pass
    at = runtime.at if runtime.phase != "live" else max(runtime.at, SystemClock().now())
    entries = pending(workspace, files, at)
    if entries:
        runtime.append(entries)
        while not runtime.process().idle:
            pass
    return entries


def end_history(runtime: EmbeddedRuntime) -> bool:
    """Let time go on in a workspace whose import was cut off; whether it was.

    What had come in counts, and tells nobody. The same files can be imported again: what is known changes
    nothing.
    """
    if runtime.phase != "history":
        return False
    runtime.finish_history()
    while not runtime.process().idle:
        pass
    return True


Described = Callable[[Entry], dict[str, Any]]


def describe(entry: Entry) -> dict[str, Any]:
    """A shared change in a few words, for logs and lists."""
    value = entry.value
    if value["what"] == "rule":
        return {"what": "rule", "name": value["rule"], "on": value["on"]}
    if "event" in value:
        event = value["event"]
        return {
            "what": value["what"],
            "name": str(event["data"].get(value["what"], "")),
            "type": event["type"],
        }
    return {"what": str(value["what"])}
