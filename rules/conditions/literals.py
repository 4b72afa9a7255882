"""Reading the literals of a rule as keys of a domain, and saying what to write instead when they are none.

Pure text work; which field they belong to is known to `check.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

from rules.conditions.operands import Constant, Operand, parse_today
from rules.conditions.values import Domain, Key
from schemas.errors import StagewatchError
from schemas.time import is_date, parse_duration, parse_instant

_UNITS = {"千": 3, "k": 3, "万": 4, "w": 4, "百万": 6, "m": 6, "千万": 7, "亿": 8, "bn": 9}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(千万|百万|千|万|亿|k|w|m|bn)", re.IGNORECASE)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_FULL_WIDTH = {ord("："): ":", ord("，"): ",", ord("（"): "(", ord("）"): ")", ord("；"): ";", ord("。"): "."}
_FULL_WIDTH |= {ord("“"): '"', ord("”"): '"', ord("‘"): "'", ord("’"): "'", ord("、"): ",", ord("　"): " "}
_FULL_WIDTH |= {
    ord("【"): "[",
    ord("】"): "]",
    ord("［"): "[",
    ord("］"): "]",
    ord("｛"): "{",
    ord("｝"): "}",
}
_FULL_WIDTH |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code not in _FULL_WIDTH}

WORDS: dict[Domain, str] = {
    Domain.TEXT: "a text",
    Domain.NUMBER: "a number",
    Domain.MONEY: "an amount in base currency, as a bare number",
    Domain.DAY: "a date (2026-03-02), today, or today+7d",
    Domain.INSTANT: "a time (2026-03-02T09:30:00Z), a date, or today",
    Domain.DURATION: "a length of time: 90s 15m 24h 7d 2w",
    Domain.BOOL: "true or false",
}
"""What a literal of the domain looks like."""


def half_width(text: str) -> str:
    """The text with full-width punctuation, digits and letters made half-width."""
    return text.translate(_FULL_WIDTH)


def number_hint(text: str) -> str:
    """The number that `50万`, `1.5亿`, `500,000` or `５００` means, as text; empty when it means none.

    >>> number_hint("50万"), number_hint("1.5亿"), number_hint("500，000")
    ('500000', '150000000', '500000')
    """
    plain = half_width(text).strip().lstrip("¥￥$€").removesuffix("元").strip()
    match = _AMOUNT.fullmatch(plain)
    if match is not None:
        return f"{(Decimal(match[1]) * 10 ** _UNITS[match[2].lower()]).normalize():f}"
    if _GROUPED.fullmatch(plain):
        return plain.replace(",", "")
    return plain if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", plain) else ""


def hint(value: object, domain: Domain) -> str:
    """The next step for a literal that does not fit the domain."""
    if domain is Domain.TEXT:
        return f'write it in quotes: "{value}"' if not isinstance(value, str) else ""
    if not isinstance(value, str):
        return ""
    if domain in (Domain.NUMBER, Domain.MONEY) and (plain := number_hint(value)):
        return f"write {plain}"
    if domain is Domain.DURATION and re.fullmatch(r"[0-9]+(mo|q|y)", value):
        return "months have no fixed length: write days, such as 30d"
    changed = half_width(value)
    if changed != value:
        return f"write {changed} with half-width characters"
    if domain is Domain.BOOL and value.lower() in ("yes", "on", "no", "off", "是", "否"):
        return "write true" if value.lower() in ("yes", "on", "是") else "write false"
    return ""


def literal(value: object, domain: Domain) -> Operand | None:
    """A literal as an operand of the domain, None when it is none."""
    return _LITERALS[domain](value)


def _text(value: object) -> Operand | None:
    return Constant(value) if isinstance(value, str) else None


def _bool(value: object) -> Operand | None:
    return Constant(value) if isinstance(value, bool) else None


def _number(value: object) -> Operand | None:
    fits = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return Constant(value) if fits and isinstance(value, (int, Decimal)) else None


def _day(value: object) -> Operand | None:
    if not isinstance(value, str):
        return None
    try:
        if is_date(value):
            return Constant(dt.date.fromisoformat(value).toordinal())
        return parse_today(value)
    except (ValueError, StagewatchError):
        return None


def _instant(value: object) -> Operand | None:
    return _parsed(value, parse_instant)


def _duration(value: object) -> Operand | None:
    return _parsed(value, _length)


def _length(text: str) -> int:
    length = parse_duration(text)
    if length.months:
        raise ValueError("a calendar period has no fixed length")
    return length.us


def _parsed(value: object, parse: Callable[[str], Key]) -> Operand | None:
    if not isinstance(value, str):
        return None
    try:
        return Constant(parse(value))
    except (ValueError, StagewatchError):
        return None


_LITERALS: dict[Domain, Callable[[object], Operand | None]] = {
    Domain.TEXT: _text,
    Domain.BOOL: _bool,
    Domain.NUMBER: _number,
    Domain.MONEY: _number,
    Domain.DAY: _day,
    Domain.INSTANT: _instant,
    Domain.DURATION: _duration,
}
