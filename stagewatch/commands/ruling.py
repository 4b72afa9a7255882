"""`rules check|list|test`: files of rules against the language, the workspace and their own tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rules.testing import Job, Outcome, Result, load_suite, run_suite
from rules.yaml_positions import documents
from schemas.errors import RuleError, StagewatchError
from stagewatch.commands.arguments import opened
from stagewatch.commands.failures import tell_all
from stagewatch.commands.output import Language, put_json, put_table, say
from stagewatch.commands.reading import open_reader
from stagewatch.commands.ruletests import run_job
from stagewatch.settings import Settings
from stagewatch.workspace.rulefiles import SUFFIXES, TESTS, read_rules, rule_paths


def check(paths: Sequence[Path], root: Path | None, as_json: bool) -> int:
    """Check rule files; the exit code."""
    settings = Settings() if root is None else opened(root)[1]
    read = read_rules(paths, settings.declared)
    files = rule_paths(paths)
    if not read.rules and not read.errors:
        raise RuleError(
            "SW-RULE-009",
            "No rule was found",
            place=", ".join(map(str, paths)),
            expected="files NAME.yaml with `rule: ...`",
            found=f"{len(files)} files without a rule",
            next_step="name other files, or write one: docs/how-to/write-a-rule.md",
        )
    if as_json:
        rules = [{"rule": rule.id, "title": rule.title, "file": str(rule.path)} for rule in read.rules]
        put_json({"ok": not read.errors, "rules": rules, "errors": [e.to_dict() for e in read.errors]})
        return 1 if read.errors else 0
    tell_all(read.errors)
    say(f"{len(files)} files: {len(read.rules)} rules are right, {len(read.errors)} errors")
    return 1 if read.errors else 0


# -- list ---------------------------------------------------------------------------------------------------


def list_rules(root: Path, as_json: bool, language: Language) -> int:
    """List rules in force and in files; the exit code."""
    workspace, settings = opened(root)
    read = read_rules([workspace.rules], settings.declared, workspace.root)
    in_force: dict[str, dict[str, object]] = {}
    open_alerts: Counter[str] = Counter()
    if settings.cluster is not None or workspace.database.is_file():
        with open_reader(workspace, settings) as reader:
            in_force = dict(reader.shared("rule"))
            items = reader.views.items("alerts", open_only=True, limit=-1)
            open_alerts.update(str(item.value["rule"]) for item in items)
    files = {rule.id: rule for rule in read.rules}
    rows = []
    for name in sorted({*in_force, *files}):
        row, file = in_force.get(name), files.get(name)
        title = file.title if file is not None else _title(str((row or {}).get("text", "")))
        path = None if file is None else str(file.path.relative_to(workspace.root))
        version = None if row is None else row["v"]
        state = _state(row, file is not None and file.enabled)
        rows.append(
            {
                "rule": name,
                "version": version,
                "state": state,
                "title": title,
                "open_alerts": open_alerts[name],
                "file": path,
            }
        )
    if as_json:
        put_json({"rules": rows, "errors": [error.to_dict() for error in read.errors]})
        return 0
    zh = language == "zh"
    columns = (
        ("规则", "版本", "状态", "未处理预警", "标题", "文件")
        if zh
        else ("rule", "version", "state", "open alerts", "title", "file")
    )
    put_table(
        "规则" if zh else "Rules",
        columns,
        [(r["rule"], r["version"], r["state"], r["open_alerts"], r["title"], r["file"]) for r in rows],
    )
    if read.errors:
        say("以下文件有错，旧版本继续生效：" if zh else "Broken files; their old versions stay in force:")
        tell_all(read.errors)
    return 0


def _state(row: dict[str, object] | None, enabled: bool) -> str:
    if row is None:
        return "not brought in" if enabled else "off"
    return "on" if row["on"] else "off"


def _title(text: str) -> str:
    value = next((d.value for d in documents(text) if isinstance(d.value, dict)), {})
    return str(value.get("title", ""))


# -- test ---------------------------------------------------------------------------------------------------


def run_tests(paths: Sequence[Path], as_json: bool) -> int:
    """Run test files, those beside rule files included; the exit code."""
    files = rule_paths([_tests_of(path) for path in paths], tests=True)
    results = {path: _run_file(path) for path in files}
    flat = [result for found in results.values() for result in found]
    failed = [result for result in flat if not result.ok]
    if as_json:
        put_json({"ok": bool(flat) and not failed, "tests": [result.to_dict() for result in flat]})
        return 0 if flat and not failed else 1
    for path, found in results.items():
        bad = [result for result in found if not result.ok]
        say(f"{'FAIL' if bad else 'ok'}  {path}  ({len(found) - len(bad)}/{len(found)})")
        for result in bad:
            say(f"  {result.place}: {result.name}")
            say("\n".join(f"    {line}" for line in result.report.splitlines()))
    if not flat:
        tell_all([_unreadable(", ".join(map(str, paths)), "No tests were found", "nothing of that name")])
    say(f"{len(flat)} tests, {len(failed)} failed")
    return 0 if flat and not failed else 1


def _tests_of(path: Path) -> Path:
    """The tests beside a rule file; anything else as it is."""
    if path.name.endswith(TESTS) or path.suffix not in SUFFIXES or path.is_dir():
        return path
    beside = [path.with_name(f"{path.stem}{end}") for end in TESTS]
    return next((test for test in beside if test.exists()), beside[0])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(str(path), "The rule tests cannot be read", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(str(path), "The rule tests cannot be read", str(error)) from error


def _unreadable(place: str, message: str, found: str) -> RuleError:
    return RuleError(
        "SW-RULE-070",
        message,
        place=place,
        expected="tests in YAML and UTF-8: RULE.test.yaml beside RULE.yaml",
        found=found,
        next_step="see docs/how-to/test-a-rule.md",
    )


def _run_file(path: Path) -> list[Result]:
    try:
        suite = load_suite(_text(path), path.name)
    except StagewatchError as error:
        return [Result("the file", str(path), False, str(error))]

    def runner(job: Job) -> Sequence[Outcome]:
        return run_job(job, path.parent)

    return run_suite(suite, runner)
