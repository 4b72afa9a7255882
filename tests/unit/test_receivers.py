"""Receivers: every form, leave and deputies, requesters, cycles, and the errors of a misspelt one."""

from __future__ import annotations

import pytest

from rules.directory import ListDirectory
from rules.receiver_names import check_receiver
from rules.receivers import Missing, Subject, resolve, resolve_all, resolve_approvers
from schemas.directory import Person, Team
from schemas.errors import RuleError

AT = 1_000
AWAY = ((500, 2_000),)


def directory(*people: Person) -> ListDirectory:
    """A small sales house in two regions; `people` replace those of the same id."""
    house = {
        p.person: p
        for p in (
            Person("rep", manager="mgr", team="east-1"),
            Person("mgr", manager="dir", team="east-1", deputy="rep2"),
            Person("rep2", manager="mgr", team="east-1"),
            Person(
                "dir",
                manager="boss",
                roles=("sales_director",),
                region="east",
                org="hq",
                groups=("approvers",),
            ),
            Person("dir-n", manager="boss", roles=("director",), region="north"),
            Person("boss", roles=("ceo",), org="hq"),
            Person("cfo", roles=("cfo",), region="east", org="hq", groups=("approvers",)),
            Person("cfo-n", roles=("cfo",), region="north", org="sub"),
        )
    }
    house.update({p.person: p for p in people})
    teams = (Team("east-1", manager="mgr", region="east", org="hq"),)
    return ListDirectory(house.values(), teams)


@pytest.mark.parametrize(
    ("receiver", "persons"),
    [
        ("owner", ("rep",)),
        ("owner.manager", ("mgr",)),
        ("owner.director", ("dir",)),
        ("account.owner", ("rep2",)),
        ("team.manager", ("mgr",)),
        ("region.director", ("dir",)),
        ("role:cfo", ("cfo", "cfo-n")),
        ("role:cfo@region", ("cfo",)),
        ("role:cfo@org", ("cfo",)),
        ("user:boss", ("boss",)),
        ("group:approvers", ("cfo", "dir")),
    ],
)
def test_each_form_finds_its_persons(receiver: str, persons: tuple[str, ...]) -> None:
    found = resolve(receiver, Subject(owner="rep", account_owner="rep2"), directory(), AT)
    assert found.persons == persons
    assert found.missing is None
    assert found.path


@pytest.mark.parametrize(
    ("receiver", "subject", "missing"),
    [
        ("owner", Subject(), Missing.NO_OWNER),
        ("owner", Subject(owner="nobody"), Missing.UNKNOWN_PERSON),
        ("owner.manager", Subject(), Missing.NO_OWNER),
        ("owner.manager", Subject(owner="boss"), Missing.NO_MANAGER),
        ("owner.director", Subject(owner="dir"), Missing.NO_DIRECTOR),
        ("account.owner", Subject(owner="rep"), Missing.NO_ACCOUNT_OWNER),
        ("team.manager", Subject(owner="boss"), Missing.NO_TEAM),
        ("region.director", Subject(owner="boss"), Missing.NO_REGION),
        ("region.director", Subject(region="west"), Missing.NO_DIRECTOR),
        ("role:pope", Subject(owner="rep"), Missing.EMPTY_ROLE),
        ("role:cfo@region", Subject(owner="boss"), Missing.NO_REGION),
        ("role:cfo@org", Subject(owner="dir-n"), Missing.NO_ORG),
        ("role:ceo@region", Subject(owner="rep"), Missing.EMPTY_ROLE),
        ("user:nobody", Subject(), Missing.UNKNOWN_PERSON),
        ("group:nobody", Subject(), Missing.EMPTY_GROUP),
    ],
)
def test_nobody_found_says_why(receiver: str, subject: Subject, missing: Missing) -> None:
    found = resolve(receiver, subject, directory(), AT)
    assert (found.persons, found.missing) == ((), missing)
    assert found.path


def test_director_is_the_managers_manager_where_nobody_has_the_role() -> None:
    house = directory(Person("dir", manager="boss"))
    assert resolve("owner.director", Subject(owner="rep"), house, AT).persons == ("dir",)


def test_director_of_the_team_goes_before_the_managers_manager() -> None:
    people = (
        Person("rep", manager="mgr", team="t"),
        Person("mgr", manager="boss"),
        Person("boss"),
        Person("td"),
    )
    house = ListDirectory(people, (Team("t", director="td"),))
    assert resolve("owner.director", Subject(owner="rep"), house, AT).persons == ("td",)


def test_director_may_sit_far_up_the_chain() -> None:
    house = directory(Person("dir", manager="boss"), Person("boss", roles=("director",)))
    assert resolve("owner.director", Subject(owner="rep"), house, AT).persons == ("boss",)


def test_a_managers_circle_ends() -> None:
    house = ListDirectory((Person("a", manager="b"), Person("b", manager="a")))
    assert resolve("owner.director", Subject(owner="a"), house, AT).missing is Missing.NO_DIRECTOR


def test_kpi_rules_take_the_receivers_of_the_cut() -> None:
    cut = Subject(team="east-1")
    assert resolve("team.manager", cut, directory(), AT).persons == ("mgr",)
    assert resolve("region.director", cut, directory(), AT).persons == ("dir",)


