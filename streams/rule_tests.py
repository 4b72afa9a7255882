"""Runs the tests that stand beside rules (`NAME.test.yaml`) on the memory runtime, from an empty workspace
each.

The test language and the judging of outcomes are `rules.testing`'s; here is only the engine it is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from zoneinfo import ZoneInfo

from rules.testing import Job, Outcome
from rules.texts import split_rules
from schemas.types import FieldType
from streams.runtimes.memory import MemoryRuntime, rule_entry, settings_entry

KINDS: Mapping[str, str] = {"alerts": "alert", "tasks": "task", "approvals": "approval"}


def runner(read: Callable[[str], str]) -> Callable[[Job], Sequence[Outcome]]:
    """A `rules.testing.Runner`. read: file name of rules, as the test names it -> its text."""

    def run(job: Job) -> Sequence[Outcome]:
        settings = settings_of(job.settings)
        declared = {name: FieldType(kind) for name, kind in settings.get("fields", {}).items()}
        runtime = MemoryRuntime(zone=ZoneInfo(settings.get("zone", "Asia/Shanghai")))
        runtime.put(settings_entry(settings, 0))
        for name in job.rules:
            text = read(name)
            for rule, part in split_rules(text, name, declared_fields=declared):
                runtime.put(rule_entry(rule, part, 0))
        for record in job.events:
            runtime.event(record)
        runtime.advance(job.until)
        if runtime.dead:
            raise runtime.dead[0][1].error
        return _outcomes(runtime)

    return run


def settings_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as tests write them: stages may be a list of `{name, status, decisive}` of opportunities."""
    found = dict(settings)
    stages = found.get("stages")
    if isinstance(stages, Sequence):
        found["stages"] = {
            "opportunity": {
                stage["name"]: {
                    "category": stage.get("status", "open"),
                    "decisive": stage.get("decisive", False),
                }
                for stage in stages
            }
        }
    return found


def _outcomes(runtime: MemoryRuntime) -> list[Outcome]:
    found: list[Outcome] = []
    rules: dict[str, str] = {}
    for topic, kind in KINDS.items():
        for value in runtime.take_outputs(topic):
            outcome: dict[str, Any] = {
                "kind": kind,
                "entity": f"{value['entity']}:{value['key']}",
                "to": value["receivers"],
                "step": value.get("step", -1) + 1,
            }
            outcome |= {n: value[n] for n in ("at", "rule", "state", "reason", "severity", "title", "due")}
            rules[value["alert"]] = value["rule"]
            found.append(cast("Outcome", outcome))
    for mail in runtime.take_outputs("notifications"):
        found.append(
            {
                "kind": "mail",
                "at": mail["at"],
                "rule": rules.get(mail["alert"], ""),
                "to": [mail["receiver"]],
                "subject": mail["subject"],
            }
        )
    return found
