"""Looks at the machine for the set-up. It changes nothing and decides nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from deploy.setup.plan import COMPILED, SERVERS, Facts


def look() -> Facts:
    """The facts of this machine and of the Python that runs this."""
    importlib.invalidate_caches()
    compiler = find_compiler()
    return Facts(
        version=f"{sys.version_info.major}.{sys.version_info.minor}",
        debian_python=os.path.realpath(sys.base_prefix) == "/usr",
        ensurepip=importlib.util.find_spec("ensurepip") is not None,
        pip=importlib.util.find_spec("pip") is not None,
        compiler=compiler is not None and finds_header(compiler, "stdio.h"),
        headers=Path(sysconfig.get_path("include"), "Python.h").exists(),
        root=os.geteuid() == 0,
        apt=shutil.which("apt-get") is not None,
        absent=absent_servers(),
        services=Path("/run/systemd/system").exists(),
    )


def absent_servers() -> tuple[str, ...]:
    """The commands of SERVERS that are not there."""
    return tuple(command for command in SERVERS if shutil.which(command) is None)


def find_compiler() -> str | None:
    """The C compiler that extension modules of this Python are built with, or None."""
    commands = (os.environ.get("CC", ""), sysconfig.get_config_var("CC") or "")
    names = [command.split()[0] for command in commands if command]
    return next((name for name in names if shutil.which(name)), None)


def finds_header(compiler: str, header: str) -> bool:
    """Whether `compiler` runs and finds `header`; without the C library's headers it builds nothing."""
    return answers([compiler, "-E", "-x", "c", "-"], f"#include <{header}>\n")


def has_venv(venv: Path) -> bool:
    """Whether `venv` is there and its pip answers; one that was interrupted or moved does not."""
    python = venv / "bin" / "python"
    return python.exists() and answers([str(python), "-m", "pip", "--version"])


def has_compiled(venv: Path) -> bool:
    """Whether COMPILED is in `venv` already, so that nothing needs a compiler."""
    return any(venv.glob(f"lib/python*/site-packages/{COMPILED.replace('-', '_')}-*.dist-info"))


def answers(command: list[str], text: str = "") -> bool:
    """Whether `command`, given `text`, ends with exit code 0."""
    return subprocess.run(command, check=False, input=text.encode(), capture_output=True).returncode == 0
