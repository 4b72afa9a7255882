"""Options that many commands share, and how a command runs: errors to stderr, exit codes, language."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
MOST: Final = 1 << 62
"""Larger numbers no database takes."""

Language = Literal["zh", "en"]

WorkspaceDir = Annotated[
    Path,
    typer.Option("--workspace", "-w", metavar="DIR", envvar="STAGEWATCH_WORKSPACE", help="The workspace."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Lang = Annotated[
    str | None,
    typer.Option("--lang", metavar="zh|en", help="Language of tables; default by LANG.", show_default=False),
]
By = Annotated[
    str,
    typer.Option("--by", metavar="PERSON", envvar="STAGEWATCH_PERSON", help="Who does it: a person's id."),
]
Text = Annotated[str, typer.Option("--text", help="A comment that is kept with it.")]
Limit = Annotated[int, typer.Option("--limit", min=0, max=MOST, help="At most so many rows; 0 for all.")]


def language(wanted: str | None, environment: Mapping[str, str] = os.environ) -> Language:
    """The language of tables: as asked, else by LC_ALL, LC_MESSAGES, LANG.

    >>> language(None, {"LANG": "zh_CN.UTF-8"}), language("en", {"LANG": "zh_CN"})
    ('zh', 'en')
    """
    if wanted is not None and wanted not in ("zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    said = wanted or next((environment[name] for name in names if environment.get(name)), "")
    return "zh" if said.lower().startswith("zh") else "en"


def end(code: int) -> None:
    """Leave with an exit code; 0 just returns."""
    if code:
        raise typer.Exit(code)


def epilog(*examples: str) -> str:
    """The examples at the end of a command's help."""
    return "\n\n".join(["**Examples**", *(f"`{example}`" for example in examples)])


def guarded(action: Callable[[], int | None]) -> int:
    """Run; coded errors go to stderr as text, and the exit code says so; what the disk refuses is coded."""
    try:
        return action() or OK
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except Exception as error:
        from stagewatch.commands.failures import CODED, of_file, tell

        if isinstance(error, OSError) and error.filename is not None:
            error = of_file(error)
        if not isinstance(error, CODED):
            raise error
        tell(error)
        return REFUSED
