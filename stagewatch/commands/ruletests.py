"""The runner of rule tests: one job in a memory runtime, everything that came out as outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from rules.problems import RuleErrors
from rules.testing import Job, Outcome
from schemas.errors import RuleError, show
from stagewatch.settings import Settings
from stagewatch.workspace.rulefiles import read_rules
from streams.kernel.driver import Out
from streams.runtimes.memory import MemoryRuntime, rule_entry, settings_entry

KINDS: Mapping[str, Literal["alert", "task", "approval"]] = {
    "alerts": "alert",
    "tasks": "task",
    "approvals": "approval",
}
"""Topic -> kind of outcome."""


def run_job(job: Job, folder: Path) -> Sequence[Outcome]:
    """Run the rules of `folder` that the job names over its events.

    Raises:
        RuleErrors: a rule file is broken.
        RuleError: a setting or an event cannot be used.
    """
    given = _settings(job)
    read = read_rules([folder / name for name in job.rules], given.declared, folder)
    if read.errors:
        raise RuleErrors(read.errors)
    runtime = MemoryRuntime(zone=given.tz)
    seen = _Seen()
    runtime.on_output = seen.take
    runtime.put(settings_entry(given.shared(), 0))
    for rule in read.rules:
        runtime.put(rule_entry(rule.id, rule.text, 0, on=rule.enabled))
    for record in job.events:
        runtime.event(record)
    runtime.advance(job.until)
    if runtime.dead:
        machine, dead = runtime.dead[0]
        error = dead.error
        raise RuleError(
            "SW-RULE-070", f"An event was refused: {error.message}", place=machine,
            expected=error.expected, found=error.found, next_step=error.next_step,
        )  # fmt: skip
    return [outcome for outcome in seen.outcomes if outcome["at"] <= job.until]


def _settings(job: Job) -> Settings:
    """The test's settings, checked as those of a workspace."""
    try:
        return Settings.model_validate(dict(job.settings))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RuleError(
            "SW-RULE-070",
            "The settings of the tests cannot be used",
            place="settings." + ".".join(map(str, first["loc"])),
            expected=first["msg"].removeprefix("Value error, "),
            found=show(first["input"]),
            next_step="write them as in stagewatch.toml",
        ) from error


class _Seen:
    """Outcomes so far; mails know their rule and entity by their alert."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._alerts: dict[str, Mapping[str, Any]] = {}

    def take(self, out: Out) -> None:
        """One record for a sink."""
        value: Mapping[str, Any] = out.emit.value
        kind = KINDS.get(out.emit.topic)
        if kind is not None:
            self._transition(kind, value)
        elif out.emit.topic == "notifications":
            self._mail(value)

    def _transition(self, kind: Literal["alert", "task", "approval"], value: Mapping[str, Any]) -> None:
        if kind == "alert":
            self._alerts[value["alert"]] = value
        outcome = Outcome(
            kind=kind,
            at=value["at"],
            rule=value["rule"],
            entity=f"{value['entity']}:{value['key']}",
            state=value["state"],
            reason=value["reason"],
            severity=value["severity"],
            to=tuple(value.get("receivers") or ()),
            title=value.get("title") or "",
        )
        if value.get("due") is not None:
            outcome["due"] = value["due"]
        if "step" in value:
            outcome["step"] = int(value["step"]) + 1
        self.outcomes.append(outcome)

    def _mail(self, value: Mapping[str, Any]) -> None:
        outcome = Outcome(kind="mail", at=value["at"], to=(value["receiver"],), subject=value["subject"])
        alert = self._alerts.get(str(value.get("alert")))
        if alert is not None:
            outcome["rule"] = alert["rule"]
            outcome["entity"] = f"{alert['entity']}:{alert['key']}"
        self.outcomes.append(outcome)
