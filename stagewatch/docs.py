"""Writes docs/reference/cli.md from the commands: `python -m stagewatch.docs`. The words are theirs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer.core
import typer.main

from stagewatch.cli.main import app

HEAD = """# The command line

Written by `python -m stagewatch.docs`; a test keeps it equal to the commands.

Commands that answer take `--json`; all take `--help`. The workspace is the current directory unless
`--workspace` or the variable `STAGEWATCH_WORKSPACE` names another; `--by` may come from
`STAGEWATCH_PERSON`. While a server runs the workspace, commands that change something go to it by HTTP with
the token kept in the workspace; otherwise they open the workspace themselves.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused, or something was wrong: a coded error on stderr, a rejected row, a broken rule, a failed test |
| 2 | the command line itself was wrong |
"""


def reference() -> str:
    """The page."""
    group = typer.main.get_command(app)
    return HEAD + "".join(_section(group, "stagewatch"))


def _section(command: object, name: str) -> Iterator[str]:
    if isinstance(command, typer.core.TyperGroup):
        for child in sorted(command.commands):
            yield from _section(command.commands[child], f"{name} {child}")
        return
    if isinstance(command, typer.core.TyperCommand):
        yield from _command(command, name)


def _command(command: typer.core.TyperCommand, name: str) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join([name, *(p.metavar or str(p.name).upper() for p in arguments)])
    yield f"\n## {name}\n\n    {usage}\n\n{(command.help or '').strip()}\n\n"
    for param in [*arguments, *options]:
        yield f"* {_name(param)}: {getattr(param, 'help', None) or ''}\n"
    lines = (command.epilog or "").splitlines()
    examples = [line.strip().strip("`") for line in lines if line.startswith("`")]
    if examples:
        yield "\nExamples:\n\n" + "".join(f"    {line}\n" for line in examples)


def _name(param: typer.core.TyperArgument | typer.core.TyperOption | object) -> str:
    if isinstance(param, typer.core.TyperOption):
        metavar = "" if param.is_flag else f" {param.metavar or 'VALUE'}"
        return f"`{', '.join(param.opts)}{metavar}`"
    return f"`{getattr(param, 'metavar', None) or str(getattr(param, 'name', '')).upper()}`"


def main() -> int:
    """Write the page into the checkout this file is in."""
    path = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
