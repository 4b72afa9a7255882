"""The command `stagewatch`: all command groups, put together. Exit codes: 0 done, 1 refused or wrong, 2
usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from stagewatch.cli import act, demo, explaining, migrating, running, testing, upkeep
from stagewatch.cli.options import guarded

app = typer.Typer(
    name="stagewatch",
    help="Watch how sales work is really done: events in; alerts, tasks and approvals out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from stagewatch import __version__

        typer.echo(f"stagewatch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Watch how sales work is really done: events in; alerts, tasks and approvals out."""


for module in (running, demo, testing, act, explaining, upkeep, migrating):
    module.register(app)


def main() -> int:
    """Run the command line; the exit code."""

    def run() -> int:
        try:
            app(standalone_mode=True)
        except SystemExit as leaving:
            return leaving.code if isinstance(leaving.code, int) else 1
        return 0

    return guarded(run)
