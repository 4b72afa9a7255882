"""One writer per workspace: an advisory lock on a file that names its owner. Readers do not lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from schemas.errors import WorkspaceError

FILE_NAME = "stagewatch.lock"


class WorkspaceLock:
    """Held from construction to `release`, or to the end of the process however it ends.

    Raises:
        WorkspaceError: SW-WS-021 when another process (or another lock of this one) holds it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._fd: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise WorkspaceError(
                "SW-WS-021",
                place=str(directory),
                expected="no other Stagewatch writes here",
                found=f"process {owner or 'unknown'} does",
                next_step=f"stop process {owner or 'that process'} or send your request to it",
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode("ascii"), 0)

    @property
    def released(self) -> bool:
        """Whether it was let go."""
        return self._fd is None

    def release(self) -> None:
        """Let others write; harmless when called twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
