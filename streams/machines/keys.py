"""How partition keys are written: the one place that puts kind, namespace and native id into a key, and takes
them out again.

    opportunity:O1            an entity of the default namespace
    opportunity:erp/O1        the same id as the sources of namespace `erp` know it
    opportunity:/north/7      default namespace, an id that holds a slash itself
    account:A1  lead:L1       keys of `sales.events`
    im:wecom/wm1  mail:li@x.cn  phone:13800000000      external ids of contacts
    scope:team/T1  scope:org                           costs and targets

Text only; it must not know rows, records or what a key is used for.
"""

from __future__ import annotations

from collections.abc import Mapping

SCOPE_OF_ALL = "scope:org"
"""Key of costs and targets that name no team, channel or the like."""

MOBILE_DIGITS = 11
CHINA = "86"


def entity_key(kind: str, namespace: str, native: str) -> str:
    """The key of an entity; `namespace` "" is the default one. Namespaces hold no slash.

    >>> entity_key("opportunity", "", "O1"), entity_key("opportunity", "erp", "O1")
    ('opportunity:O1', 'opportunity:erp/O1')
    """
    if namespace:
        return f"{kind}:{namespace}/{native}"
    return f"{kind}:/{native}" if "/" in native else f"{kind}:{native}"


def split_key(key: str) -> tuple[str, str, str]:
    """(kind, namespace, native id): undoes `entity_key`.

    >>> split_key("opportunity:erp/O1")
    ('opportunity', 'erp', 'O1')
    """
    kind, _, rest = key.partition(":")
    namespace, slash, native = rest.partition("/")
    return (kind, namespace, native) if slash else (kind, "", rest)


def kind_of(key: str) -> str:
    """The kind that a key begins with."""
    return key.partition(":")[0]


def account_key(native: str) -> str:
    """The key of an account of the default namespace."""
    return f"account:/{native}" if "/" in native else f"account:{native}"


def is_named_outright(key: str) -> bool:
    """True for keys that are keys of `sales.events` without a look-up: scopes and accounts of the default
    namespace.

    >>> is_named_outright("account:A1"), is_named_outright("account:erp/A1")
    (True, False)
    """
    if key.startswith("account:"):
        return "/" not in key or key[8] == "/"
    return key.startswith("scope:")


def mail_key(address: str) -> str:
    """The key of a mail address, whatever its case."""
    return f"mail:{address.strip().lower()}"


def phone_key(number: str) -> str | None:
    """The key of a telephone number by its digits; None when it has none. A mainland mobile loses its +86.

    >>> phone_key("+86 138-0000-0000")
    'phone:13800000000'
    """
    digits = "".join(c for c in number if c.isascii() and c.isdigit())
    digits = digits.removeprefix("00")
    if len(digits) == len(CHINA) + MOBILE_DIGITS and digits.startswith(CHINA):
        digits = digits[len(CHINA) :]
    return f"phone:{digits}" if digits else None


def im_key(platform: str, native: str) -> str:
    """The key of a user of an IM platform (`platform` may be "")."""
    return entity_key("im", platform, native)


def scope_key(data: Mapping[str, object]) -> str:
    """The key of a cost or target that belongs to no account: its team, else channel, person, region or org.

    >>> scope_key({"team": "T1"}), scope_key({"of": {"person": "P1"}}), scope_key({})
    ('scope:team/T1', 'scope:person/P1', 'scope:org')
    """
    of = data.get("of")
    for holder in (data, of if isinstance(of, Mapping) else {}):
        for field in ("team", "channel", "person", "region", "org"):
            value = holder.get(field)
            if isinstance(value, str) and value:
                return entity_key("scope", field, value)
    return SCOPE_OF_ALL
