"""What the pages say of lists that the code keeps: events, metrics, triggers. Commands are tried in e2e."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.compile import compile_rule
from rules.compile_triggers import TRIGGERS
from rules.document import NOT_BUILT, RuleDoc
from rules.explain import say_trigger
from rules.load import load_rules
from rules.triggers.build import build
from rules.when import When
from stagewatch.docs import event_reference
from stagewatch.metrics import Metrics

DOCS = Path(__file__).parents[3] / "docs"
SUFFIXES = {"counter": "_total", "info": "_info"}
"""Type of a metric -> what its name ends with where it is read."""
RULES = re.DOTALL | re.MULTILINE


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_events_are_those_of_the_schemas() -> None:
    assert page("reference/events.md") == event_reference(), "run: python -m stagewatch.docs"


def test_every_metric_is_told_with_its_help() -> None:
    told = re.findall(
        r"^\| `(stagewatch_\w+)` \| (\w+) \| .*?\| (.*) \|$", page("how-to/operate.md"), re.MULTILINE
    )
    kept = [
        (found.name + SUFFIXES.get(found.type, ""), found.type, found.documentation)
        for found in Metrics("0", process=False).registry.collect()
    ]
    assert sorted(told) == sorted(kept)


def examples() -> list[RuleDoc]:
    """The rules of the block that shows every trigger."""
    shown = re.search(r"^cat > every-trigger.yaml <<'END'\n(.*?)^END$", page("how-to/write-a-rule.md"), RULES)
    assert shown is not None
    return load_rules(shown.group(1), "every-trigger.yaml")


def test_every_trigger_has_an_example_that_compiles_and_is_explained() -> None:
    found = {doc.when.trigger: compile_rule(doc, version=1, zone=ZoneInfo("UTC")) for doc in examples()}
    assert found.keys() == TRIGGERS.keys() == When.model_fields.keys()
    for rule in found.values():
        assert build(rule.trigger).trigger is not None
        assert all(say_trigger(rule.trigger))


def test_what_is_not_built_is_told() -> None:
    told = page("how-to/write-a-rule.md").partition("## Not built yet")[2]
    assert [name for names in NOT_BUILT.values() for name in names if f"`{name}`" not in told] == []


@pytest.mark.parametrize("path", sorted((DOCS / "decisions").glob("*.md")), ids=lambda path: path.name)
def test_every_decision_is_listed_and_whole(path: Path) -> None:
    assert f"(decisions/{path.name})" in page("index.md")
    text = path.read_text(encoding="utf-8")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads == ["Context", "Measured", "Choice", "What would change it"]
    assert text.startswith(f"# {int(path.name[:4])}. ")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_every_page_is_listed(path: Path) -> None:
    if path.name != "index.md":
        assert f"({path.relative_to(DOCS)})" in page("index.md")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_named_files_exist(path: Path) -> None:
    """A path of the checkout in back-quotes leads somewhere; NAME stands for one of your own."""
    roots = "schemas|rules|streams|connectors|console|stagewatch|deploy|tests|bench|examples|docs"
    named = re.findall(rf"`((?:{roots})/[\w./-]+)`", path.read_text(encoding="utf-8"))
    missing = [name for name in named if "NAME" not in name and not (DOCS.parent / name).exists()]
    assert missing == []
