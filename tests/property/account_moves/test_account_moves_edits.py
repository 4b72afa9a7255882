"""An entity may move at any step of an edit's sweep: what stands, and under which version, is the same."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.machines.keys import entity_key
from tests.property.account_moves.cluster import AccountCluster, Choose
from tests.property.account_moves.histories import (
    ACCOUNTS,
    BEGIN,
    DAY,
    DEALS,
    HOUR,
    Move,
    Story,
    Told,
    plans,
    rule_text,
    settled,
    tell,
)
from tests.unit.identity.cluster import SECOND, first

SILENCES = {"stale": "3d", "stale-key": "2d", "stale-wide": "4d", "quiet-account": "2d", "lead": "2d"}
"""Rules that are edited, and how long they wait at first."""

Edit = tuple[str, str]
"""Rule, how long it waits from then on."""

edits = st.tuples(st.sampled_from(sorted(SILENCES)), st.sampled_from(("1d", "5d")))
moving = st.one_of(
    st.tuples(st.sampled_from(DEALS), st.sampled_from(ACCOUNTS)),
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)),
)
"""A deal changes its customer, or an account is merged."""


def rule(cluster: AccountCluster, name: str, text: str) -> None:
    cluster.send(
        "", {"what": "rule", "rule": name, "text": text, "on": True}, kind="shared", topic="commands"
    )


def edited(edit: Edit) -> str:
    """The rule with another duration."""
    name, lasts = edit
    return rule_text(name).replace(f"for: {SILENCES[name]}", f"for: {lasts}")


def send(cluster: AccountCluster, told: Told) -> None:
    value = {"id": f"{told.type}-{told.native}-{told.at}", "src": "crm", "type": told.type,
             "time": BEGIN + told.time, "data": told.data}  # fmt: skip
    cluster.at = BEGIN + told.at - SECOND
    cluster.send(entity_key(told.kind, "", told.native), value)


def with_move(story: Story, move: tuple[str, str]) -> Story:
    """The story, and at its end the move; one that is none tells nothing new."""
    what, account = move
    at = story.events[-1].at + HOUR
    new = Story([*story.events], dict(story.merged), set(story.known))
    if what in DEALS and ("opportunity", what) in story.known:
        data = {"opportunity": what, "account": account}
        new.events.append(Told(at, at, "opportunity.updated", what, data))
    elif what in ACCOUNTS and story.survivor(what) == what and story.survivor(account) != what:
        new.events.append(Told(at, at, "account.merged", what, {"account": what, "into": account}))
        new.merged[what] = account
    return new


def play(
    story: Story, since: int, edit: Edit, partitions: int, choose: Choose, turns: Sequence[tuple[int, int]]
) -> AccountCluster:
    """Tell all up to `since` in peace; what follows moves while the rule is edited. turns: how many records
    are read, then how many keys are swept; the edit comes after the first.
    """
    cluster = AccountCluster(partitions)
    cluster.at = BEGIN - DAY
    for name in SILENCES:
        rule(cluster, name, rule_text(name))
    cluster.settle(choose, BEGIN - DAY + SECOND)
    for told in story.events[:since]:
        send(cluster, told)
        cluster.settle(choose, BEGIN + told.at)
    end = BEGIN + story.events[-1].at
    for told in story.events[since:]:
        send(cluster, told)
    for n, (records, keys) in enumerate(turns):
        cluster.take_steps(choose, records)
        if n == 0:
            cluster.at = end
            rule(cluster, edit[0], edited(edit))
        cluster.sweep(keys)
    cluster.settle(choose, end + 2 * SECOND)
    cluster.settle(choose, end + 30 * DAY)
    return cluster


def standing(cluster: AccountCluster, here: set[str]) -> list[tuple[str, int, str, int]]:
    """(rule, version, entity, due) of alerts that stand at the end."""
    last = {a["alert"]: a for a in sorted(cluster.alerts, key=lambda a: int(a["n"]))}
    found = ((a["rule"], a["version"], f"{a['entity']}|{a['key']}", a["due"])
             for a in last.values() if a["state"] == "firing")  # fmt: skip
    return sorted(one for one in found if one[2] in here)


@settings(max_examples=25)
@given(
    plans,
    moving,
    edits,
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=6),
    st.data(),
)
def test_a_move_during_an_edits_sweep_changes_nothing(
    plan: list[Move],
    move: tuple[str, str],
    edit: Edit,
    partitions: int,
    turns: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    before = tell(plan)
    story = with_move(before, move)
    choose = data.draw(st.randoms(use_true_random=False)).choice
    moved = play(story, len(before.events), edit, partitions, choose, turns)
    quiet = settled(story)
    still = play(quiet, len(quiet.events), edit, 1, first, [(0, 0)])
    assert moved.codes() == []
    assert moved.under_way() == []
    here = {name for _, name, _ in still.rows("e")}
    assert standing(moved, here) == standing(still, here)
