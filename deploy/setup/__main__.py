"""Sets up `.venv`: Debian packages, virtual environment, locked packages, the project itself (`make setup`).

Runs with any Python's standard library and must not import the project. It installs nothing whose hash is not
in a lock file, and never calls `sudo`: what it may not do itself, it prints.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from deploy.setup.plan import COMPILED, Plan, command_for, make_plan, without
from deploy.setup.probe import has_compiled, has_venv, look

HOME = Path(__file__).resolve().parents[2]
VENV = HOME / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / ".ready"
LOG = HOME / "build" / "setup.log"

OLDEST = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13")

BUILD_TOOLS = ["install", "--require-hashes", "--only-binary", ":all:", "-r", "requirements-build.txt"]

LEFT_OUT = (
    f"{COMPILED} (it is compiled here): the native evaluator matches conditions instead, "
    f"and the tests of {COMPILED} itself are not run."
)


NO_SERVERS = "the local cluster and the tests on real servers, which nothing else needs."


class SetupError(Exception):
    """The set-up cannot go on; the text says why and what to do next."""


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Runs `command` with its output in LOG. Raises SetupError with the last lines when it fails."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        with subprocess.Popen(
            command,
            cwd=HOME,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            lines = list(follow(process, log))
    if process.returncode != 0:
        tail = "\n    ".join(lines[-15:])
        raise SetupError(f"This failed:\n    {' '.join(command)}\n    {tail}\nAll of its output is in {LOG}.")


def follow(process: subprocess.Popen[str], log: TextIO) -> Iterator[str]:
    """Yields the lines that `process` prints, written to `log`; a terminal shows the latest."""
    for line in process.stdout or ():
        log.write(line)
        if sys.stdout.isatty():
            print(f"\r\033[K        {line.strip()[:70]}", end="", flush=True)
        yield line.rstrip()
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)


def install_debian(packages: tuple[str, ...]) -> None:
    """Installs `packages` by apt-get. Raises SetupError."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], quiet)
    run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], quiet)


def install_servers(plan: Plan) -> tuple[str, ...]:
    """Installs what only some tests and a local cluster need; returns the packages that are left out."""
    if not plan.servers:
        return plan.extras
    print(f"        {' '.join(plan.servers)}", flush=True)
    try:
        install_debian(plan.servers)
    except SetupError as error:
        print(error, file=sys.stderr)
        return plan.servers
    return ()


def create_venv() -> None:
    """Makes `.venv` with a pip in it, by ensurepip or by this Python's own pip."""
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if importlib.util.find_spec("ensurepip") is not None:
        run(make)
    else:
        run([*make, "--without-pip"])
        run([sys.executable, "-m", "pip", "--python", PYTHON, *BUILD_TOOLS])


def install_locked(*, compiled: bool) -> None:
    """Installs all of `requirements-dev.txt`, but COMPILED only when it can be `compiled`."""
    lock = HOME / "requirements-dev.txt"
    if not compiled:
        text = without(lock.read_text(encoding="utf-8"), COMPILED)
        lock = VENV / "requirements-left.txt"
        lock.write_text(text, encoding="utf-8")
    # Python 3.13 dropped the old name of a call that the source of durable-rules 2.0.28 still uses.
    flags = f"{os.environ.get('CPPFLAGS', '')} -DPyEval_CallObject=PyObject_CallObject".strip()
    locked = ["install", "--require-hashes", "--no-deps", "--no-build-isolation", "-r", str(lock)]
    wheels = ["--only-binary", ":all:", "--no-binary", COMPILED]
    run([PYTHON, "-m", "pip", *locked, *wheels], {"CPPFLAGS": flags})


def install_project() -> None:
    """Installs the project itself, editable; its dependencies are there already."""
    run([PYTHON, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e", str(HOME)])


def use_newer_python() -> None:
    """Goes on with a newer Python of this machine when this one is too old. Raises SetupError."""
    if sys.version_info >= OLDEST:
        return
    newer = next((found for found in map(shutil.which, NEWER) if found), None)
    if newer is not None:
        os.execv(newer, [newer, "-m", "deploy.setup"])
    raise SetupError(
        f"This Python is {sys.version.split()[0]}, Stagewatch needs 3.11 or newer.\n"
        "If there is one elsewhere: make PYTHON=/path/to/python3 setup"
    )


def install_missing() -> Plan:
    """Installs the Debian packages that are missing, if it may. Returns the plan for what follows."""
    plan = make_plan(look())
    extras = install_servers(plan)
    if has_venv(VENV) and has_compiled(VENV):
        return Plan((), (), venv=True, compiled=True, extras=extras)
    if not plan.install:
        return replace(plan, extras=extras)
    print(f"        {' '.join(plan.install)}", flush=True)
    try:
        install_debian(plan.install)
    except SetupError as error:
        print(error, file=sys.stderr)
    after = make_plan(look())
    return Plan((), after.install, venv=after.venv, compiled=after.compiled, extras=extras)


def advice(plan: Plan) -> str:
    """The command that brings what is missing, or what to look for when no package would."""
    if not plan.advise:
        return "This Python or its C compiler lacks its header files.\n"
    return f"To have it, run this and then the same `make` again:\n\n    {as_told(plan.advise)}\n"


def as_told(packages: tuple[str, ...]) -> str:
    """The command that a person of this machine runs to install `packages`."""
    return command_for(packages, sudo=shutil.which("sudo") is not None)


def set_up() -> None:
    """Does the steps in order, each quick when nothing is left to do. Raises SetupError."""
    use_newer_python()
    begun = time.monotonic()
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("", encoding="utf-8")
    STAMP.unlink(missing_ok=True)
    print(f"Setting up Stagewatch in .venv with Python {sys.version.split()[0]}", flush=True)
    print("  [1/4] Debian packages", flush=True)
    plan = install_missing()
    print("  [2/4] virtual environment", flush=True)
    if not has_venv(VENV):
        if not plan.venv:
            raise SetupError(f"Left out: everything, as there is no pip to install it with.\n{advice(plan)}")
        create_venv()
    run([PYTHON, "-m", "pip", *BUILD_TOOLS])
    print("  [3/4] locked packages", flush=True)
    install_locked(compiled=plan.compiled)
    print("  [4/4] stagewatch itself", flush=True)
    install_project()
    print(f"Ready in {time.monotonic() - begun:.0f} s.", flush=True)
    if plan.extras:
        print(f"\nLeft out: {NO_SERVERS} To have them:\n\n    {as_told(plan.extras)}\n", flush=True)
    if plan.compiled:
        STAMP.touch()
    else:
        print(f"\nLeft out: {LEFT_OUT}\n{advice(plan)}", flush=True)


def main() -> int:
    """Returns the exit code: 0 when the project can be run, be it with something left out, else 1."""
    try:
        set_up()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
