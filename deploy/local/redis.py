"""One Redis with an append-only file, on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from deploy.local.process import HOST, NotStartedError, ServerProcess


class Redis(ServerProcess):
    """A Redis with its data in `folder`."""

    def command(self) -> Sequence[str]:
        """The server.

        Raises:
            NotStartedError: it is not installed.
        """
        program = shutil.which("redis-server")
        if program is None:
            raise NotStartedError("install the package redis-server")
        where = ["--bind", HOST, "--port", str(self.port), "--dir", str(self.folder)]
        return [program, *where, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"redis://{self.address}/0"
