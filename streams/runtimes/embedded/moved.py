"""Workspaces that were moved elsewhere, or into which a move has not ended: nobody runs them by accident.

A move writes its database beside the folder's own, and puts it in place with its last step. It does not move
anything.
"""

from __future__ import annotations

from pathlib import Path

from schemas.errors import StreamError
from streams.runtimes.embedded.intake import State
from streams.stores.sqlite_db import FILE_NAME

MOVING = "moving"
"""Folder beside the database: what a move writes until it has ended."""


def unfinished(directory: Path) -> bool:
    """Whether a move into the directory was broken off, or is going on."""
    return (directory / MOVING / FILE_NAME).exists()


def refuse_unfinished(directory: Path) -> None:
    """Raise SW-STREAM-071 where a move has not ended."""
    if unfinished(directory):
        raise StreamError(
            "SW-STREAM-071",
            place=str(directory),
            expected="a workspace that is whole",
            found=f"{MOVING}/{FILE_NAME}, which a move has begun to write",
            next_step="run the same `stagewatch migrate` again: it starts cleanly; or remove that folder",
        )


def refuse_moved(state: State, directory: Path) -> None:
    """Raise SW-STREAM-070 when the workspace was moved elsewhere."""
    if state.moved is not None:
        raise StreamError(
            "SW-STREAM-070",
            place=str(directory),
            expected="a workspace that is still in use here",
            found=f"moved to {state.moved}",
            next_step="run it there; to go on here all the same: `stagewatch migrate --take-back`",
        )
