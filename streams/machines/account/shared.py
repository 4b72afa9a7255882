"""Changes of what all keys of a partition share: rules, people, teams, rates, calendars, settings.

Versions are kept, so a past instant is judged by what was in force then. A change that may alter verdicts
starts a sweep over all keys. Record value: `{"what": ..., ...}` from the workspace, or an event dict
(`person.updated`, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.problems import RuleErrors
from schemas.directory import absence_of
from schemas.errors import StreamError
from schemas.time import parse_time
from streams.kernel.contract import SHARED, SHARED_CHANGE, Context, Record
from streams.machines.account import former, grace, repeats
from streams.machines.account.compiler import Compiler, activate
from streams.machines.account.notices import NOTICES
from streams.machines.account.world import CHANGES, DEFAULT_SETTINGS, META, SETTINGS, changes, zone_of
from streams.machines.gaps import GAP, keep_gap


def on_shared(ctx: Context, record: Record) -> None:
    """Apply one change of shared rows."""
    ctx.put_shared(META, CHANGES, changes(ctx) + 1)
    value: Mapping[str, Any] = record.value.get("event") or record.value
    if "type" in value:
        _reference(ctx, value)
        return
    handler = _WHAT.get(value.get("what", ""))
    if handler is None:
        raise StreamError(
            "SW-STREAM-010",
            place="what",
            expected=", ".join(_WHAT),
            found=str(value.get("what")),
            next_step="report this: the sender of the change is wrong",
        )
    handler(ctx, value)


def _rule(ctx: Context, value: Mapping[str, Any]) -> None:
    """{"what": "rule", "rule": id, "text": YAML of this one rule, "on": bool}; the version is counted
    here. since: logical time (us) from which it is in force, if not from now.
    """
    old: dict[str, Any] | None = ctx.shared("rule", value["rule"])
    text = value.get("text") or (old or {}).get("text", "")
    on = bool(value.get("on", True))
    if old is not None and old["text"] == text and old["on"] == on:
        return
    version = 1 if old is None else old["v"] + (old["text"] != text)
    row = {"text": text, "v": version, "at": max(value.get("since", ctx.at), 0), "on": on}
    _check(ctx, row, value["rule"])
    if old is not None and old["v"] != version:
        # versions that may still have open runs finish under their own text (state_on_edit: keep)
        row["old"] = [*old.get("old", ())[-9:], _was(old)]
        former.edited(ctx, value["rule"])
    elif old is not None and "old" in old:
        row["old"] = old["old"]
    if old is not None and "idle" in old:
        row["idle"] = old["idle"]
    ctx.put_shared("rule", value["rule"], row)
    former.bump(ctx)
    edited = None if old is None or old["v"] == version or not old["on"] else old["v"]
    ctx.sweep({"why": "rule", "rule": value["rule"], "v": version, "was": edited})


def _was(row: Mapping[str, Any]) -> dict[str, Any]:
    """The version that was in force; alone: nothing was under way for versions before it."""
    kept = {name: row[name] for name in ("text", "v", "at")}
    return kept if row.get("old") else {**kept, "alone": 1}


def _check(ctx: Context, row: Mapping[str, Any], rule: str) -> None:
    """A rule that cannot be loaded changes nothing: the one in force stays.

    Raises:
        RuleError: the first thing that is wrong with it.
    """
    try:
        activate(row, rule, ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS, Compiler())
    except RuleErrors as errors:
        raise errors.errors[0] from None


def _settings(ctx: Context, value: Mapping[str, Any]) -> None:
    """{"what": "settings", "settings": {...}}: zone, currency, language, stages, sources, fields, admin."""
    new = {**DEFAULT_SETTINGS, **value["settings"]}
    if ctx.shared(SETTINGS, "") == new:
        return
    first = ctx.shared(SETTINGS, "") is None
    ctx.put_shared(SETTINGS, "", new)
    former.bump(ctx)
    if not first:
        ctx.sweep({"why": "settings"})


def _reference(ctx: Context, event: Mapping[str, Any]) -> None:
    kind, _, end = event["type"].rpartition(".")
    handler = _EVENTS.get(event["type"])
    if handler is not None:
        handler(ctx, event)
    elif end in ("deleted", "corrected") and kind in _FIELDS:
        _changed(ctx, event, kind, end)


_FIELDS: Mapping[str, str] = {"person": "person", "team": "team", "rate": "currency", "calendar": "calendar"}


def _store(ctx: Context, kind: str, name: str, entries: list[list[Any]]) -> None:
    """Keep the events of a shared entity and its folded versions [[from us, value], ...]."""
    ctx.put_shared(f"{kind}.events", name, entries)
    versions: list[list[Any]] = []
    folded: dict[str, Any] = {}
    for since, _, data in sorted(entries, key=lambda e: (e[0], e[1])):
        folded = {**folded, **{k: v for k, v in data.items() if v is not None}}
        for gone in (k for k, v in data.items() if v is None):
            folded.pop(gone, None)
        versions.append([since, folded])
    ctx.put_shared(kind, name, versions or None)


def _versioned(ctx: Context, event: Mapping[str, Any]) -> None:
    """`person.updated`, `team.updated`, `rate.set`, `calendar.set`: in force from the event's time (a first
    one: always).
    """
    kind = event["type"].partition(".")[0]
    name = event["data"][_FIELDS[kind]]
    entries: list[list[Any]] = ctx.shared(f"{kind}.events", name) or []
    ref = f"{event['src']}|{event['id']}"
    if any(entry[1] == ref for entry in entries):
        _repeated(ctx, event)
        return
    since = _since(ctx, event, kind, first=not entries)
    _store(ctx, kind, name, [*entries, [since, ref, dict(event["data"])]])
    ctx.sweep({"why": kind, "name": name})


def _repeated(ctx: Context, event: Mapping[str, Any]) -> None:
    """Every partition gets it; one of them counts."""
    if ctx.partition == 0:
        repeats.count(ctx, event)


def _since(ctx: Context, event: Mapping[str, Any], kind: str, *, first: bool) -> int:
    if kind == "rate" and event["data"].get("valid_from"):
        zone = zone_of((ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS)["zone"])
        return parse_time(event["data"]["valid_from"], zone, place="data.valid_from")[0]
    return 0 if first and kind in ("person", "team") else int(event["time"])


def _away(ctx: Context, event: Mapping[str, Any]) -> None:
    zone = zone_of((ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS)["zone"])
    data = event["data"]
    begin, end = absence_of(data, zone)
    refs: dict[str, Any] = ctx.shared("away.events", data["person"]) or {}
    ref = f"{event['src']}|{event['id']}"
    if ref in refs:
        _repeated(ctx, event)
        return
    _absences(ctx, data["person"], {**refs, ref: [begin, end, data.get("deputy")]})


def _absences(ctx: Context, person: str, refs: dict[str, Any]) -> None:
    ctx.put_shared("away.events", person, refs or None)
    ctx.put_shared("away", person, sorted(refs.values()) or None)


def _changed(ctx: Context, event: Mapping[str, Any], kind: str, end: str) -> None:
    """A correction or deletion of a directory or reference event, or the deletion of a person or team."""
    data = event["data"]
    name = data.get(_FIELDS[kind])
    target = data.get("event")
    ref = f"{data.get('source') or event['src']}|{target}"
    entries: list[list[Any]] = ctx.shared(f"{kind}.events", name) or []
    refs: dict[str, Any] = ctx.shared("away.events", name) or {}
    fields = {k: v for k, v in data.items() if k not in ("event", "source", "time")}
    if target is None:
        _store(
            ctx, kind, name, [*entries, [event["time"], f"{event['src']}|{event['id']}", {"active": False}]]
        )
    elif ref in refs and end == "deleted":
        _absences(ctx, name, {k: v for k, v in refs.items() if k != ref})
    elif ref in refs:
        zone = zone_of((ctx.shared(SETTINGS, "") or DEFAULT_SETTINGS)["zone"])
        begin, until = absence_of(data, zone)
        _absences(ctx, name, {**refs, ref: [begin, until, data.get("deputy")]})
    elif end == "deleted":
        _store(ctx, kind, name, [e for e in entries if e[1] != ref])
    else:
        _store(ctx, kind, name, [[s, r, {**d, **fields} if r == ref else d] for s, r, d in entries])
    ctx.sweep({"why": kind, "name": name})


def _gap(ctx: Context, value: Mapping[str, Any]) -> None:
    """Keep it, and tell the inboxes, once for all partitions."""
    keep_gap(ctx, value)
    if ctx.partition == 0:
        ctx.emit(NOTICES, SHARED, SHARED_CHANGE, dict(value), everywhere=True)


_WHAT: Mapping[str, Callable[[Context, Mapping[str, Any]], None]] = {
    "rule": _rule,
    "settings": _settings,
    GAP: _gap,
}
_EVENTS: Mapping[str, Callable[[Context, Mapping[str, Any]], None]] = {
    "person.updated": _versioned,
    "team.updated": _versioned,
    "rate.set": _versioned,
    "calendar.set": _versioned,
    "person.away": _away,
    "source.completed": grace.completed,
}
