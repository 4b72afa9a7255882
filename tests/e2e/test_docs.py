"""README and docs tell the truth: their marked examples run, and their links lead somewhere.

A block opened with "```sh test" is run; the blocks of one page run in order in one shell, in an empty folder,
with this environment's `stagewatch` on the PATH. What a block does must end by itself.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
PAGES = sorted([*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md")])
SECONDS = 120
"""For all examples of a page, on a machine that is busy with other things."""

BLOCK = re.compile(r"^```sh test\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def script_of(page: str) -> str:
    """The marked blocks of a page's text, one after another; empty when it has none."""
    return "".join(BLOCK.findall(page))


def links_of(page: str) -> list[str]:
    """The targets of a page's relative links, without their fragments; code blocks are left out."""
    return LINK.findall(FENCED.sub("", page))


def name_of(page: Path) -> str:
    return str(page.relative_to(HOME))


def test_only_marked_blocks_are_run() -> None:
    page = "```sh\nrm -rf it\n```\n```sh test\none\n```\ntext\n```sh test\ntwo\n```\n"
    assert script_of(page) == "one\ntwo\n"


def test_links_are_read_outside_code_only() -> None:
    page = "[a](docs/a.md#part) [b](https://example.org/b)\n```\n[c](c.md)\n```\n[d](#here)"
    assert links_of(page) == ["docs/a.md"]


@pytest.mark.timeout(SECONDS + 10)
@pytest.mark.parametrize("page", [p for p in PAGES if script_of(p.read_text("utf-8"))], ids=name_of)
def test_marked_examples_run(page: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["bash", "-euxo", "pipefail", "-c", script_of(page.read_text("utf-8"))]
    ran = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=environment,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links_of(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []
