"""The command line as a user types it: a workspace, history, lists, explanations, backtests, broken files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stagewatch.docs import reference

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HOME = Path(__file__).parents[2]


def run(*args: str, code: int = 0, lang: str = "C.UTF-8") -> str:
    """Call `stagewatch`; stdout and stderr."""
    env = {**os.environ, "LANG": lang, "LC_ALL": lang, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "stagewatch", *args], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if "--json" in args else done.stdout + done.stderr


def line(number: int, type_: str, time_: str, **data: object) -> str:
    """One event of a file."""
    return json.dumps({
        "specversion": "1.0", "id": f"e{number}", "source": "crm/test", "type": type_, "time": time_,
        "data": data,
    })  # fmt: skip


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Two deals of last year, one followed up; a broken line."""
    rows = [
        line(1, "opportunity.created", "2025-03-01T08:00:00Z", opportunity="O1", account="A1", owner="li.lei",
             name="产线", amount="100.00", currency="CNY"),
        line(2, "opportunity.created", "2025-03-01T08:00:00Z", opportunity="O2", account="A1",
             owner="li.lei"),
        line(3, "activity.logged", "2025-03-05T08:00:00Z", activity="C1", kind="call", opportunity="O2",
             account="A1", by="li.lei"),
        '{"specversion": "1.0", "id": "e4"}',
        line(5, "contract.drafted", "2025-03-06T08:00:00Z", contract="H1", account="A1", owner="li.lei",
             amount=600000, currency="CNY"),
    ]  # fmt: skip
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    """A new workspace."""
    root = str(tmp_path / "ws")
    run("init", root)
    return root


def test_history_is_listed_explained_and_acted_on(workspace: str, events: Path) -> None:
    said = run("import", "-w", workspace, str(events), code=1)
    assert "events.jsonl:4" in said
    assert "Nobody was told" in said
    [rejects] = Path(workspace, "data", "rejects").iterdir()
    assert json.loads(rejects.read_text())["row"] == "events.jsonl:4"

    alerts = json.loads(run("alerts", "list", "-w", workspace, "--json"))["alerts"]
    by_key = {f"{a['entity']}:{a['key']}": a for a in alerts}
    assert by_key.keys() == {"opportunity:O1", "opportunity:O2", "contract:H1"}
    assert by_key["opportunity:O1"]["due"] == "2025-03-08T08:00:00Z"
    assert by_key["opportunity:O2"]["due"] == "2025-03-12T08:00:00Z"

    ident = by_key["contract:H1"]["id"]
    told = run("explain", ident[:9], "-w", workspace)
    assert "amount is greater than 500000" in told
    assert "contract.drafted  crm/test|e5" in told
    assert "from imported history" in told
    assert "金额" in run("explain", ident[:9], "-w", workspace, lang="zh_CN.UTF-8")

    asked = json.loads(run("explain", "--rule", "stale-opportunity", "--entity", "opportunity:O2",
                           "-w", workspace, "--json"))  # fmt: skip
    assert [e["type"] for e in asked["timeline"]] == ["opportunity.created"]
    assert asked["alerts"][0]["state"] == "firing"

    run("alerts", "ack", ident[:9], "--by", "li.lei", "-w", workspace)
    listed = json.loads(run("alerts", "list", "--state", "acknowledged", "-w", workspace, "--json"))
    assert [a["id"] for a in listed["alerts"]] == [ident]
    assert "SW-CMD-001" in run("alerts", "ack", "zzz", "--by", "x", "-w", workspace, code=1)
    run("alerts", "resolve", ident, "--by", "li.lei", "-w", workspace)
    assert "SW-CMD-005" in run("alerts", "ack", ident, "--by", "x", "-w", workspace, code=1)


def test_the_same_import_twice_changes_nothing(workspace: str, events: Path) -> None:
    assert "Events: 4 sent, 0 known already" in run("import", "-w", workspace, str(events), code=1)
    before = json.loads(run("alerts", "list", "--all", "-w", workspace, "--json"))
    assert "Events: 4 sent, 4 known already" in run("import", "-w", workspace, str(events), code=1)
    assert json.loads(run("alerts", "list", "--all", "-w", workspace, "--json")) == before
    [letter] = json.loads(run("dlq", "list", "-w", workspace, "--json"))["letters"]
    assert (letter["machine"], letter["key"]) == ("import", "events.jsonl:4")


