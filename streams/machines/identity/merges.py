"""Accounts: their aliases, and merges, which one place decides so that all partitions apply them in one
order.

An account of the default namespace is known by its name; one of another namespace has a route row with `k`,
itself or the account it is an alias of. A wish to merge goes, by way of the survivor's key if that is an
alias, to the key SHARED (partition 0): kind `merge.ask`. What is decided there is sent to every partition
as a `fence`; each follows it from then on (shared row `merge`) and confirms to the old key. Two opposite
wishes meet there: the first wins. A merge is for good: what would take it back is refused, unless it came
before the merge (bucket `note`: events that merge or give further ids, and corrections).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.errors import EventError, show
from streams.kernel.contract import SHARED, Context, Record
from streams.machines.corrections import effective, reference, target_of
from streams.machines.identity import history
from streams.machines.identity.history import Note
from streams.machines.identity.names import (
    ALIAS,
    BEGIN,
    CONFIRM,
    FENCE,
    MERGE,
    MERGE_ASK,
    NOTE,
    OUT,
    RESOLVE,
    SALES_EVENTS,
    into,
)
from streams.machines.identity.naming import ACCOUNT, MERGED, aliases
from streams.machines.identity.node import Node, canonical
from streams.machines.identity.parking import Event
from streams.machines.keys import entity_key, is_named_outright


def on_account_event(ctx: Context, event: Event) -> None:
    """An event of an account: goes to it or its survivor; aliases and merges go their way."""
    node = Node(ctx)
    names = list(aliases(ACCOUNT, node.key, event["data"])) if "ids" in event["data"] else []
    if not is_named_outright(node.key) and not node.known:
        own = next((name for name in names if is_named_outright(name)), node.key)
        node.settle(own, own)
    target = account_of(node)
    if event["type"] == MERGED or names or target_of(event) is not None:
        _remember(node, event)
    if event["type"] == MERGED:
        _wish(node, event)
    value = event if not node.namespace or "ns" in event else {**event, "ns": node.namespace}
    ctx.emit(SALES_EVENTS, target, "event", value)
    for name in names:
        ctx.emit(RESOLVE, name, ALIAS, {"account": target})
    node.save()


def account_of(node: Node) -> str:
    """The canonical account that this account key stands for."""
    return node.target if node.known else canonical(node.ctx, node.key)


def on_account_alias(ctx: Context, record: Record) -> None:
    """This account name is one of `account`: noted, or both are merged when it names another one already."""
    node = Node(ctx)
    account: str = record.value["account"]
    if not node.known and not is_named_outright(node.key):
        node.settle(account, account)
        node.save()
        return
    mine = account_of(node)
    if mine != canonical(ctx, account):
        ctx.emit(RESOLVE, SHARED, MERGE_ASK, {"account": mine, "into": account, "alias": node.key})


def _remember(node: Node, event: Event) -> None:
    """Keep a note of an event that merges, gives further ids, or changes one that may.

    Raises:
        EventError: SW-STREAM-046: it would take back a merge or a further id.
    """
    if target_of(event) is None:
        ref = reference(event)
        if node.ctx.get(NOTE, ref) is None:
            node.ctx.put(NOTE, ref, history.note_of(ACCOUNT, event, node.ctx.at, 0))
        return
    kept = [note for _, note in node.ctx.scan(NOTE)]
    new = history.with_events(node, kept, [event])
    lost = sorted(_joined(node, kept) - _joined(node, new))
    if lost:
        raise EventError(
            "SW-STREAM-046",
            place=f"{node.key}: {target_of(event)}".replace("|", "/"),
            expected=f"a change that leaves {node.key} and {', '.join(lost)} one account",
            found=event["type"],
            next_step="open an account under a new id and name it in corrections of what belongs to it",
        )
    for note in new[len(kept) :]:
        node.ctx.put(NOTE, note["r"], note)


def _joined(node: Node, notes: Iterable[Note]) -> set[str]:
    """Keys of accounts that the notes make one with this one."""
    found: set[str] = set()
    for note in effective(notes):
        event = note["e"]
        into = event["data"].get("into") if event.get("type") == MERGED else None
        if isinstance(into, str) and into:
            found.add(entity_key(ACCOUNT, node.namespace, into))
        found.update(aliases(ACCOUNT, node.key, event["data"]))
    return found


def _wish(node: Node, event: Event) -> None:
    """Pass the wish to merge on, corrected by what came before it; refuses at once what names no other
    account.
    """
    notes = {note["r"]: note["e"] for note in effective(note for _, note in node.ctx.scan(NOTE))}
    wish = notes.get(reference(event))
    if wish is None:
        return  # it was taken back before it came
    named = wish["data"].get("into")
    if not isinstance(named, str) or not named:
        raise EventError(
            "SW-EVENT-020",
            place="data.into",
            expected="the id of the account that remains",
            found=show(named),
            next_step="send account.merged with account and into",
        )
    survivor = entity_key(ACCOUNT, node.namespace, named)
    if survivor == node.key:
        raise _circle(node.key, survivor)
    mine = node.key if node.row["k"] in (None, node.key) else node.target
    value = {"account": mine, "into": survivor, "event": event}
    if is_named_outright(survivor):
        node.ctx.emit(RESOLVE, SHARED, MERGE_ASK, value)
    else:
        node.ctx.emit(RESOLVE, survivor, MERGE_ASK, value)


def on_merge_ask(ctx: Context, record: Record, partitions: int) -> None:
    """At an alias: puts the account in and passes on. At SHARED: decides.

    Raises:
        EventError: SW-STREAM-044 for a circle, SW-STREAM-045 when the account was merged elsewhere before.
    """
    value = record.value
    if ctx.key == SHARED:
        _decide(ctx, value, partitions)
        return
    node = Node(ctx)
    if not node.known:
        node.settle(node.key, node.key)
        node.save()
    ctx.emit(RESOLVE, SHARED, MERGE_ASK, {**value, "into": account_of(node)})


def _decide(ctx: Context, value: dict[str, Any], partitions: int) -> None:
    named: str = value["account"]
    account, survivor = canonical(ctx, named), canonical(ctx, value["into"])
    told = "alias" not in value
    if account == survivor:
        if told and account == named:
            raise _circle(named, value["into"])
        return
    if told and account != named:
        raise EventError(
            "SW-STREAM-045",
            place=named,
            expected=f"an account that is still its own, or {survivor}",
            found=f"merged into {account}",
            next_step=f"merge {account} if that is what was meant",
        )
    move = f"merge:{account}"
    scope = {"all": True}
    begin = {"move": move, "from": account, "scope": scope, "partitions": partitions}
    ctx.emit(SALES_EVENTS, survivor, BEGIN, begin)
    ctx.emit(SALES_EVENTS, account, OUT, {"move": move, "to": survivor, "scope": scope})
    fence = {"move": move, "from": account, "to": survivor}
    ctx.emit(RESOLVE, SHARED, FENCE, fence, everywhere=True)
    _follow(ctx, account, survivor)


def _circle(account: str, survivor: str) -> EventError:
    return EventError(
        "SW-STREAM-044",
        place=account,
        expected="another account that lives on",
        found=f"{survivor}, which is or became {account}",
        next_step="send account.merged with the account that ends and the one that remains",
    )


def on_fence(ctx: Context, record: Record) -> None:
    """From now on this partition sends nothing to the merged account any more."""
    value = record.value
    _follow(ctx, value["from"], value["to"])
    ctx.emit(SALES_EVENTS, value["from"], CONFIRM, {"move": value["move"], "partition": ctx.partition})


def _follow(ctx: Context, account: str, survivor: str) -> None:
    """Write the merge, and shorten the ways of what was merged into `account` before."""
    if ctx.shared(MERGE, account) is not None:
        return
    for name, _ in list(ctx.scan_shared(into(account))):
        ctx.put_shared(MERGE, name, survivor)
        ctx.put_shared(into(account), name, None)
        ctx.put_shared(into(survivor), name, 1)
    ctx.put_shared(MERGE, account, survivor)
    ctx.put_shared(into(survivor), account, 1)
