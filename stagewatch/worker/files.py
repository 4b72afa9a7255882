"""The files of a worker's workspace, looked at now and then. It brings nothing in."""

from __future__ import annotations

import structlog

from stagewatch.service.opening import Files, read_again
from stagewatch.service.watcher import Stamps, stamps_of
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace

log = structlog.get_logger("stagewatch.worker")


class WatchedFiles:
    """Settings, people and rules; may be called from a thread."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace = workspace
        self._settings = settings
        self._stamps: Stamps | None = None

    def changed(self) -> Files | None:
        """What the files say; None when they are as they were when last read."""
        stamps = stamps_of(self._workspace)
        if stamps == self._stamps:
            return None
        files = read_again(self._workspace, self._settings)
        self._settings = files.settings
        for error in files.errors:
            log.error("broken file, the old version stays in force", **error.to_dict())
        self._stamps = stamps
        return files

    def again(self) -> None:
        """What was read did not get in: read it once more."""
        self._stamps = None
