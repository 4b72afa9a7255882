"""How receivers are written: `owner.manager`, `role:cfo@region`, `user:ID`; taken apart, with suggestions.

Whom they mean is told in `receivers.py`. Pure text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from schemas.errors import RuleError

PLAIN = ("owner", "owner.manager", "owner.director", "account.owner", "team.manager", "region.director")
PREFIXES = ("role", "user", "group")
SCOPES = ("region", "org")

_NAME = re.compile(r"[^\s:@,]+")


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver taken apart: `kind` is of PLAIN or PREFIXES; name and scope belong to the prefixed ones."""

    kind: str
    name: str = ""
    scope: str | None = None


@lru_cache(maxsize=1024)
def check_receiver(text: str, place: str = "") -> Receiver:
    """Take a receiver's text apart; RuleError SW-RULE-060 with a suggestion when it is none.

    >>> check_receiver("role:cfo@region")
    Receiver(kind='role', name='cfo', scope='region')
    """
    if text in PLAIN:
        return Receiver(text)
    kind, colon, rest = text.partition(":")
    name, at_sign, scope = rest.partition("@") if kind == "role" else (rest, "", "")
    if not colon or kind not in PREFIXES:
        raise _error(
            text, place, f"one of {', '.join(PLAIN)}, role:NAME, user:ID, group:NAME", _suggest(text)
        )
    if not _NAME.fullmatch(name):
        raise _error(text, place, f"a name after `{kind}:`", f"write for example `{kind}:{_SAMPLES[kind]}`")
    if at_sign and scope not in SCOPES:
        raise _error(text, place, f"`{kind}:{name}`, @region or @org", f"write `role:{name}@region`")
    return Receiver(kind, name, scope or None)


_SAMPLES = {"role": "cfo", "user": "li.lei", "group": "approvers"}


def _suggest(text: str) -> str:
    normal = text.strip().lower().translate({ord("："): ":", ord("．"): ".", ord("。"): ".", ord("＠"): "@"})
    if normal != text:
        return f"did you mean `{normal}`?"
    close = get_close_matches(normal, (*PLAIN, *(f"{p}:" for p in PREFIXES)), n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"for a person write `user:{text}`, for a role `role:{text}`"


def _error(text: str, place: str, expected: str, next_step: str) -> RuleError:
    return RuleError(
        "SW-RULE-060",
        f"`{text}` is not a receiver",
        place=place,
        expected=expected,
        found=text,
        next_step=next_step,
    )
