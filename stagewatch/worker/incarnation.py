"""Who had this worker's folder before: a worker that has died, so that what it had claimed is free.

A lock on a file in the folder tells the dead from the living. It must not be used across machines.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import IO

FILE = "worker.name"


class Incarnation:
    """This worker in `folder`. name: begins with the one given, and was never anybody's before.

    formers: names of dead workers there of whom nobody has said so; none when another worker lives there now.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{name}-{secrets.token_hex(4)}"
        self.formers: Sequence[str] = ()
        self._ours = False
        self._file: IO[str] = (folder / FILE).open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        self._ours = True
        self._file.seek(0)
        self.formers = self._file.read().split()
        self._write(f"{self.name}\n")

    def told(self) -> None:
        """All know that the formers are dead."""
        if self._ours:
            self._file.truncate(0)
            self._write(f"{self.name}\n")
        self.formers = ()

    def close(self) -> None:
        """Leave the folder."""
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
