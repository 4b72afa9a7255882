"""The file of people: entries, errors with their places, and what of it becomes events."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stagewatch.workspace.inforce import Wanted, changes
from stagewatch.workspace.people import InvalidPeopleError, parse_people
from stagewatch.workspace.rulefiles import RuleText
from streams.kernel.contract import SHARED
from streams.runtimes.memory import MemoryRuntime

ZONE = ZoneInfo("Asia/Shanghai")
LI = "people:\n  - {person: li, name: 李雷, mail: li@example.com, roles: [sales]}\n"


class Force:
    """A memory runtime as what is in force."""

    def __init__(self) -> None:
        self.runtime = MemoryRuntime()

    def shared(self, bucket: str) -> Mapping[str, Any]:
        store = self.runtime.stores[("account", 0)]
        return dict(store.scan(SHARED, bucket))

    def bring(self, people: str, at: int = 0, rules: tuple[RuleText, ...] = (), kept: str = "") -> list[str]:
        """Bring the file in; the types (or rule ids) of what was brought."""
        wanted = Wanted({"zone": "Asia/Shanghai"}, rules, parse_people(people, "p", ZONE), frozenset({kept}))
        entries = changes(wanted, self.shared, at)
        self.runtime.put_all(entries)
        return [
            str(e.value.get("event", {}).get("type") or e.value.get("rule") or "settings") for e in entries
        ]

    def person(self, name: str) -> Mapping[str, Any]:
        newest: Mapping[str, Any] = self.shared("person")[name][-1][1]
        return newest


def test_the_example_of_a_new_workspace_is_right() -> None:
    text = files("stagewatch").joinpath("templates/people.yaml").read_text(encoding="utf-8")
    entries = parse_people(text, "people.yaml", ZONE)
    assert {e.name for e in entries} == {"li.lei", "wang.fang", "zhao.min", "qian.ye", "east"}


def test_bringing_the_same_file_twice_changes_nothing() -> None:
    force = Force()
    assert force.bring(LI) == ["settings", "person.updated"]
    assert force.bring(LI, 5) == []


def test_a_change_a_removal_and_a_return() -> None:
    force = Force()
    force.bring(LI)
    assert force.bring(LI.replace(", roles: [sales]", ""), 10) == ["person.updated"]
    assert "roles" not in force.person("li")
    assert force.bring("people: []", 20) == ["person.updated"]
    assert force.person("li")["active"] is False
    assert force.bring("people: []", 25) == []
    assert force.bring(LI, 30) == ["person.updated"]
    back = {"person": "li", "name": "李雷", "mail": "li@example.com", "roles": ["sales"]}
    assert force.person("li") == back


def test_an_absence_comes_and_goes() -> None:
    force = Force()
    away = LI + "away:\n  - {person: li, from: 2026-03-02, to: 2026-03-05, deputy: wang}\n"
    assert force.bring(away) == ["settings", "person.updated", "person.away"]
    assert force.bring(away, 1) == []
    assert len(force.shared("away")["li"]) == 1
    assert force.bring(LI, 2) == ["person.deleted"]
    assert "li" not in force.shared("away")
    assert force.bring(LI, 3) == []


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("people:\n  - {person: li, mial: x}", "p:2:18: people[0].mial", "did you mean `mail`?"),
        ("people:\n  - {name: x}", "p:2:5: people[0].person", "person"),
        ("people:\n  - li", "p:2:5: people[0]", "an object"),
        ("people:\n  - {person: li}\n  - {person: li}", "p:3:5: people[1]", "each id once"),
        ("people:\n  - {person: li, mail: [1]}", "p:2:18: people[0].mail", "text"),
        ("peple: []", "p:1:1: peple", "did you mean `people`?"),
        ("- a", "p:1:1: ", "people, teams, away"),
        ("people: {", "p:2:1", "YAML"),
        ("away:\n  - {person: li, from: tomorrow, to: 2026-01-01}", "p:2:18: away[0].from", "tomorrow"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(InvalidPeopleError) as caught:
        parse_people(text, "p", ZONE)
    error = caught.value.errors[0].to_dict()
    assert error["place"] == place
    assert any(says in value for value in error.values()), error
