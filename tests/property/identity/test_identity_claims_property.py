"""What a lead became, and whose mail an address is, follows the corrected history, in whatever order it is
told: a claim that is corrected or taken back leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.identity.told import Named, Told, facts, tell
from tests.unit.identity.cluster import Cluster, event

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


def home(story: list[Told], order: Sequence[int], key: str) -> str:
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


@settings(max_examples=200)
@given(stories(), st.integers(1, 4), st.data())
def test_what_is_claimed_follows_the_corrected_history(
    story: list[Told], partitions: int, data: st.DataObject
) -> None:
    cluster = Cluster(partitions)
    for key, (field, above) in BELOW.items():
        kind, _, native = key.partition(":")
        value = event(f"{kind}.logged", key)
        cluster.send(key, {**value, "data": {kind: native, field: above}})
    order = tell(cluster, story, ENDS, data)
    check(cluster, story, order)


def check(cluster: Cluster, story: list[Told], order: Sequence[int]) -> None:
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
