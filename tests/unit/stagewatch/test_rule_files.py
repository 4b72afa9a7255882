"""Rule files on disk: what is read, what is broken, and what is kept in force meanwhile."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from rules.texts import split_rules
from stagewatch.service.opening import read_files
from stagewatch.settings import Settings
from stagewatch.workspace.inforce import Wanted, changes, from_the_beginning
from stagewatch.workspace.init import init_workspace
from stagewatch.workspace.paths import Workspace
from stagewatch.workspace.rulefiles import RuleText, read_rules, rule_paths
from streams.kernel.contract import SHARED
from streams.runtimes.memory import MemoryRuntime, rule_entry

NOW = 1_800_000_000_000_000
"""Some instant, us."""

RULE = "rule: {name}\ntitle: t\nwatch: lead\nwhen: {{event: lead.created}}\n"


def test_a_file_of_several_rules_is_taken_apart_with_its_comments() -> None:
    text = "# first\n" + RULE.format(name="a") + "---\n# second\n" + RULE.format(name="b") + "--- # none\n"
    assert [(rule, part.splitlines()[0]) for rule, part in split_rules(text, "x")] == [
        ("a", "# first"), ("b", "# second"),
    ]  # fmt: skip


def test_a_broken_file_hides_no_other_and_no_id_stands_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE.format(name="a"))
    (tmp_path / "b.yaml").write_text(RULE.format(name="b").replace("lead.created", "leed.created"))
    (tmp_path / "c.yaml").write_text(RULE.format(name="a"))
    (tmp_path / "a.test.yaml").write_text("not a rule")
    (tmp_path / ".hidden.yaml").write_text("not a rule")
    read = read_rules([tmp_path], base=tmp_path)
    assert [rule.id for rule in read.rules] == ["a"]
    assert [(e.code, e.place.partition(":")[0]) for e in read.errors] == [
        ("SW-RULE-020", "b.yaml"), ("SW-RULE-017", "c.yaml"),
    ]  # fmt: skip
    assert [path.name for path in rule_paths([tmp_path], tests=True)] == ["a.test.yaml"]


def test_rules_of_a_broken_file_stay_in_force_those_of_a_lost_one_end(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    workspace = Workspace.find(tmp_path)
    in_force = {
        rule.id: {"text": rule.text, "v": 1, "at": 0, "on": True}
        for rule in read_rules([workspace.rules]).rules
    }
    (workspace.rules / "stale-opportunity.yaml").write_text("rule: stale-opportunity\ntitle: [\n")
    (workspace.rules / "visit-report-24h.yaml").unlink()
    files = read_files(workspace, Settings())
    assert [error.code for error in files.errors] == ["SW-RULE-005"]
    shared = {"rule": in_force, "settings": {}}
    brought = [e.value for e in changes(files.wanted, lambda bucket: shared.get(bucket, {}), 0)]
    assert [(v["rule"], v["on"]) for v in brought if v["what"] == "rule"] == [("visit-report-24h", False)]


def test_a_rule_switched_off_in_its_file_is_switched_off() -> None:
    text = RULE.format(name="a") + "enabled: false\n"
    [(name, part)] = split_rules(text, "x")
    rule = RuleText(name, part, Path("x"))
    assert (rule.enabled, rule.title) == (False, "t")


def test_the_first_rules_are_in_force_from_the_beginning_whatever_time_the_log_gives_them() -> None:
    [(name, part)] = split_rules(RULE.format(name="a"), "x")
    wanted = Wanted({}, [RuleText(name, part, Path("x"))], [])
    runtime = MemoryRuntime()
    runtime.put_all(replace(e, at=NOW) for e in from_the_beginning(changes(wanted, lambda bucket: {}, 0)))
    assert in_force_since(runtime) == 0
    runtime.put(rule_entry("a", part + "enabled: false\n", NOW))
    assert in_force_since(runtime) == NOW


def in_force_since(runtime: MemoryRuntime) -> int:
    row = runtime.stores["account", 0].get(SHARED, "rule", "a")
    assert row is not None
    return int(row["at"])
