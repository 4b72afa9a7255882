"""Who is told and in which words: receivers found in the directory, texts filled in, notices emitted to
inboxes.

The lowest layer of what alerts set in motion; it changes no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, Unpack

from rules import lifecycle
from rules.reasons import Reason, reason_text
from rules.receivers import Subject, resolve_all
from rules.templates import Money, Style, Template, render
from schemas.canonical import digest
from schemas.directory import Person
from schemas.time import format_instant
from streams.machines.account.directory import SharedDirectory
from streams.machines.account.entities import Row
from streams.machines.account.scope import EntityScope
from streams.machines.account.world import World

NOTICES = "notices"
BY_MAIL = ("email",)
"""The channels of an action that names none."""


def person_key(person: str) -> str:
    """Key of a receiver's inbox."""
    return f"person:{person}"


def directory(world: World) -> SharedDirectory:
    """The directory in force at the step's logical time."""
    return SharedDirectory(world, world.ctx.at)


def subject_of(world: World, row: Row) -> Subject:
    """The entity reduced to what receivers need."""
    account = world.row("account", world.account_id) if world.account_id else None
    return Subject(
        owner=world.owner(row),
        account_owner=None if account is None else account["d"].get("owner"),
        region=row["d"].get("region"),
        org=row["d"].get("org") or (account["d"].get("org") if account else None),
    )


def find(world: World, row: Row, receivers: Iterable[str]) -> tuple[list[str], list[str]]:
    """(person ids found, receivers for whom nobody was found)."""
    wanted = list(receivers)
    found: list[str] = []
    missing: list[str] = []
    for receiver, resolution in zip(
        wanted, resolve_all(wanted, subject_of(world, row), directory(world), world.ctx.at), strict=True
    ):
        found.extend(resolution.persons)
        if resolution.missing:
            missing.append(f"{receiver} ({resolution.missing})")
    return found, missing


def language_of(world: World, person: Person | None) -> Literal["zh", "en"]:
    """`zh` or `en`: the person's language, else the organisation's."""
    chosen = (person.language if person else None) or world.settings.get("language", "zh")
    return "en" if str(chosen).startswith("en") else "zh"


def text(world: World, row: Row, alert: Row, person: str, template: Template | None) -> str:
    """A rule's text for one person; the rule's title without a template."""
    if template is None:
        return str(alert["title"])
    scope = EntityScope(world, row, world.ctx.at)

    def value_of(path: str) -> Any:
        if path in ("due", "silence"):
            return alert["d"] if path == "due" else world.ctx.at - alert["d"]
        parts = tuple(path.split("."))
        value = scope.get(parts[1:] if parts[0] == row["kind"] and len(parts) > 1 else parts)
        if path.rpartition(".")[2] in ("amount", "amount_untaxed") and value is not None:
            currency = row["d"].get("currency") or world.settings.get("currency", "CNY")
            return Money(value, str(currency)) if isinstance(value, int) else value
        return value

    style = Style(language_of(world, None), world.zone, world.settings.get("currency", "CNY"))
    return render(template, value_of, style)


LABELS: Mapping[str, tuple[str, str]] = {
    "account": ("客户", "Account"), "name": ("名称", "Name"), "amount": ("金额", "Amount"), "stage": ("阶段",
    "Stage"),
    "owner": ("负责人", "Owner"), "due": ("应完成时间", "Due"), "entity": ("对象", "Record"), "reason":
    ("原因",
    "Reason"),
    "rule": ("规则", "Rule"),
}  # fmt: skip


def fact_lines(
    world: World, row: Row | None, alert: Row, kind: str, native: str, reason: Reason
) -> dict[str, str]:
    """What a person needs to see, label -> text."""
    language = language_of(world, None)
    index = 0 if language == "zh" else 1
    found = {
        "entity": f"{kind} {native}",
        "reason": reason_text(reason, language),
        "due": format_instant(alert["d"]),
        "rule": f"{alert['rule']} v{alert['v']}",
    }
    if row is not None:
        data = row["d"]
        if data.get("name"):
            found["name"] = str(data["name"])
        if data.get("amount") is not None:
            found["amount"] = (
                f"{data['amount']} {data.get('currency', world.settings.get('currency', 'CNY'))}"
            )
        if row.get("s"):
            found["stage"] = str(row["s"])
        owner = world.owner(row)
        if owner:
            person = directory(world).person(owner)
            found["owner"] = person.name if person else owner
    account = world.row("account", world.account_id) if world.account_id else None
    if account is not None:
        found["account"] = str(account["d"].get("name") or account["id"])
    order = [name for name in LABELS if name in found]
    return {LABELS[name][index]: found[name] for name in order}


class Details(TypedDict, total=False):
    """What a notice may say besides: its title, lines, how often to remind, the task or approval it is of.

    via: channels; without it, those by which the person was told of it before.
    """

    title: str
    lines: Iterable[str]
    remind: int | str | None
    item: Row
    about: str | None
    kind: str
    native: str
    due: int | None
    number: int
    via: Iterable[str]


def tell(
    world: World,
    row: Row | None,
    alert: Row,
    person: str,
    what: str,
    *,
    reason: Reason,
    **details: Unpack[Details],
) -> None:
    """Emit one notice to one person's inbox. number: tells apart notices that are alike (reminders)."""
    item, due, about = details.get("item"), details.get("due"), details.get("about")
    found = directory(world).person(person)
    kind = details.get("kind") or (row["kind"] if row else "")
    native = details.get("native") or (row["id"] if row else "")
    seen = item["n"] if item is not None else alert["n"]
    subject = item["id"] if item is not None else alert["id"]
    notice: dict[str, Any] = {
        "notice": digest("notice", subject, str(seen), what, person, str(details.get("number", 0))),
        "alert": alert["id"],
        "rule": alert["rule"],
        "transition": lifecycle.transition_id(subject, seen),
        "kind": what,
        "receiver": person,
        "title": details.get("title") or alert["title"],
        "at": world.ctx.at,
        "seen": seen,
        "address": found.mail if found else None,
        "language": language_of(world, found),
        "lines": list(details.get("lines", ())),
        "facts": fact_lines(world, row, alert, kind, native, reason),
        "severity": alert["sev"],
        "due": due if due is not None else alert["d"],
        "remind": details.get("remind"),
        "account": world.account_id,
        "entity": kind,
        "key": native,
        "home": world.key,
        "admin": world.settings.get("admin"),
        "zone": (found.zone if found and found.zone else None) or str(world.zone),
    }
    if item is not None:
        notice["item"] = item["id"]
    if about is not None:
        notice["about"] = about
    if "via" in details:
        notice["via"] = list(details["via"])
    if found and found.im and notice.get("via") != list(BY_MAIL):
        notice["addresses"] = dict(found.im)
    world.ctx.emit(NOTICES, person_key(person), "notice", {k: v for k, v in notice.items() if v is not None})
