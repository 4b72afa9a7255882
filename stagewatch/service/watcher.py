"""Looks each second whether rules, people or settings have changed on disk, and brings the change into the
log.

A broken file is told and the old version stays in force. It must not know what a rule means.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from schemas.errors import StagewatchError
from stagewatch.service.engine import Engine
from stagewatch.service.opening import Files, bring_in, describe, read_again
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.rulefiles import rule_paths

POLL_SECONDS = 1.0

Stamps = dict[Path, tuple[int, int, int]]

log = structlog.get_logger("stagewatch.files")


class Watcher:
    """Knows the files as they were last read. `run` polls; `reload` reads at once."""

    def __init__(self, workspace: Workspace, settings: Settings, engine: Engine) -> None:
        self._workspace = workspace
        self._engine = engine
        self.settings = settings
        self.errors: list[StagewatchError] = []
        self._stamps: Stamps = {}
        self._lock = asyncio.Lock()

    def note(self, files: Files) -> None:
        """The files were just read by somebody else."""
        self._stamps = stamps_of(self._workspace)
        self._tell(files.errors)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                if stamps_of(self._workspace) != self._stamps:
                    await self.reload()
            except StagewatchError as error:
                log.warning("files not brought in", **error.to_dict())

    async def reload(self) -> list[dict[str, object]]:
        """Read all files and bring in what differs; what was changed, in a few words each."""
        async with self._lock:
            self._stamps = stamps_of(self._workspace)
            files = await asyncio.to_thread(self._read)
            self._tell(files.errors)
            entries = await self._engine.call(lambda runtime: bring_in(self._workspace, runtime, files))
            changed: list[dict[str, object]] = [describe(entry) for entry in entries]
            for change in changed:
                log.info("brought in", **change)
            return changed

    def _read(self) -> Files:
        files = read_again(self._workspace, self.settings)
        self.settings = files.settings
        return files

    def _tell(self, errors: list[StagewatchError]) -> None:
        known = {str(error) for error in self.errors}
        for error in errors:
            if str(error) not in known:
                log.error("broken file, the old version stays in force", **error.to_dict())
        self.errors = errors


def stamps_of(workspace: Workspace) -> Stamps:
    """What tells that a file of people has changed: settings, people, rules."""
    paths = [workspace.settings, workspace.people]
    if workspace.rules.is_dir():
        paths += rule_paths([workspace.rules])
    stamps: Stamps = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        stamps[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return stamps
