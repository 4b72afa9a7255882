"""Makes a new workspace: settings with every key, the shipped rules and their tests, some people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from schemas.errors import WorkspaceError
from stagewatch.settings import parse_settings
from stagewatch.workspace.paths import Workspace


@dataclass(frozen=True, slots=True)
class Servers:
    """Of a cluster: brokers as host:port, Redis as a URL."""

    kafka: Sequence[str]
    redis: str


def init_workspace(root: Path, servers: Servers | None = None) -> list[Path]:
    """Write a new workspace into `root`, of a cluster if its servers are given; the files written, in order.

    Raises:
        WorkspaceError: SW-WS-002 there is one already, SW-WS-003 it cannot be written.
        InvalidSettingsError: an address is none.
    """
    workspace = Workspace(root)
    contents = list(_contents(workspace, servers))
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


def with_cluster(settings: str, servers: Servers) -> str:
    """The template of settings with its tables of a cluster in force."""
    given = {
        "replication": str(min(3, len(servers.kafka))),
        "brokers": json.dumps(list(servers.kafka)),
        "url": json.dumps(servers.redis),
    }
    before, head, rest = settings.partition("# [cluster]\n")
    table, blank, after = rest.partition("\n\n")
    lines = []
    for line in (head + table).splitlines():
        name, equals, value = line.removeprefix("# ").partition(" = ")
        if not equals:
            lines.append(name)
        elif name in given:
            lines.append(
                f"{name} = {given[name]}   {value[value.find('#') :] if '#' in value else ''}".rstrip()
            )
        else:
            lines.append(line)
    return before + "\n".join(lines) + blank + after


def packs() -> list[Traversable]:
    """The shipped rule files and their tests."""
    found = [entry for entry in files("rules").joinpath("packs").iterdir() if entry.name.endswith(".yaml")]
    return sorted(found, key=lambda entry: entry.name)


def _contents(workspace: Workspace, servers: Servers | None) -> Iterator[tuple[Path, bytes]]:
    templates = files("stagewatch").joinpath("templates")
    settings = templates.joinpath("stagewatch.toml").read_text(encoding="utf-8")
    if servers is not None:
        settings = with_cluster(settings, servers)
        parse_settings(settings, str(workspace.settings))
    yield workspace.settings, settings.encode()
    yield workspace.people, templates.joinpath("people.yaml").read_bytes()
    for pack in packs():
        yield workspace.rules / pack.name, pack.read_bytes()
    yield workspace.mappings / "README.md", templates.joinpath("mappings.md").read_bytes()
    yield workspace.root / ".gitignore", templates.joinpath("gitignore").read_bytes()
