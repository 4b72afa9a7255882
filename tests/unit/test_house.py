"""The house stands as the architecture page draws it: folders, import roots, docstrings, make targets, locks.

It must not test what the code does.
"""

import ast
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pytest_socket import SocketBlockedError

HOME = Path(__file__).parents[2]
IMPORT_ROOTS = ("schemas", "rules", "streams", "connectors", "console", "stagewatch")
FOLDERS = (
    *IMPORT_ROOTS,
    *("rules/packs", "rules/triggers", "streams/kernel", "streams/machines", "streams/runtimes"),
    *("streams/stores", "streams/views", "connectors/sources", "connectors/channels"),
    *("deploy", "tests", "bench", "docs", "docs/decisions", "docs/how-to"),
)
SOURCE_FOLDERS = (*IMPORT_ROOTS, "deploy", "bench", "tests")
FILES = sorted(path for folder in SOURCE_FOLDERS for path in (HOME / folder).rglob("*.py"))
PAGES = sorted([*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md"), HOME / ".ci" / "run"])
TARGETS = {"setup", "demo", "run", "test", "check", "bench", "docs"}


def project() -> dict[str, object]:
    """The `[project]` table of pyproject.toml."""
    with (HOME / "pyproject.toml").open("rb") as file:
        table = tomllib.load(file)["project"]
    assert isinstance(table, dict)
    return table


def requirements() -> list[tuple[Requirement, str]]:
    """What the project says it needs, to run and to be developed, each with the lock file it must be in."""
    table = project()
    needed, extras = table["dependencies"], table["optional-dependencies"]
    assert isinstance(needed, list)
    assert isinstance(extras, dict)
    runtime = [(Requirement(line), "requirements.txt") for line in needed]
    return runtime + [(Requirement(line), "requirements-dev.txt") for line in extras["dev"]]


def locked(name: str) -> dict[str, Version]:
    """The versions in the lock file `name`, by canonical package name."""
    lines = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^ \\]+)", (HOME / name).read_text())
    return {canonicalize_name(package): Version(version) for package, version in lines}


def targets(makefile: str) -> dict[str, str]:
    """The targets declared phony in the text of a Makefile, each with its help (empty when it has none)."""
    phony = re.search(r"(?m)^\.PHONY: (.*)$", makefile)
    assert phony
    helps = dict(re.findall(r"(?m)^([a-z-]+):[^#\n]*## (.+)$", makefile))
    return {name: helps.get(name, "") for name in phony[1].split()}


def test_import_roots_are_ours_wherever_python_is_started(tmp_path: Path) -> None:
    code = (
        f"import {', '.join(IMPORT_ROOTS)}; print({', '.join(f'{root}.__file__' for root in IMPORT_ROOTS)})"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == [str(HOME / root / "__init__.py") for root in IMPORT_ROOTS]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_is_there(folder: str) -> None:
    assert (HOME / folder).is_dir()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_bytes()))


def test_every_package_folder_can_be_imported_and_shipped() -> None:
    code_folders = {path.parent for root in IMPORT_ROOTS for path in (HOME / root).rglob("*.py")}
    assert [folder for folder in sorted(code_folders) if not (folder / "__init__.py").exists()] == []


def test_every_make_target_has_help() -> None:
    found = targets((HOME / "Makefile").read_text())
    assert found.keys() >= TARGETS
    assert [name for name, text in found.items() if not text] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(HOME)))
def test_text_names_only_make_targets_that_exist(path: Path) -> None:
    named = set(re.findall(r"(?:`make|^ *make|^section) ([a-z-]+)\b", path.read_text(), re.MULTILINE))
    assert named <= targets((HOME / "Makefile").read_text()).keys()


def test_no_socket_can_be_opened_in_this_folder() -> None:
    with pytest.warns(UserWarning, match="socket"), pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))


@pytest.mark.parametrize(("requirement", "lock"), requirements(), ids=str)
def test_requirement_is_locked(requirement: Requirement, lock: str) -> None:
    version = locked(lock).get(canonicalize_name(requirement.name))
    assert version is not None, "run `make lock`"
    assert requirement.specifier.contains(version), "run `make lock`"


def test_lock_files_agree() -> None:
    runtime, everything = locked("requirements.txt"), locked("requirements-dev.txt")
    assert runtime
    assert runtime.items() <= everything.items()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-build.txt"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    text = (HOME / name).read_text()
    pins = re.findall(r"(?m)^[A-Za-z0-9._-]+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text)
    assert len(pins) == len(locked(name)) > 0
    assert "://" not in text
