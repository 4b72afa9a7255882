"""What an event names: its parent's key, the external ids and aliases it brings, what it links. Pure, no
rows.

Of several parents the account counts first, then the documents in the order of `schemas.parents`. A field
that is not text of at least one character names nothing, so odd data cannot stop an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.parents import OTHER_PARENTS, PARENTS, parents_of
from streams.machines.keys import SCOPE_OF_ALL, entity_key, im_key, mail_key, phone_key, scope_key

ACCOUNT, CONTACT, LEAD, MESSAGE = "account", "contact", "lead", "message"
SCOPED: Final = frozenset({"cost", "target"})
DIRECTORY: Final = frozenset({"person", "team", "rate", "calendar", "source"})
"""Kinds of directory and reference events: no customer's, so every partition gets them."""

EXTERNAL: Final = frozenset({"im", "mail", "phone"})
"""Kinds of keys that only stand for a contact; no entity of theirs exists."""

MERGED, CONVERTED = "account.merged", "lead.converted"

Data = Mapping[str, Any]


LISTED: Final = frozenset({"payment", "approval"})
"""Kinds whose parents stand in more than plain fields."""

DOCUMENTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    kind: tuple((field, above) for field, above in fields if above != ACCOUNT)
    for kind, fields in PARENTS.items()
    if kind not in LISTED
}
"""kind -> (field, parent's kind) of the documents that a kind may name, most trusted first."""

_SCOPES: Final = ("team", "channel", "person", "region", "org", "of")
_SIDES: Final = ("external", "direction", "from", "to", "platform")
_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "cost": _SCOPES, "target": _SCOPES, MESSAGE: _SIDES, "payment": ("allocations",), "approval": ("of",),
}  # fmt: skip
_GIVING: Final[Mapping[str, tuple[str, ...]]] = {CONTACT: ("mail", "phone", "im")}
_FIELDS: Final = {
    kind: tuple(
        dict.fromkeys((ACCOUNT, *(f for f, _ in fields), *_MORE.get(kind, ()), *_GIVING.get(kind, ()), "ids"))
    )
    for kind, fields in PARENTS.items()
}
_OTHER_FIELDS: Final = (*(field for field, _ in OTHER_PARENTS), "ids")
_LINKED: Final = ("opportunity", "contact")
"""Fields, and kinds, of what became of a converted lead."""

MORE_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {LEAD: _LINKED, ACCOUNT: ("into",)}
"""Fields that name something in one type of the kind's events only (`MORE_OF_TYPE`), and in corrections."""
MORE_OF_TYPE: Final = {CONVERTED: _LINKED, MERGED: MORE_OF_KIND[ACCOUNT]}


def naming_fields(kind: str) -> tuple[str, ...]:
    """Fields of data that name parents, or give further names, in every event of the kind.

    >>> naming_fields("quote")
    ('account', 'opportunity', 'ids')
    """
    return _FIELDS.get(kind, _OTHER_FIELDS)


def parent_of(kind: str, namespace: str, key: str, data: Data) -> str | None:
    """Key of the parent the event names, or None; never the entity itself (`key`)."""
    account = data.get(ACCOUNT)
    if account and type(account) is str:
        if namespace or "/" in account:
            return entity_key(ACCOUNT, namespace, account)
        return f"account:{account}"
    if kind in SCOPED:
        scope = scope_key(data)
        return None if scope == SCOPE_OF_ALL else scope
    found = _document(kind, namespace, data)
    return None if found == key else found


def _document(kind: str, namespace: str, data: Data) -> str | None:
    fields = DOCUMENTS.get(kind)
    if fields is None:
        return next((entity_key(above, namespace, native) for above, native in parents_of(kind, data)), None)
    for field, above in fields:
        native = data.get(field)
        if native and type(native) is str:
            return entity_key(above, namespace, native)
    return customer_of(namespace, data) if kind == MESSAGE else None


def customer_of(namespace: str, data: Data) -> str | None:
    """External key of the customer's side of a message: the sender inbound, the first receiver outbound."""
    native = _text(data.get("external"))
    if native is None and data.get("direction") == "out":
        to = data.get("to")
        native = next((t for t in to if _text(t)), None) if isinstance(to, list) else _text(to)
    elif native is None:
        native = _text(data.get("from"))
    if native is None:
        return None
    platform = _text(data.get("platform")) or ""
    if platform in ("mail", "email") or (not platform and "@" in native):
        return mail_key(native)
    if platform in ("phone", "sms", "call"):
        return phone_key(native)
    return im_key(platform or namespace, native)


def external_ids(data: Data) -> Iterator[str]:
    """Keys of the external ids of a contact, in the order mail, phone, im."""
    mail, phone, im = _text(data.get("mail")), _text(data.get("phone")), data.get("im")
    if mail:
        yield mail_key(mail)
    number = phone_key(phone) if phone else None
    if number:
        yield number
    if isinstance(im, Mapping):
        for platform in sorted(im):
            if _text(im[platform]):
                yield im_key(platform, im[platform])


def aliases(kind: str, key: str, data: Data) -> Iterator[str]:
    """Keys of the further native ids (`ids: [{namespace, id}]`) the event gives its entity."""
    ids = data.get("ids")
    for item in ids if isinstance(ids, list) else ():
        if isinstance(item, Mapping):
            namespace, native = item.get("namespace"), _text(item.get("id"))
            if isinstance(namespace, str) and "/" not in namespace and native:
                found = entity_key(kind, namespace, native)
                if found != key:
                    yield found


def given(kind: str, namespace: str, key: str, type_: str | None, data: Data) -> Iterator[str]:
    """Keys that an event of the entity `key` makes follow it: external ids of a contact, further ids, what
    became of a converted lead.
    """
    if kind == CONTACT:
        yield from external_ids(data)
    if "ids" in data:
        yield from aliases(kind, key, data)
    if type_ == CONVERTED:
        yield from _linked(namespace, data)


def _linked(namespace: str, data: Data) -> Iterator[str]:
    for kind in _LINKED:
        native = _text(data.get(kind))
        if native:
            yield entity_key(kind, namespace, native)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
