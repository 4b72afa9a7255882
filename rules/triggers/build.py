"""From a compiled trigger to its automaton and the roles that events play in it: one registry for all
triggers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules import compiled
from rules.compiled import Patterns
from rules.conditions.scope import Path
from rules.reasons import Reason
from rules.triggers.base import Trigger
from rules.triggers.date import DateTrigger
from rules.triggers.event import EventTrigger
from rules.triggers.holds import HoldsTrigger
from rules.triggers.missing import MissingAfterTrigger, MissingBeforeTrigger
from rules.triggers.silent import SilentTrigger
from rules.triggers.stage import DECISIVE, StageTrigger
from schemas.time import Duration


@dataclass(frozen=True, slots=True)
class Built:
    """An automaton, the events it names by role, the fields of the earlier event that must match, why it
    fires.
    """

    trigger: Trigger
    roles: Mapping[str, Patterns] = field(default_factory=dict)
    earlier: tuple[Path, ...] = ()
    reason: Reason = Reason.CONDITION_MET


def build(spec: compiled.CompiledTrigger) -> Built:
    """The automaton of a compiled trigger."""
    return _BUILDERS[type(spec)](spec)


def _event(spec: compiled.EventTrigger) -> Built:
    return Built(EventTrigger(), {"event": spec.events}, (), Reason.EVENT_MATCHED)


def _holds(spec: compiled.HoldsTrigger) -> Built:
    nothing = Duration()
    stays = None if spec.for_ == nothing else spec.for_
    keep = None if spec.keep_firing_for == nothing else spec.keep_firing_for
    return Built(HoldsTrigger(stays, keep))


def _stage(spec: compiled.StageTrigger) -> Built:
    stages = spec.stages | {DECISIVE} if spec.decisive else spec.stages
    leaves = spec.side == "leaves"
    return Built(
        StageTrigger(stages, leaves=leaves), reason=Reason.STAGE_LEFT if leaves else Reason.STAGE_ENTERED
    )


def _silent(spec: compiled.SilentTrigger) -> Built:
    return Built(
        SilentTrigger(spec.for_, include_account=spec.account), {"silent": spec.of}, (), Reason.SILENCE
    )


def _missing_after(spec: compiled.MissingAfterTrigger) -> Built:
    within = spec.within.duration or spec.within.path or Duration()
    pairs = [(earlier, later) for later, earlier in spec.match]
    trigger = MissingAfterTrigger(within, pairs, spec.each)
    return Built(trigger, {"after": spec.after, "expect": spec.expect}, (), Reason.DEADLINE_PASSED)


def _missing_before(spec: compiled.MissingBeforeTrigger) -> Built:
    pairs = [(earlier, later) for later, earlier in spec.match]
    roles = {"event": spec.events, "requires": spec.requires}
    earlier = tuple(first for first, _ in pairs)
    return Built(MissingBeforeTrigger(spec.within, pairs), roles, earlier, Reason.PRECONDITION_MISSING)


def _date(spec: compiled.DateTrigger) -> Built:
    before, after = (spec.offset, None) if spec.side == "before" else (None, spec.offset)
    trigger = DateTrigger(spec.path, items=spec.items, before=before, after=after, clock=spec.clock)
    return Built(trigger, reason=Reason.DATE_REACHED)


_BUILDERS: Mapping[type, Callable[[Any], Built]] = {
    compiled.EventTrigger: _event,
    compiled.HoldsTrigger: _holds,
    compiled.StageTrigger: _stage,
    compiled.SilentTrigger: _silent,
    compiled.MissingAfterTrigger: _missing_after,
    compiled.MissingBeforeTrigger: _missing_before,
    compiled.DateTrigger: _date,
}
"""Adding a trigger is one entry here, one in the compiler's registry and one file beside this."""
