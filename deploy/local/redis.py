"""One Redis with an append-only file, on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.local.process import HOST, ServerProcess, program


class Redis(ServerProcess):
    """A Redis with its data in `folder`."""

    def command(self) -> Sequence[str]:
        """The server.

        Raises:
            NotStartedError: it is not installed.
        """
        where = ["--bind", HOST, "--port", str(self.port), "--dir", str(self.folder)]
        return [
            program("redis-server"),
            *where,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
        ]

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"redis://{self.address}/0"
