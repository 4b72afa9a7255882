"""The files of a worker's workspace, looked at now and then. It brings nothing in."""

from __future__ import annotations

import structlog

from schemas.errors import StagewatchError
from stagewatch.service.opening import Files, read_files
from stagewatch.service.watcher import Stamps, stamps_of
from stagewatch.settings import Settings, load_settings
from stagewatch.settings.load import InvalidSettingsError
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
        broken: list[StagewatchError] = []
        try:
            self._settings = load_settings(self._workspace.settings)
        except InvalidSettingsError as errors:
            broken += errors.errors
        files = read_files(self._workspace, self._settings)
        for error in [*broken, *files.errors]:
            log.error("broken file, the old version stays in force", **error.to_dict())
        self._stamps = stamps
        return files

    def again(self) -> None:
        """What was read did not get in: read it once more."""
        self._stamps = None
