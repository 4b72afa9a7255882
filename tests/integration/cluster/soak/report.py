"""The figures of a soak: what happened, what is wrong, how long each kind of fault was felt. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.integration.cluster.soak.faults import KILL, KINDS, Fault
from tests.integration.cluster.soak.mails import Mail
from tests.integration.cluster.soak.watching import Probe

LATE = 2.0
"""Seconds from an event to its task beyond which it counts as late."""


@dataclass
class Report:
    """figures: name -> value. problems: what must not be, in words; empty when all is well."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def claim(self, what: str, wrong: Iterable[object]) -> int:
        """Nothing of this may be there; how many there are."""
        found = sorted(map(str, wrong))
        if found:
            self.problems.append(f"{what}: {len(found)}, {', '.join(found[:5])}")
        return len(found)

    def lines(self) -> list[str]:
        """The figures as a table, then the problems."""
        width = max(map(len, self.figures), default=0)
        table = [f"  {name:<{width}}  {_shown(value)}" for name, value in self.figures.items()]
        return [*table, *(f"  WRONG: {problem}" for problem in self.problems)]


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "no" if not value else "yes"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def recoveries(probes: Sequence[Probe], faults: Sequence[Fault]) -> Mapping[str, list[float]]:
    """Kind -> seconds from the beginning of each such fault until no event was late any more.

    0: nothing was late before the next fault came. What several faults do together counts for each.
    """
    spans = late_spans(probes)
    ordered = sorted(faults, key=lambda fault: fault.begun)
    found: dict[str, list[float]] = {}
    for fault, following in zip(ordered, [*ordered[1:], None], strict=True):
        until = following.begun if following is not None else float("inf")
        felt = [end for begin, end in spans if end > fault.begun and begin < until]
        found.setdefault(fault.kind, []).append(max(0.0, felt[0] - fault.begun) if felt else 0.0)
    return found


def late_spans(probes: Iterable[Probe]) -> list[tuple[float, float]]:
    """(sent, came) of all that were late, joined where they touch."""
    spans: list[tuple[float, float]] = []
    for begin, end in sorted((probe.sent, probe.came) for probe in probes if probe.took > LATE):
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((begin, end))
    return spans


def told_twice(
    copies: Iterable[Sequence[Mail]], faults: Sequence[Fault], receipts: Mapping[str, Sequence[float]]
) -> tuple[list[str], list[str]]:
    """Messages mailed more than once: (within the documented window, beyond it).

    The window: its worker was killed after the server's 250 and before the receipt. receipts: message ->
    instants, seconds since the epoch.
    """
    within: list[str] = []
    beyond: list[str] = []
    for mails in copies:
        excused = all(_cut_off(mail, faults, receipts.get(mail.message, ())) for mail in mails[:-1])
        (within if excused else beyond).append(mails[0].message)
    return within, beyond


def _cut_off(mail: Mail, faults: Sequence[Fault], receipts: Sequence[float]) -> bool:
    kills = [fault.begun for fault in faults if fault.kind == KILL and fault.worker == mail.worker]
    died = min((at for at in kills if at >= mail.at - ON_ITS_WAY), default=None)
    return died is not None and not any(mail.at <= at <= died for at in receipts)


ON_ITS_WAY = 1.0
"""Seconds after a kill in which the server may still take what the worker had sent."""


def of_recovery(found: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """A line for each kind of fault."""
    return {
        f"{kind}: recovery": f"median {median(took):.1f} s, worst {max(took):.1f} s ({len(took)})"
        for kind in KINDS
        if (took := found.get(kind))
    }


def of_latency(probes: Sequence[Probe]) -> str:
    """From an event to its task, over all probes."""
    took = sorted(probe.took for probe in probes)
    if not took:
        return "no probe came"
    return f"median {median(took):.2f} s, p99 {took[int(len(took) * 0.99)]:.1f} s, worst {took[-1]:.1f} s"


def of_faults(faults: Iterable[Fault]) -> dict[str, int]:
    """How many of each kind."""
    counts = Counter(fault.kind for fault in faults)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}
