"""The port through which a condition reads the world, and a small real implementation over plain mappings.

A scope answers questions about one judged instant; it never decides anything. It must not read a clock: the
instant is handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

Path = tuple[str, ...]


class Scope(Protocol):
    """One entity (or event) and what is joined to it, as of one instant.

    Paths are as the rule names them: `("amount",)` of the watched entity (in a trigger's own `where`: of the
    event), `("account", "tier")`, `("owner", "region")`, `("was", "amount")`, `("event", "time")`,
    `("after", "by")`. A path that begins with the watched kind is asked without that first part.
    """

    @property
    def at(self) -> int:
        """The judged instant, microseconds since the epoch, UTC."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's zone: `today` is the date there at `at`."""
        ...

    def get(self, path: Path) -> object:
        """The raw JSON value (str, int, bool, list, dict) at `path`; None when it is missing.

        Money and decimals are decimal strings or ints, instants RFC 3339 text or int microseconds, durations
        int microseconds as of `at`.
        """
        ...

    def rate(self, currency: str) -> Decimal | None:
        """Base units per unit of `currency` in force; None when unknown. An absent currency is not asked."""
        ...

    def missing_rate(self, currency: str) -> None:
        """Told once per judged leaf that could not be converted (and therefore counts as matched)."""
        ...


@dataclass(slots=True)
class MappingScope:
    """A scope over nested plain mappings; the one that tests, previews and `rules test` use.

    `data` holds bare fields at its top and joined entities below their root's name. A joined entity and an id
    field may share a name (`account`): then put the joined one into `joined`.

    >>> scope = MappingScope(at=0, data={"amount": "5"}, joined={"account": {"tier": "A"}})
    >>> scope.get(("account", "tier"))
    'A'
    """

    at: int
    data: Mapping[str, object]
    joined: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    unrated: list[str] = field(default_factory=list)

    def get(self, path: Path) -> object:
        """The value at `path`, None when any step of it is missing."""
        if len(path) > 1 and path[0] in self.joined:
            return walk(self.joined[path[0]], path[1:])
        return walk(self.data, path)

    def rate(self, currency: str) -> Decimal | None:
        """Base units per unit of `currency`, None when `rates` lacks it."""
        return self.rates.get(currency)

    def missing_rate(self, currency: str) -> None:
        """Remember the currency in `unrated`."""
        self.unrated.append(currency)


def walk(value: object, path: Path) -> object:
    """Follow `path` through nested mappings; None as soon as a step is missing or is no mapping."""
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value