@pytest.mark.parametrize(("at", "person"), [(499, "mgr"), (500, "rep2"), (1_999, "rep2"), (2_000, "mgr")])
def test_leave_begins_and_ends_to_the_microsecond(at: int, person: str) -> None:
    house = directory(Person("mgr", manager="dir", deputy="rep2", away=AWAY))
    assert resolve("owner.manager", Subject(owner="rep"), house, at).persons == (person,)


def test_the_deputy_of_an_absence_goes_before_the_usual_one() -> None:
    mgr = Person("mgr", manager="dir", deputy="rep2", away=AWAY)
    house = ListDirectory(
        (Person("rep", manager="mgr"), mgr, Person("cfo")), (), {"mgr": [(500, 2_000, "cfo")]}
    )
    assert resolve("owner.manager", Subject(owner="rep"), house, AT).persons == ("cfo",)


@pytest.mark.parametrize(
    ("deputy", "persons", "missing"), [("rep2", ("rep2",), None), (None, (), Missing.HAS_LEFT)]
)
def test_nobody_who_left_is_told(
    deputy: str | None, persons: tuple[str, ...], missing: Missing | None
) -> None:
    house = directory(Person("mgr", manager="dir", deputy=deputy, active=False))
    found = resolve("owner.manager", Subject(owner="rep"), house, AT)
    assert (found.persons, found.missing) == (persons, missing)


def test_an_approver_who_left_gives_way_to_the_next_manager() -> None:
    house = directory(Person("mgr", manager="dir", active=False))
    assert resolve_approvers("owner.manager", Subject(owner="rep"), house, AT, "rep").persons == ("dir",)


def test_those_who_left_are_out_of_roles_and_groups() -> None:
    house = directory(Person("cfo", roles=("cfo",), groups=("approvers",), active=False))
    assert resolve("role:cfo", Subject(), house, AT).persons == ("cfo-n",)
    assert resolve("group:approvers", Subject(), house, AT).persons == ("dir",)


def test_deputies_in_turn() -> None:
    house = directory(
        Person("mgr", manager="dir", deputy="rep2", away=AWAY), Person("rep2", deputy="cfo", away=AWAY)
    )
    found = resolve("owner.manager", Subject(owner="rep"), house, AT)
    assert found.persons == ("cfo",)
    assert "mgr is away: deputy rep2" in found.path


@pytest.mark.parametrize("deputy", ["rep2", "unknown", None])
def test_deputies_in_a_circle_unknown_or_none_leave_the_notice_with_the_first(deputy: str | None) -> None:
    house = directory(
        Person("mgr", manager="dir", deputy=deputy, away=AWAY), Person("rep2", deputy="mgr", away=AWAY)
    )
    found = resolve("owner.manager", Subject(owner="rep"), house, AT)
    assert found.persons == ("mgr",)
    assert "has no deputy present" in found.path[-1]


def test_two_people_with_one_deputy_give_one_person() -> None:
    house = directory(
        Person("cfo", roles=("cfo",), deputy="boss", away=AWAY),
        Person("cfo-n", roles=("cfo",), deputy="boss", away=AWAY),
    )
    assert resolve("role:cfo", Subject(), house, AT).persons == ("boss",)


def test_one_notice_each_over_several_receivers() -> None:
    found = resolve_all(["owner.manager", "team.manager", "role:pope"], Subject(owner="rep"), directory(), AT)
    assert [f.persons for f in found] == [("mgr",), (), ()]
    assert [f.missing for f in found] == [None, None, Missing.EMPTY_ROLE]


def test_requester_gives_way_to_the_next_manager() -> None:
    found = resolve_approvers("owner.manager", Subject(owner="rep"), directory(), AT, requester="mgr")
    assert found.persons == ("dir",)
    assert any("may not approve" in step for step in found.path)


def test_requester_does_not_approve_as_somebodys_deputy() -> None:
    house = directory(Person("mgr", manager="dir", deputy="rep", away=AWAY))
    found = resolve_approvers("owner.manager", Subject(owner="rep"), house, AT, requester="rep")
    assert found.persons == ("dir",)


def test_requester_without_managers_leaves_nobody() -> None:
    found = resolve_approvers("role:ceo", Subject(), directory(), AT, requester="boss")
    assert (found.persons, found.missing) == ((), Missing.ONLY_REQUESTER)


def test_approvers_without_requester_are_the_receivers() -> None:
    found = resolve_approvers("role:cfo", Subject(), directory(), AT, requester=None)
    assert found.persons == resolve("role:cfo", Subject(), directory(), AT).persons


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("owner.manger", "did you mean `owner.manager`?"),
        ("Owner", "did you mean `owner`?"),
        ("role：cfo", "did you mean `role:cfo`?"),
        ("zhang", "user:zhang"),
        ("role:", "role:cfo"),
        ("role:cfo@", "role:cfo@region"),
        ("role:cfo@team", "role:cfo@region"),
        ("user:a b", "user:li.lei"),
        ("", "user:"),
    ],
)
def test_a_misspelt_receiver_is_a_coded_error_with_a_suggestion(text: str, suggestion: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_receiver(text, "pack.yaml:9: then.0.notify.to.0")
    assert caught.value.code == "SW-RULE-060"
    assert caught.value.place == "pack.yaml:9: then.0.notify.to.0"
    assert suggestion in caught.value.next_step
