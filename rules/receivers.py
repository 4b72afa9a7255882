"""Who is meant by `owner.manager` or `role:cfo@region`: receivers resolved against the directory.

Pure: the directory is handed in as it stood at the judged instant; nothing here reads a clock or a file.

    owner            the owner of the watched entity          user:ID        that person
    owner.manager    the owner's manager                      group:NAME     everybody in the group
    owner.director   first director up the manager chain      role:R         everybody with the role
    account.owner    the owner of the account                 role:R@region  ... in the owner's region
    team.manager     the manager of the owner's team          role:R@org     ... in the owner's org
    region.director  the directors of the owner's region

A director is a person with the role `director` or `sales_director`. Where the chain has none it is the team's
director, else the manager's manager.
A person on leave is replaced by the deputy, and the deputy by theirs; where that ends with
nobody present, the notice still goes to the first person (better late than lost), and `path` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from rules.directory import Directory, managers_above, place_of, place_of_team, stand_in
from rules.receiver_names import Receiver, check_receiver

__all__ = [
    "DIRECTOR_ROLES",
    "Missing",
    "Receiver",
    "Resolution",
    "Subject",
    "check_receiver",
    "resolve",
    "resolve_all",
    "resolve_approvers",
]

DIRECTOR_ROLES = ("director", "sales_director")


class Missing(StrEnum):
    """Why nobody was found; the same words in log, metric label and administrator's alert."""

    NO_OWNER = "no_owner"
    NO_ACCOUNT_OWNER = "no_account_owner"
    UNKNOWN_PERSON = "unknown_person"
    NO_MANAGER = "no_manager"
    NO_DIRECTOR = "no_director"
    NO_TEAM = "no_team"
    NO_REGION = "no_region"
    NO_ORG = "no_org"
    EMPTY_ROLE = "empty_role"
    EMPTY_GROUP = "empty_group"
    ONLY_REQUESTER = "only_requester"
    HAS_LEFT = "has_left"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rule fired on, reduced to what receivers need. KPI rules fill `team`, `region` of their cut.

    team, region, org override what the owner's person and team say.
    """

    owner: str | None = None
    account_owner: str | None = None
    team: str | None = None
    region: str | None = None
    org: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """persons: ids, each once, as found. path: how, one English line a step. missing: why nobody."""

    persons: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    missing: Missing | None = None


def resolve(receiver: str, subject: Subject, directory: Directory, at: int) -> Resolution:
    """The persons meant by `receiver` for `subject` at `at` (us), people on leave replaced by their deputies.

    Raises RuleError when the text is no receiver. Nobody found is not an error: `missing` says why.
    """
    found = _named(check_receiver(receiver), subject, directory)
    if found.missing:
        return found
    persons: dict[str, None] = {}
    path = list(found.path)
    for person_id in found.persons:
        present, steps = stand_in(person_id, directory, at)
        path.extend(steps)
        if present is not None:
            persons[present] = None
    return Resolution(tuple(persons), tuple(path), None if persons else Missing.HAS_LEFT)


def resolve_all(
    receivers: Iterable[str], subject: Subject, directory: Directory, at: int
) -> list[Resolution]:
    """One Resolution per receiver, a person named earlier left out of the later ones (one notice each)."""
    seen: set[str] = set()
    answers = []
    for receiver in receivers:
        found = resolve(receiver, subject, directory, at)
        fresh = tuple(p for p in found.persons if p not in seen)
        seen.update(fresh)
        answers.append(Resolution(fresh, found.path, found.missing))
    return answers


def resolve_approvers(
    receiver: str, subject: Subject, directory: Directory, at: int, requester: str | None
) -> Resolution:
    """As `resolve`, but nobody approves their own request: the requester gives way to the next manager.

    That holds too where the requester is only the deputy of the approver. `requester` None checks nothing.
    """
    found = _named(check_receiver(receiver), subject, directory)
    if found.missing:
        return found
    persons: dict[str, None] = {}
    path = list(found.path)
    for person_id in found.persons:
        approver, steps = _not_requester(person_id, directory, at, requester)
        path.extend(steps)
        if approver is not None:
            persons[approver] = None
    return Resolution(tuple(persons), tuple(path), None if persons else Missing.ONLY_REQUESTER)


def _not_requester(
    person_id: str, directory: Directory, at: int, requester: str | None
) -> tuple[str | None, list[str]]:
    path: list[str] = []
    for candidate in (person_id, *managers_above(person_id, directory)):
        present, steps = stand_in(candidate, directory, at)
        path.extend(steps)
        if present is None:
            continue
        if present != requester:
            return present, path
        path.append(f"{present} asked for it and may not approve it: next manager")
    return None, path


def _named(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    return _RESOLVERS[receiver.kind](receiver, subject, directory)


def _one(person_id: str | None, missing: Missing, step: str, directory: Directory) -> Resolution:
    if not person_id:
        return Resolution(missing=missing, path=(f"{step}: none",))
    if directory.person(person_id) is None:
        return Resolution(
            missing=Missing.UNKNOWN_PERSON, path=(f"{step}: {person_id} is not in the directory",)
        )
    return Resolution((person_id,), (f"{step}: {person_id}",))


def _owner(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    return _one(subject.owner, Missing.NO_OWNER, "owner", directory)


def _account_owner(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    return _one(subject.account_owner, Missing.NO_ACCOUNT_OWNER, "account.owner", directory)


def _owner_manager(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    owner = _owner(receiver, subject, directory)
    if owner.missing:
        return owner
    person = directory.person(owner.persons[0])
    manager = person.manager if person else None
    return _after(owner, _one(manager, Missing.NO_MANAGER, f"manager of {owner.persons[0]}", directory))


def _owner_director(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    owner = _owner(receiver, subject, directory)
    if owner.missing:
        return owner
    chain = list(managers_above(owner.persons[0], directory))
    for person_id in chain:
        person = directory.person(person_id)
        if person is not None and set(DIRECTOR_ROLES) & set(person.roles):
            step = f"first director above {owner.persons[0]} by {' > '.join(chain)}"
            return _after(owner, _one(person_id, Missing.NO_DIRECTOR, step, directory))
    team_id = subject.team or _from_owner(subject, directory, "team")
    team = directory.team(team_id) if team_id else None
    if team is not None and team.director:
        step = f"no director above {owner.persons[0]}, director of team {team.team}"
        return _after(owner, _one(team.director, Missing.NO_DIRECTOR, step, directory))
    second = chain[1] if len(chain) > 1 else None
    step = f"no director above {owner.persons[0]}, manager's manager"
    return _after(owner, _one(second, Missing.NO_DIRECTOR, step, directory))


def _team_manager(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    team_id = subject.team or _from_owner(subject, directory, "team")
    team = directory.team(team_id) if team_id else None
    if team is None:
        return Resolution(missing=Missing.NO_TEAM, path=(f"team {team_id or 'of the owner'}: none",))
    return _one(team.manager, Missing.NO_MANAGER, f"manager of team {team.team}", directory)


def _region_director(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    region = _place(subject, directory, "region")
    if region is None:
        return Resolution(missing=Missing.NO_REGION, path=("region of the owner: none",))
    directors = {p for role in DIRECTOR_ROLES for p in directory.with_role(role)}
    found = tuple(p for p in sorted(directors) if place_of(p, directory, "region") == region)
    step = f"directors of region {region}: {', '.join(found) or 'none'}"
    return Resolution(found, (step,), None if found else Missing.NO_DIRECTOR)


def _role(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    people = tuple(directory.with_role(receiver.name))
    step = f"role {receiver.name}"
    if receiver.scope:
        wanted = _place(subject, directory, receiver.scope)
        if wanted is None:
            missing = Missing.NO_REGION if receiver.scope == "region" else Missing.NO_ORG
            return Resolution(missing=missing, path=(f"{receiver.scope} of the owner: none",))
        people = tuple(p for p in people if place_of(p, directory, receiver.scope) == wanted)
        step = f"{step} in {receiver.scope} {wanted}"
    path = (f"{step}: {', '.join(people) or 'nobody'}",)
    return Resolution(people, path, None if people else Missing.EMPTY_ROLE)


def _user(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    return _one(receiver.name, Missing.UNKNOWN_PERSON, "user", directory)


def _group(receiver: Receiver, subject: Subject, directory: Directory) -> Resolution:
    people = tuple(p for p in directory.in_group(receiver.name) if directory.person(p) is not None)
    path = (f"group {receiver.name}: {', '.join(people) or 'nobody'}",)
    return Resolution(people, path, None if people else Missing.EMPTY_GROUP)


def _after(first: Resolution, then: Resolution) -> Resolution:
    return Resolution(then.persons, first.path + then.path, then.missing)


def _from_owner(subject: Subject, directory: Directory, name: str) -> str | None:
    owner = directory.person(subject.owner) if subject.owner else None
    value: str | None = getattr(owner, name) if owner else None
    return value


def _place(subject: Subject, directory: Directory, scope: str) -> str | None:
    """The subject's own region or org, else its owner's, else its team's."""
    own: str | None = getattr(subject, scope)
    if own:
        return own
    place = place_of(subject.owner, directory, scope) if subject.owner else None
    return place or place_of_team(subject.team, directory, scope)


_RESOLVERS: dict[str, Callable[[Receiver, Subject, Directory], Resolution]] = {
    "owner": _owner,
    "owner.manager": _owner_manager,
    "owner.director": _owner_director,
    "account.owner": _account_owner,
    "team.manager": _team_manager,
    "region.director": _region_director,
    "role": _role,
    "user": _user,
    "group": _group,
}
