"""Secrets kept in the workspace: the token of the command line, the secret of signed links. Never printed."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.links import Signer
from stagewatch.settings import Settings
from stagewatch.workspace.paths import Workspace


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running server is: its process and its URL."""

    pid: int
    url: str


def keep(path: Path, content: str) -> None:
    """Write a file that only this user may read, all of it or nothing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)


def kept(path: Path) -> str:
    """The secret in the file, made at the first call."""
    try:
        found = path.read_text(encoding="utf-8").strip()
    except OSError:
        found = ""
    if not found:
        found = secrets.token_urlsafe(48)
        keep(path, found)
    return found


def signer(workspace: Workspace, settings: Settings, environment: Mapping[str, str]) -> Signer:
    """The signer of links: the environment's secret, else the one kept in the workspace.

    Raises:
        SettingsError: SW-SET-130, the environment's secret is too short.
    """
    name = settings.http.secret_env
    given = environment.get(name)
    return Signer(given or kept(workspace.secret), environment.get(f"{name}_PREVIOUS"))


def write_address(workspace: Workspace, address: Address) -> None:
    """Say where the server is."""
    keep(workspace.server, json.dumps({"pid": address.pid, "url": address.url}))


def read_address(workspace: Workspace) -> Address | None:
    """Where the server is, if it has said so."""
    try:
        found = json.loads(workspace.server.read_text(encoding="utf-8"))
        return Address(int(found["pid"]), str(found["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
