"""The port `Matcher`: a set of compiled conditions, asked which of them hold."""

from __future__ import annotations

from typing import Protocol

from rules.conditions.scope import Scope


class Matcher(Protocol):
    """A fixed sequence of conditions. Implementations must give the same answers on every scope."""

    def match(self, scope: Scope) -> frozenset[int]:
        """The indexes of the conditions that hold. Tells the scope of missing rates at least once each."""
        ...

    def close(self) -> None:
        """Give back what the matcher holds outside Python; it must not be asked again."""
        ...