def test_a_backtest_says_when_and_whom(workspace: str, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    packs = str(HOME / "rules" / "packs")
    args = ("backtest", "--rules", packs, "--events", str(events), "--out", str(out), "--json")
    summary = json.loads(run(*args, "--until", "2025-03-08T08:00:00Z"))
    assert summary["end"] == "2025-03-08T08:00:00Z"
    assert (summary["events"], summary["rejected"]) == (4, 1)
    lines = [json.loads(text) for text in out.read_text(encoding="utf-8").splitlines()]
    assert [(one["rule"], one["key"], one["at"]) for one in lines] == [
        ("contract-over-500k", "H1", "2025-03-06T08:00:00Z"),
        ("stale-opportunity", "O1", "2025-03-08T08:00:00Z"),
    ]
    assert json.loads(run(*args))["end"] == "2025-03-06T08:00:00Z"
    lent = json.loads(run(*args, "--until", "2025-04-01", "--workspace", workspace))
    assert lent["rules"]["stale-opportunity"]["receivers"] == {"zhao.min": 2}


def test_a_backtest_takes_the_log_of_a_workspace(workspace: str, events: Path) -> None:
    run("import", "-w", workspace, "--until", "2025-03-31", str(events), code=1)
    rule = str(HOME / "rules" / "packs" / "stale-opportunity.yaml")
    found = json.loads(run("backtest", "--rules", rule, "-w", workspace, "--until", "2025-03-31", "--json"))
    assert [one["key"] for one in found["lines"]] == ["O1", "O2"]


def test_broken_rules_are_told_with_their_places(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text("rule: a\ntitle: t\nwatch: lead\nwhen: {event: lead.created}\n", encoding="utf-8")
    assert "1 rules are right" in run("rules", "check", str(tmp_path))
    bad = tmp_path / "bad.yaml"
    bad.write_text("rule: b\ntitle: t\nwatch: leed\nwhen: {evnt: lead.created}\n", encoding="utf-8")
    errors = json.loads(run("rules", "check", str(tmp_path), "--json", code=1))["errors"]
    assert all(error["place"].startswith(f"{bad}:") and error["expected"] for error in errors)
    assert {error["place"].split(":")[1] for error in errors} == {"3", "4"}
    events = tmp_path / "none.jsonl"
    assert "SW-RULE" in run("backtest", "--rules", str(tmp_path), "--events", str(events), code=1)


def test_the_shipped_rules_pass_their_tests_in_a_new_workspace(workspace: str) -> None:
    found = json.loads(run("rules", "test", f"{workspace}/rules", "--json"))
    assert len(found["tests"]) > 50
    assert found["ok"] is True
    rule = Path(workspace, "rules", "visit-report-24h.yaml")
    beside = json.loads(run("rules", "test", str(rule), "--json"))
    assert {test["place"].partition(":")[0] for test in beside["tests"]} == {"visit-report-24h.test.yaml"}
    lonely = Path(workspace, "rules", "lonely.yaml")
    lonely.write_text(rule.read_text(encoding="utf-8"), encoding="utf-8")
    said = run("rules", "test", str(lonely), code=1)
    assert "SW-RULE-070" in said
    assert f"{workspace}/rules/lonely.test.yaml" in said
    broken = Path(workspace, "rules", "visit-report-24h.test.yaml")
    broken.write_text(broken.read_text(encoding="utf-8").replace("24h", "25h"), encoding="utf-8")
    assert "FAIL" in run("rules", "test", str(broken), code=1)


def test_init_refuses_to_overwrite_and_commands_need_a_workspace(workspace: str, tmp_path: Path) -> None:
    assert "SW-WS-002" in run("init", workspace, code=1)
    assert "SW-WS-001" in run("status", "-w", str(tmp_path), code=1)
    assert "SW-WS-022" in run("alerts", "list", "-w", workspace, code=1)
    settings = Path(workspace, "stagewatch.toml")
    settings.write_text('zone = "Mars"\n', encoding="utf-8")
    assert "stagewatch.toml:1: zone" in run("rules", "list", "-w", workspace, code=1)
    run("nonsense", code=2)
    run("explain", "-w", workspace, code=2)


def test_a_dead_letter_is_shown_and_replayed(workspace: str, tmp_path: Path) -> None:
    events = tmp_path / "twice.jsonl"
    rows = [
        line(1, "lead.created", "2025-03-01T08:00:00Z", lead="L1", owner="li.lei"),
        line(1, "lead.created", "2025-03-01T09:00:00Z", lead="L1", owner="wang.fang"),
    ]
    events.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert "SW-STREAM-011" in run("import", "-w", workspace, str(events), code=1)
    [letter] = json.loads(run("dlq", "list", "-w", workspace, "--json"))["letters"]
    shown = json.loads(run("dlq", "show", str(letter["number"]), "-w", workspace))
    assert shown["record"]["value"]["data"]["owner"] == "wang.fang"
    again = json.loads(run("dlq", "replay", "--all", "-w", workspace, "--json", code=1))
    assert len(again["failed_again"]) == 1
    assert "SW-STREAM-026" in run("dlq", "replay", str(letter["number"]), "-w", workspace, code=1)


def test_lists_say_what_they_leave_out(workspace: str, tmp_path: Path) -> None:
    events = tmp_path / "many.jsonl"
    rows = []
    for n in range(3):
        rows.append(line(n, "contract.drafted", "2025-03-01T08:00:00Z", contract=f"H{n}", account=f"A{n}",
                         owner="li.lei", amount=600000, currency="CNY"))  # fmt: skip
        rows.append(line(n, "contract.updated", "2025-03-02T08:00:00Z", contract=f"H{n}", account=f"A{n}"))
        rows.append(line(10 + n, "quote.created", "2025-03-01T08:00:00Z", quote=f"Q{n}", opportunity=f"O{n}"))
    events.write_text("\n".join(rows) + "\n", encoding="utf-8")
    run("import", "-w", workspace, str(events), code=1)
    for command in (("alerts", "list"), ("approvals", "list"), ("parked",), ("dlq", "list")):
        cut = run(*command, "-w", workspace, "--limit", "2")
        assert "2 of 3" in cut
        assert "showing 2 of 3; --limit 0 lists all" in cut
        found = json.loads(run(*command, "-w", workspace, "--limit", "2", "--json"))
        assert (found["shown"], found["total"]) == (2, 3)
        everything = run(*command, "-w", workspace, "--limit", "0")
        assert "showing" not in everything
        assert "(3" in everything
    assert "显示 2 条，共 3 条" in run("alerts", "list", "-w", workspace, "--limit", "2", lang="zh_CN.UTF-8")


def test_the_reference_is_that_of_the_commands() -> None:
    page = HOME / "docs" / "reference" / "cli.md"
    assert page.read_text(encoding="utf-8") == reference(), "run `python -m stagewatch.docs`"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from stagewatch.cli.main import main\n"
        "sys.argv = ['stagewatch', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'starlette', 'uvicorn', 'msgspec', 'aiosmtplib', 'sqlite3', 'yaml'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 10
