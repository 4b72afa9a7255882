"""Stories of events, corrections and deletions of entities; what they say in the end; how they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from schemas.time import format_instant
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, Log, event

Named = dict[str, str | None]
Fact = tuple[int, int, Named]
"""Second at which it happened, place in the log, what it says."""


@dataclass(frozen=True)
class Told:
    """One event of an entity: the second at which it happened, what it names.

    of: the event that it corrects (moves to `to`) or, `gone`, takes back.
    """

    key: str
    second: int
    named: Named
    of: int | None = None
    gone: bool = False
    to: int | None = None


def facts(story: Sequence[Told], order: Sequence[int], key: str) -> Iterator[Fact]:
    """What the entity's events say in the end."""
    changes = {told.of: told for told in story if told.of is not None}
    for n, told in enumerate(story):
        change = changes.get(n)
        if told.key != key or told.of is not None or (change is not None and change.gone):
            continue
        named = {**told.named, **(change.named if change is not None else {})}
        second = told.second if change is None or change.to is None else change.to
        yield second, order.index(n), named


def tell(
    cluster: Cluster, story: Sequence[Told], ends: Mapping[str, str], draw: st.DataObject
) -> Sequence[int]:
    """Tell the story in any order, partitions at any speed; its order. ends: kind -> end of a type."""
    order: Sequence[int] = draw.draw(st.permutations(range(len(story))))
    random = draw.draw(st.randoms(use_true_random=False))

    def choose(logs: list[Log]) -> Log:
        return random.choice(logs)

    for n in order:
        _send(cluster, n, story[n], ends)
        cluster.take_steps(choose, draw.draw(st.integers(0, 6)))
    cluster.run(choose)
    return order


def _send(cluster: Cluster, n: int, told: Told, ends: Mapping[str, str]) -> None:
    kind, _, native = told.key.partition(":")
    data: Named = {kind: native, **told.named}
    if told.of is not None:
        data["event"] = f"e{told.of}"
    if told.to is not None:
        data["time"] = format_instant(MARCH + told.to * SECOND)
    end = ends[kind] if told.of is None else "deleted" if told.gone else "corrected"
    value = event(f"{kind}.{end}", f"e{n}", MARCH + told.second * SECOND)
    cluster.send(told.key, {**value, "data": data})
