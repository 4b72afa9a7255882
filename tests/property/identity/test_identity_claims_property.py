"""What a lead became, and whose mail an address is, follows the corrected history, in whatever order it is
told: a claim that is corrected or taken back leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.time import format_instant
from tests.unit.identity.cluster import MARCH, SECOND, Cluster, Log, event

Named = dict[str, str | None]
Fact = tuple[int, int, Named]
"""Second at which it happened, place in the log, what it says."""

ENTITIES = ("lead:L1", "lead:L2", "contact:K1", "contact:K2", "opportunity:O1", "opportunity:O2")
ENDS = {"lead": "converted", "contact": "updated", "opportunity": "updated"}
SAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "lead": {"account": ("A1", "A2"), "opportunity": ("O1", "O2")},
    "contact": {"account": ("A3", "A4"), "mail": ("a@x", "b@x")},
    "opportunity": {"account": ("A5",)},
}
BELOW = {"activity:X1": ("opportunity", "O1"), "activity:X2": ("opportunity", "O2"),
         "message:M1": ("from", "a@x"), "message:M2": ("from", "b@x")}  # fmt: skip
"""What is below them, and how it names what is above it."""


@dataclass(frozen=True)
class Told:
    """One event of an entity. of: the event that it corrects (moves to `to`) or, `gone`, takes back."""

    key: str
    second: int
    named: Named
    of: int | None = None
    gone: bool = False
    to: int | None = None


@st.composite
def said(draw: st.DrawFn, kind: str, *, clearing: bool = False) -> Named:
    nothing = (None,) if clearing else ()
    fields = draw(st.sets(st.sampled_from(sorted(SAYS[kind]))))
    return {name: draw(st.sampled_from((*SAYS[kind][name], *nothing))) for name in sorted(fields)}


@st.composite
def stories(draw: st.DrawFn) -> list[Told]:
    """Each event is corrected or taken back at most once."""
    story: list[Told] = []
    for key in draw(st.lists(st.sampled_from(ENTITIES), min_size=1, max_size=8)):
        story.append(Told(key, draw(st.integers(-20, 0)), draw(said(key.partition(":")[0]))))
    for of in draw(st.lists(st.integers(0, len(story) - 1), max_size=6, unique=True)):
        key, second = story[of].key, draw(st.integers(-20, 0))
        if draw(st.booleans()):
            story.append(Told(key, second, {}, of, gone=True))
        else:
            to = draw(st.one_of(st.none(), st.integers(-20, 0)))
            named = draw(said(key.partition(":")[0], clearing=True))
            story.append(Told(key, second, named, of, to=to))
    return story


def facts(story: list[Told], order: list[int], key: str) -> Iterator[Fact]:
    """What the entity's events say in the end."""
    changes = {told.of: told for told in story if told.of is not None}
    for n, told in enumerate(story):
        change = changes.get(n)
        if told.key != key or told.of is not None or (change is not None and change.gone):
            continue
        named = {**told.named, **(change.named if change is not None else {})}
        second = told.second if change is None or change.to is None else change.to
        yield second, order.index(n), named


def home(story: list[Told], order: list[int], key: str) -> str:
    """The key where the entity belongs: its own latest account, else that of the newest claim on it."""
    own = [(second, place, named["account"]) for second, place, named in facts(story, order, key)
           if named.get("account")]  # fmt: skip
    if own:
        return f"account:{max(own)[2]}"
    claims = [
        (second, claimant)
        for claimant in ENTITIES
        for second, _, named in facts(story, order, claimant)
        if key in (f"opportunity:{named.get('opportunity')}", f"mail:{named.get('mail')}")
    ]
    return home(story, order, max(claims)[1]) if claims else key


def send(cluster: Cluster, n: int, told: Told) -> None:
    kind, _, native = told.key.partition(":")
    data: dict[str, str | None] = {kind: native, **told.named}
    if told.of is not None:
        data["event"] = f"e{told.of}"
    if told.to is not None:
        data["time"] = format_instant(MARCH + told.to * SECOND)
    end = ENDS[kind] if told.of is None else "deleted" if told.gone else "corrected"
    value = event(f"{kind}.{end}", f"e{n}", MARCH + told.second * SECOND)
    cluster.send(told.key, {**value, "data": data})


@settings(max_examples=200)
@given(stories(), st.integers(1, 4), st.data())
def test_what_is_claimed_follows_the_corrected_history(
    story: list[Told], partitions: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(story))))
    random = data.draw(st.randoms(use_true_random=False))

    def choose(logs: list[Log]) -> Log:
        return random.choice(logs)

    cluster = Cluster(partitions)
    for key, (field, above) in BELOW.items():
        kind, _, native = key.partition(":")
        value = event(f"{kind}.logged", key)
        cluster.send(key, {**value, "data": {kind: native, field: above}})
    for n in order:
        send(cluster, n, story[n])
        cluster.take_steps(choose, data.draw(st.integers(0, 6)))
    cluster.run(choose)
    check(cluster, story, order)


def check(cluster: Cluster, story: list[Told], order: list[int]) -> None:
    """Each entity, and what is below it, is at one key; what nobody claims waits, or is nobody's."""
    assert cluster.codes() == []
    waiting = {item.key for item in cluster.waiting()}
    places = {name.replace("||", ":"): list(found) for name, found in cluster.places().items()}
    known = {told.key for told in story}
    for key in known & places.keys():
        assert places[key] == [home(story, order, key)] or not list(facts(story, order, key))
    for key, (field, above) in BELOW.items():
        parent = f"opportunity:{above}" if field == "opportunity" else f"mail:{above}"
        expected = home(story, order, parent)
        if expected == parent and key in waiting:
            assert key not in places
        else:
            assert places[key] == [expected]
    assert known <= places.keys() | waiting
