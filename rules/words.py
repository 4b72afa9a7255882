"""Numbers, money, days, instants and durations in the words of a language (zh, en).

Pure: the zone and the language are arguments; the process's locale is never asked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from schemas.time import DAY, MAX_INSTANT, MIN_INSTANT, date_of

Language = Literal["zh", "en"]

_CURRENCIES = {
    "CNY": "元",
    "USD": "美元",
    "EUR": "欧元",
    "HKD": "港元",
    "JPY": "日元",
    "GBP": "英镑",
    "TWD": "新台币",
}
_NO_MINOR = frozenset({"JPY", "KRW", "VND"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MINUTE = 60_000_000
HOUR = 60 * MINUTE
_UNITS = ((DAY, "天", "day"), (HOUR, "小时", "hour"), (MINUTE, "分钟", "minute"))


def number(value: Decimal | int) -> str:
    """With thousands separators, without trailing zeros: 1234567.50 -> "1,234,567.5"."""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal | int, currency: str, language: Language) -> str:
    """zh "500,000 元", en "CNY 500,000"; cents only where there are any, rounded half to even."""
    exact = Decimal(amount)
    places = Decimal(1) if currency in _NO_MINOR else Decimal("0.01")
    rounded = exact.quantize(places, rounding=ROUND_HALF_EVEN)
    text = f"{rounded.to_integral_value() if rounded == rounded.to_integral_value() else rounded:,f}"
    return f"{text} {_CURRENCIES.get(currency, currency)}" if language == "zh" else f"{currency} {text}"


def day(value: date, language: Language) -> str:
    """zh "2026年3月2日", en "2 Mar 2026"."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def instant(at: int, zone: ZoneInfo, language: Language) -> str:
    """Date and minute of an instant (us) in `zone`: zh "2026年3月2日 09:30"."""
    inside = min(max(at, MIN_INSTANT), MAX_INSTANT)
    local = (_EPOCH + timedelta(microseconds=inside)).astimezone(zone)
    return f"{day(date_of(at, zone), language)} {local:%H:%M}"


def duration(us: int, language: Language) -> str:
    """The two largest units: zh "8 天 3 小时", en "8 days 3 hours"; a negative one with a minus in front."""
    if us < 0:
        return f"-{duration(-us, language)}"
    for n, (size, _, _) in enumerate(_UNITS):
        if us >= size:
            pieces = [_amount(us // size, n, language)]
            if n + 1 < len(_UNITS) and us % size >= _UNITS[n + 1][0]:
                pieces.append(_amount(us % size // _UNITS[n + 1][0], n + 1, language))
            return " ".join(pieces)
    return "不到 1 分钟" if language == "zh" else "less than a minute"


def flag(value: bool, language: Language) -> str:
    """zh "是" / "否", en "yes" / "no"."""
    words = ("否", "是") if language == "zh" else ("no", "yes")
    return words[value]


def _amount(count: int, unit: int, language: Language) -> str:
    _, zh, en = _UNITS[unit]
    return f"{count} {zh}" if language == "zh" else f"{count} {en}{'' if count == 1 else 's'}"
