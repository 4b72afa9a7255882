"""Makes a new workspace: settings with every key, the shipped rules and their tests, some people."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from schemas.errors import WorkspaceError
from stagewatch.workspace.paths import Workspace


def init_workspace(root: Path) -> list[Path]:
    """Write a new workspace into `root`; the files written, in order.

    Raises:
        WorkspaceError: SW-WS-002 there is one already, SW-WS-003 it cannot be written.
    """
    workspace = Workspace(root)
    contents = list(_contents(workspace))
    there = [path for path, _ in contents if path.exists()]
    if there:
        raise WorkspaceError(
            "SW-WS-002",
            place=str(root),
            expected="a directory without these files",
            found=", ".join(str(path.relative_to(root)) for path in there[:5]),
            next_step=f"use it as it is: `stagewatch run --workspace {root}`, or choose another directory",
        )
    try:
        for path, content in contents:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise WorkspaceError(
            "SW-WS-003",
            place=str(root),
            found=error.strerror or str(error),
            next_step="choose a directory that you may write",
        ) from error
    return [path for path, _ in contents]


def packs() -> list[Traversable]:
    """The shipped rule files and their tests."""
    found = [entry for entry in files("rules").joinpath("packs").iterdir() if entry.name.endswith(".yaml")]
    return sorted(found, key=lambda entry: entry.name)


def _contents(workspace: Workspace) -> Iterator[tuple[Path, bytes]]:
    templates = files("stagewatch").joinpath("templates")
    yield workspace.settings, templates.joinpath("stagewatch.toml").read_bytes()
    yield workspace.people, templates.joinpath("people.yaml").read_bytes()
    for pack in packs():
        yield workspace.rules / pack.name, pack.read_bytes()
    yield workspace.mappings / "README.md", templates.joinpath("mappings.md").read_bytes()
    yield workspace.root / ".gitignore", templates.joinpath("gitignore").read_bytes()
