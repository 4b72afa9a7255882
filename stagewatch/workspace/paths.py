"""Where the files of a workspace are. Reads nothing but whether they are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import WorkspaceError
from stagewatch.settings.load import FILE_NAME


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory with settings, rules, people and mappings of people, and `data` and `.stagewatch` of
    ours.
    """

    root: Path

    @classmethod
    def find(cls, root: Path) -> Workspace:
        """The workspace in that directory.

        Raises:
            WorkspaceError: SW-WS-001, it has no settings.
        """
        workspace = cls(root)
        if not workspace.settings.is_file():
            raise WorkspaceError(
                "SW-WS-001",
                place=str(root),
                expected=f"a directory with {FILE_NAME}",
                found="no such file" if root.is_dir() else "a file" if root.exists() else "no such directory",
                next_step=f"make it by `stagewatch init {root}`, or name another by --workspace",
            )
        return workspace

    @property
    def settings(self) -> Path:
        """The settings."""
        return self.root / FILE_NAME

    @property
    def rules(self) -> Path:
        """The folder of rule files."""
        return self.root / "rules"

    @property
    def people(self) -> Path:
        """Who is told, who approves."""
        return self.root / "people.yaml"

    @property
    def mappings(self) -> Path:
        """The folder of mapping documents."""
        return self.root / "mappings"

    @property
    def data(self) -> Path:
        """The folder of the database."""
        return self.root / "data"

    @property
    def private(self) -> Path:
        """The folder of what only this machine's user may read."""
        return self.root / ".stagewatch"

    @property
    def token(self) -> Path:
        """The token by which the command line speaks to the running server."""
        return self.private / "token"

    @property
    def secret(self) -> Path:
        """The secret of signed links, unless the environment has one."""
        return self.private / "secret"

    @property
    def server(self) -> Path:
        """Where the running server listens."""
        return self.private / "server.json"

    @property
    def database(self) -> Path:
        """The database, which is not there before the first run."""
        return self.data / "stagewatch.db"
