"""Services as Faust wants them: classes that need nothing but Faust's own arguments."""

from __future__ import annotations

from typing import Any, TypeVar

from mode import Service

S = TypeVar("S", bound=Service)


def hosted(kind: type[S], *given: object) -> type[S]:
    """`kind` with its own arguments given; what Faust gives goes on to it by name."""

    def init(self: S, **more: Any) -> None:
        kind.__init__(self, *given, **more)

    made: type[S] = type(f"Hosted{kind.__name__}", (kind,), {"__init__": init, "__module__": __name__})
    return made
