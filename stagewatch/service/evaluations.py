"""How often rules were evaluated and matched since the last look, from the counts that compiled rules keep.

It must not decide anything about rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from streams.kernel.contract import Machine
from streams.machines.account.machine import AccountMachine


class Evaluations:
    """Remembers the counts of the last look; partitions may share compiled rules."""

    def __init__(self) -> None:
        self._judged: dict[int, tuple[list[int], list[int]]] = {}

    def since(self, machines: Iterable[Machine]) -> tuple[Counter[str], Counter[str]]:
        """(rule id -> evaluations, rule id -> matches) of these machines since the last call."""
        evaluated: Counter[str] = Counter()
        matched: Counter[str] = Counter()
        seen: dict[int, tuple[list[int], list[int]]] = {}
        for machine in machines:
            if not isinstance(machine, AccountMachine):
                continue
            for rule in machine.rules:
                counts = rule.judged
                if id(counts) in seen:
                    continue
                _, before = self._judged.get(id(counts), (counts, [0, 0]))
                seen[id(counts)] = (counts, list(counts))
                matched[rule.id] += counts[1] - before[1]
                evaluated[rule.id] += sum(counts) - sum(before)
        self._judged = seen
        return evaluated, matched
