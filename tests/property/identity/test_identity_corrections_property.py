"""Whatever names, corrects and takes back, in whatever order it comes: an entity is in the end where its
corrected history says.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.identity.told import Named, Told, facts, tell
from tests.unit.identity.cluster import Cluster, event

ACCOUNTS = ("A1", "A2", "A3")
DEALS = {"O1": "A1", "O2": "A2", "O9": None}
"""Deal -> its account; nobody knows the last one."""

ACTIVITY = "activity:X"
names: st.SearchStrategy[Named] = st.one_of(
    st.just({}),
    st.sampled_from(ACCOUNTS).map(lambda account: {"account": account}),
    st.sampled_from(sorted(DEALS)).map(lambda deal: {"opportunity": deal}),
)
cleared: st.SearchStrategy[Named] = st.sampled_from(["account", "opportunity"]).map(lambda name: {name: None})


@st.composite
def stories(draw: st.DrawFn) -> list[Told]:
    """Events of one activity; each is corrected or taken back at most once."""
    plain = [Told(ACTIVITY, draw(st.integers(-20, 0)), draw(names)) for _ in range(draw(st.integers(1, 5)))]
    story = list(plain)
    for of in draw(st.lists(st.integers(0, len(plain) - 1), max_size=4, unique=True)):
        second, to = draw(st.integers(-20, 0)), draw(st.one_of(st.none(), st.integers(-20, 0)))
        if draw(st.integers(0, 2)) == 0:
            story.append(Told(ACTIVITY, second, {}, of, gone=True))
        else:
            story.append(Told(ACTIVITY, second, draw(st.one_of(names, cleared)), of, to=to))
    return story


def namings(story: list[Told], order: Sequence[int]) -> list[tuple[int, int, str | None]]:
    """(second, place, account or None when the deal is of none) of all that names anything in the end."""
    found = []
    for second, place, named in facts(story, order, ACTIVITY):
        account = named.get("account") or named.get("opportunity")
        if account is not None:
            found.append((second, place, DEALS.get(account, account)))
    return sorted(found, key=lambda naming: naming[:2])


@settings(max_examples=200)
@given(stories(), st.integers(1, 4), st.data())
def test_an_entity_is_where_its_corrected_history_says(
    story: list[Told], partitions: int, data: st.DataObject
) -> None:
    cluster = Cluster(partitions)
    for deal, account in DEALS.items():
        if account is not None:
            value = event("opportunity.created", f"d{deal}", opportunity=deal, account=account)
            cluster.send(f"opportunity:{deal}", value)
    order = tell(cluster, story, {"activity": "logged"}, data)
    places = cluster.places().get("activity||X", {})
    named = namings(story, order)
    account = named[-1][2] if named else None
    if account is not None:
        assert list(places) == [f"account:{account}"]
        assert sorted(places[f"account:{account}"]) == sorted(f"e{n}" for n in range(len(story)))
        assert cluster.waiting() == []
    else:
        assert sum(map(len, places.values())) + sum(w.count for w in cluster.waiting()) == len(story)
        customers = {f"account:{known}" for _, _, known in named if known is not None}
        gone = {told.of for told in story if told.gone}
        left = any(told.of is None and n not in gone for n, told in enumerate(story))
        assert places.keys() <= customers | {"activity:X"} or not left
    assert cluster.codes() == []
