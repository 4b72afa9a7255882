"""Who had this worker's folder before: a worker that has died, so that what it had claimed is free.

A lock on a file in the folder tells the dead from the living. It must not be used across machines.
"""

from __future__ import annotations

import fcntl
import secrets
from pathlib import Path
from typing import IO

FILE = "worker.name"


class Incarnation:
    """This worker in `folder`. name: begins with the one given, and was never anybody's before.

    former: the name of the dead worker there; None: there is none, or another worker lives there now.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{name}-{secrets.token_hex(4)}"
        self.former: str | None = None
        self._file: IO[str] = (folder / FILE).open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        self._file.seek(0)
        self.former = self._file.read() or None
        self._file.truncate(0)
        self._file.write(self.name)
        self._file.flush()

    def close(self) -> None:
        """Leave the folder."""
        self._file.close()
