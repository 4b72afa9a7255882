"""The files of a worker's workspace, looked at now and then. It brings nothing in."""

from __future__ import annotations

import structlog

from stagewatch.service.opening import Files, read_files
from stagewatch.settings import load_settings
from stagewatch.workspace.paths import Workspace

log = structlog.get_logger("stagewatch.worker")


class WatchedFiles:
    """Settings, people and rules; may be called from a thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stamps: list[tuple[str, int, int]] = []

    def changed(self) -> Files | None:
        """What the files say; None when they are as they were when last read."""
        stamps = self._look()
        if stamps == self._stamps:
            return None
        self._stamps = stamps
        settings = load_settings(self._workspace.settings)
        files = read_files(self._workspace, settings)
        for error in files.errors:
            log.error("broken file, the old version stays in force", **error.to_dict())
        return files

    def _look(self) -> list[tuple[str, int, int]]:
        workspace = self._workspace
        paths = [workspace.settings, workspace.people, *sorted(workspace.rules.glob("**/*.yaml"))]
        found = [(path, path.stat()) for path in paths if path.is_file()]
        return [(str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found]
