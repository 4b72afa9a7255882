"""Reads a compose file by the official parser; `python -m deploy.docker.compose` prints what it makes of it.

The parser is a Go program; it is built once to build/compose and needs Go and its module proxy then. Nothing
is started here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
FILE = HOME / "docker-compose.yml"
PARSER = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
FOLDER = HOME / "build" / "compose"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class ComposeError(Exception):
    """The file cannot be read; the text is the parser's, or says what is missing."""


def parser() -> Path:
    """The parser, built when it is not there yet.

    Raises:
        ComposeError: there is no Go, or it could not build it.
    """
    program = FOLDER / PARSER.rpartition("@")[2] / "cmd"
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise ComposeError("the parser is built by Go: install it, 1.24 or newer")
    done = subprocess.run(
        ["go", "install", PARSER],
        env={**os.environ, "GOBIN": str(program.parent), "GOFLAGS": "-trimpath"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ComposeError(f"the parser was not built:\n{done.stderr}")
    return program


def filled(text: str, environment: Mapping[str, str]) -> str:
    """The text with its variables put in, as compose does: `${A}`, `${A:-default}`, `${A:?why it is needed}`.

    Raises:
        ComposeError: a variable that is needed is not there.

    >>> filled("a: ${A:-1} ${B}", {"B": "2"})
    'a: 1 2'
    """

    def value(match: re.Match[str]) -> str:
        name, operator, word = match.groups()
        found = environment.get(name, "")
        if found or operator != "?":
            return found or (word if operator == "-" else "") or ""
        raise ComposeError(f"{name} is needed: {word}")

    return _VARIABLE.sub(value, text)


def normalized(text: str) -> str:
    """What the parser makes of a file without variables, as YAML; relative paths stand below another folder.

    Raises:
        ComposeError: the file is not valid.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "docker-compose.yml")
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [str(parser()), path.name], cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise ComposeError(done.stderr.strip())
    return done.stdout


def main() -> int:
    """Exit code 0 when the file is valid."""
    try:
        print(normalized(filled(FILE.read_text(encoding="utf-8"), os.environ)))
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
