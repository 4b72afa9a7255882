"""The files of a worker's workspace, and what of them is not in force. It must not send anything.

What was sent is in force only when the partition has come to it. Until then nothing else is sent, so a file
that is changed and changed back ends as it reads; and it is compared again now and then, since an earlier
worker may have sent something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from stagewatch.service.opening import Files, read_again
from stagewatch.service.watcher import Stamps, stamps_of
from stagewatch.settings import Settings
from stagewatch.workspace.inforce import Shared, Wanted, changes
from stagewatch.workspace.paths import Workspace
from streams.runtimes.pipeline import Entry

AGAIN_SECONDS: Final = 30.0
"""What is in force is compared so often with files that did not change."""

PATIENCE_SECONDS: Final = 60.0
"""So long what was sent may take to be in force before others are sent."""

TRIES: Final = 3
"""What was sent so often and is never in force is taken to be refused."""

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


class Comparison:
    """Says what has to be sent, for as long as the first partition is ours. now: seconds of one clock."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._sent: Wanted | None = None
        self._patience = self._again = 0.0
        self._tries = 0
        self._in_vain: list[Entry] = []

    def read(self, files: Files) -> None:
        """The files say something else now."""
        self._files, self._again, self._tries = files, 0.0, 0

    def due(self, now: float) -> bool:
        """Whether it is time to compare."""
        return self._sent is not None or now >= self._again

    def missing(self, shared: Shared, at: int, now: float) -> Sequence[Entry]:
        """What has to be sent, as of `at` us. shared: what is in force."""
        self._again = now + AGAIN_SECONDS
        if self._sent is not None:
            under_way = changes(self._sent, shared, 0)
            if under_way and now < self._patience:
                return ()
            self._sent, self._in_vain = None, under_way
            self._tries = self._tries + 1 if under_way else 0
        wanted = self._files.wanted
        refused = self._tries >= TRIES and changes(wanted, shared, 0) == self._in_vain
        return () if refused else changes(wanted, shared, at)

    def sent(self, now: float) -> None:
        """What was missing is in the log, or soon will be."""
        self._sent, self._patience = self._files.wanted, now + PATIENCE_SECONDS
