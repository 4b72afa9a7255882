"""Which fields of an entity name its parents: the documents it came from, and at the end its account.

The order is the order of trust: the first field that is set says where the entity belongs. Resolving a
parent to its account is not done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

PARENTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "account": (),
        "contact": (("account", "account"),),
        "lead": (("account", "account"),),
        "opportunity": (("account", "account"), ("lead", "lead")),
        "activity": (
            ("opportunity", "opportunity"),
            ("account", "account"),
            ("lead", "lead"),
            ("contact", "contact"),
        ),
        "visit": (
            ("opportunity", "opportunity"),
            ("account", "account"),
            ("lead", "lead"),
            ("contact", "contact"),
        ),
        "message": (
            ("opportunity", "opportunity"),
            ("account", "account"),
            ("lead", "lead"),
            ("contact", "contact"),
        ),
        "quote": (("opportunity", "opportunity"), ("account", "account")),
        "contract": (("opportunity", "opportunity"), ("account", "account"), ("quote", "quote")),
        "order": (
            ("contract", "contract"),
            ("account", "account"),
            ("opportunity", "opportunity"),
            ("quote", "quote"),
        ),
        "invoice": (("order", "order"), ("account", "account"), ("contract", "contract"), ("of", "invoice")),
        "payment": (("account", "account"), ("contract", "contract")),
        "project": (("contract", "contract"), ("account", "account"), ("opportunity", "opportunity")),
        "approval": (),
        "cost": (),
        "target": (),
        "person": (),
        "team": (),
        "rate": (),
        "calendar": (),
        "source": (),
    }
)
"""kind -> ordered (field of data, kind it names). Approvals and allocations are read by ``parents_of``
besides."""

OTHER_PARENTS: Final = tuple(
    (kind, kind) for kind in ("contract", "order", "project", "opportunity", "account", "lead", "contact")
)
"""For kinds that the registry does not know: fields named like the kind they name."""

_ALLOCATED_TO: Final = ("invoice", "order", "contract")


def parents_of(kind: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, native id) of every parent that ``data`` names, most trusted first, without repeats.

    >>> parents_of("quote", {"quote": "Q1", "account": "A1", "opportunity": "O1"})
    [('opportunity', 'O1'), ('account', 'A1')]
    """
    found: list[tuple[str, str]] = []
    for field, parent in PARENTS.get(kind, OTHER_PARENTS):
        native = data.get(field)
        if native and isinstance(native, str):
            _add(found, kind, data, parent, native)
    if kind in ("payment", "approval"):
        for parent, native in _besides(kind, data):
            if native and isinstance(native, str):
                _add(found, kind, data, parent, native)
    return found


def _add(found: list[tuple[str, str]], kind: str, data: Mapping[str, Any], parent: str, native: str) -> None:
    """Once each, and nothing is its own parent."""
    if (parent, native) not in found and (parent != kind or native != data.get(kind)):
        found.append((parent, native))


def _besides(kind: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if kind == "payment":
        for part in data.get("allocations") or ():
            for field in _ALLOCATED_TO:
                yield field, part.get(field)
    else:
        of = data.get("of") or {}
        yield of.get("kind", ""), of.get("id")


APPROVABLE: Final = ("opportunity", "quote", "contract", "order", "invoice", "payment", "project", "account")
"""What an approval's ``of`` may name, and a rule on approvals may therefore join."""


def _ancestors(kind: str, seen: frozenset[str]) -> frozenset[str]:
    direct = {parent for _, parent in PARENTS.get(kind, ())} - seen
    found = seen | direct
    for parent in direct:
        found = _ancestors(parent, found)
    return found


_APPROVAL: Final = frozenset(APPROVABLE).union(*(_ancestors(kind, frozenset()) for kind in APPROVABLE))

ANCESTORS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {kind: _ancestors(kind, frozenset()) - {kind} for kind in PARENTS} | {"approval": _APPROVAL}
)
"""kind -> every kind it can be joined to through its parents: an invoice's order, contract, quote, ...
account."""
