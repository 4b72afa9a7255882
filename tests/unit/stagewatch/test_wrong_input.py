"""Whatever is typed or lies on the disk, the command line answers with a coded error and its place."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stagewatch.cli.main import main

Call = Callable[..., tuple[int, str]]

RULE = "rule: x\ntitle: t\nwatch: lead\nwhen: {event: lead.created}\n"
EVENT = (
    '{"specversion": "1.0", "id": "1", "source": "s", "type": "contract.drafted",'
    ' "time": "2026-01-01T00:00:00Z",'
    ' "data": {"contract": "C1", "account": "A", "owner": "li.lei", "amount": 900000, "currency": "CNY"}}\n'
)
BINARY = bytes(range(256)) * 20


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `stagewatch` in this process and the test's folder: (exit code, all it said)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C.UTF-8")

    def run(*args: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["stagewatch", *args])
        code = main()
        out, err = capsys.readouterr()
        return code, out + err

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an event and a workspace that has one alert of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "good.jsonl").write_text(EVENT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for args in (["init", "ws"], ["import", "-w", "ws", "good.jsonl"]):
            patch.setattr(sys, "argv", ["stagewatch", *args])
            assert main() == 0
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> str:
    """A copy of it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return "ws"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files with all that should not be in them."""
    folder = tmp_path / "目录 空格"
    folder.mkdir()
    (tmp_path / "folder.yaml").mkdir()
    for name in ("empty.yaml", "empty.jsonl", "empty.xlsx", "empty.csv"):
        (tmp_path / name).write_bytes(b"")
    for name in ("binary.yaml", "binary.jsonl", "binary.csv", "binary.xlsx", "binary.test.yaml"):
        (tmp_path / name).write_bytes(BINARY)
    (tmp_path / "deep.yaml").write_text("[" * 5000, encoding="utf-8")
    (tmp_path / "list.yaml").write_text("- 1\n", encoding="utf-8")
    (tmp_path / "bad.test.yaml").write_text("rules: x.yaml\nstart: 2026-01-01 09:00\n", encoding="utf-8")
    (folder / "规则.yaml").write_text(RULE, encoding="utf-8")
    (folder / "数据.jsonl").write_text(EVENT, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing.yaml", "SW-RULE-005"), ("folder.yaml", "SW-RULE-009"), ("empty.yaml", "SW-RULE-009"),
        ("binary.yaml", "SW-RULE-003"), ("deep.yaml", "SW-RULE-007"), ("list.yaml", "SW-RULE-009"),
    ],
)  # fmt: skip
def test_rules_that_are_none(call: Call, files: Path, path: str, code: str) -> None:
    found, said = call("rules", "check", path)
    assert found == 1
    assert code in said
    assert path in said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.test.yaml", "No such file"), ("binary.test.yaml", "SW-RULE-070"),
        ("bad.test.yaml", "`tests` is missing"), ("folder.yaml", "No tests were found"),
        ("list.yaml", "list.test.yaml"),
    ],
)  # fmt: skip
def test_tests_that_are_none(call: Call, files: Path, path: str, words: str) -> None:
    code, said = call("rules", "test", path)
    assert code == 1
    assert "SW-RULE-070" in said
    assert words in said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.yaml", "No such file or directory"),
        ("folder.yaml", "Is a directory"),
        ("binary.yaml", "text in UTF-8"),
        ("list.yaml", "keys and values"),
        ("deep.yaml", "hundreds of levels"),
    ],
)  # fmt: skip
def test_mappings_that_are_none(call: Call, workspace: str, files: Path, path: str, words: str) -> None:
    code, said = call("import", "-w", workspace, "-m", path, "empty.csv")
    assert code == 1
    assert "SW-MAP-00" in said
    assert path in said
    assert words in said


@pytest.mark.parametrize(
    "path", ["missing.jsonl", "folder.yaml", "empty.jsonl", "binary.jsonl", "binary.xlsx"]
)
def test_files_that_cannot_be_imported(call: Call, workspace: str, files: Path, path: str) -> None:
    code, said = call("import", "-w", workspace, path)
    assert code == 1
    assert "SW-MAP-0" in said or "SW-EVENT-0" in said
    assert path in said


def test_names_may_be_chinese(call: Call, workspace: str, files: Path) -> None:
    assert call("rules", "check", "目录 空格")[0] == 0
    assert call("import", "-w", workspace, "目录 空格/数据.jsonl")[0] == 0
    assert call("init", "目录 空格/新")[0] == 0


@pytest.mark.parametrize(
    "args",
    [
        ("import", "-w", "ws", "--rejects", "folder.yaml", "binary.jsonl"),
        ("backtest", "--rules", "目录 空格", "--events", "good.jsonl", "--out", "folder.yaml"),
        ("backtest", "--rules", "目录 空格", "--events", "good.jsonl", "--out", "nowhere/a"),
        ("simulate", "--days", "1", "--out", "nowhere/a"),
    ],
)
def test_where_nothing_can_be_written(call: Call, workspace: str, files: Path, args: tuple[str, ...]) -> None:
    code, said = call(*args)
    assert code == 1
    assert "SW-CMD-011" in said
    assert args[-1] in said or "folder.yaml" in said


@pytest.mark.parametrize(
    ("args", "place"),
    [
        (("alerts", "list", "-w", "ws", "--state", "odd"), "--state"),
        (("alerts", "list", "-w", "ws", "--entity", "odd"), "--entity"),
        (("explain", "-w", "ws", "--rule", "stale-opportunity", "--entity", ":"), "--entity"),
        (("import", "-w", "ws", "--until", "never", "good.jsonl"), "--until"),
        (("simulate", "--out", "x", "--start", "9999-12-30"), "--start"),
        (("run", "-w", "ws", "--log-level", "loud"), "--log-level"),
        (("run", "-w", "ws", "--log", "pretty"), "--log"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_read(call: Call, workspace: str, args: tuple[str, ...], place: str) -> None:
    code, said = call(*args)
    assert code == 1
    assert f"SW-CMD-009: An argument cannot be read\n  at:       {place}\n" in said


@pytest.mark.parametrize(
    "args",
    [
        ("alerts", "list", "--limit", "9" * 30), ("alerts", "list", "--limit", "-1"),
        ("dlq", "show", "9" * 30), ("dlq", "replay", "0"), ("dlq", "list", "--limit", "many"),
    ],
)  # fmt: skip
def test_numbers_that_are_none(call: Call, workspace: str, args: tuple[str, ...]) -> None:
    assert call(*args, "-w", workspace)[0] == 2


@pytest.mark.parametrize("until", ["never", "2001-01-01", "99999999999999d", "0d"])
def test_a_snooze_ends_in_the_time_to_come(call: Call, workspace: str, until: str) -> None:
    ident = call("alerts", "list", "-w", workspace, "--json")[1].partition('"id": "')[2].partition('"')[0]
    code, said = call("alerts", "snooze", ident, "--for", until, "--by", "li.lei", "-w", workspace)
    assert code == 1
    assert "SW-CMD-009" in said
    assert call("alerts", "ack", ident, "--by", " ", "-w", workspace)[0] == 1
    assert call("alerts", "snooze", ident, "--for", "2d", "--by", "li.lei", "-w", workspace)[0] == 0


@pytest.mark.parametrize(("path", "found"), [("missing", "no such directory"), ("good.jsonl", "a file")])
def test_workspaces_that_are_none(call: Call, workspace: str, path: str, found: str) -> None:
    code, said = call("status", "-w", path)
    assert code == 1
    assert "SW-WS-001" in said
    assert f"found:    {found}\n" in said
