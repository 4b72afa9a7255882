"""The text of a cell as a typed value: whole numbers, decimals, money, dates, instants, truth values.

Pure. A value is a text, an int or a bool; decimals and money stay decimal text (never a binary float), a
date is `YYYY-MM-DD`, an instant RFC 3339 in UTC. Nothing is guessed: what the column does not declare is
refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from connectors.sources.files.mapping import Column
from connectors.sources.files.problems import CellError
from connectors.sources.files.template import Scalar
from schemas.time import format_instant

Converter = Callable[[str], Scalar]

CACHE_LIMIT = 50_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EXCEL_DAY_ZERO = dt.date(1899, 12, 30)
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_SYMBOLS = {
    "CNY": ("¥", "￥", "RMB", "元"),
    "JPY": ("¥", "￥"),
    "USD": ("$", "US$"),
    "EUR": ("€",),
    "GBP": ("£",),
}
_SHEET_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def converter(column: Column, zone: ZoneInfo, *, spreadsheet: bool) -> Converter | None:
    """How texts of the column become values; None for text as it is.

    `zone` is where clock times without offset were written. `spreadsheet`: real date cells arrive in ISO
    form and are accepted beside the declared formats. The converter raises CellError.
    """
    if column.type == "text":
        return None
    if column.type == "boolean":
        return _boolean(column)
    if column.type in ("date", "datetime"):
        return _cached(_moment(column, zone, spreadsheet))
    return _number(column)


def _cached(convert: Converter) -> Converter:
    seen: dict[str, Scalar] = {}

    def look(text: str) -> Scalar:
        found = seen.get(text)
        if found is None:
            found = convert(text)
            if len(seen) < CACHE_LIMIT:
                seen[text] = found
        return found

    return look


def _boolean(column: Column) -> Converter:
    table = dict.fromkeys(column.yes, True) | dict.fromkeys(column.no, False)
    expected = f"one of {', '.join([*column.yes, *column.no])}"

    def convert(text: str) -> bool:
        if text not in table:
            raise CellError("SW-MAP-047", expected, "declare the text under yes or no of the column")
        return table[text]

    return convert


def _number(column: Column) -> Converter:
    marks = [column.currency, *_SYMBOLS.get(column.currency or "", ())] if column.currency else []
    grouped = _grouping(column)

    def convert(text: str) -> Scalar:
        digits, factor = _without_unit(_without_symbols(text, [mark for mark in marks if mark]), column)
        if column.thousands and column.thousands in digits:
            if not grouped.fullmatch(digits):
                raise _no_number(text, column)
            digits = digits.replace(column.thousands, "")
        if column.decimal != ".":
            digits = digits.replace(".", "?").replace(column.decimal, ".")
        if not _PLAIN.fullmatch(digits):
            raise _no_number(text, column)
        return _finished(digits, factor, column, text)

    return convert


def _finished(digits: str, factor: int, column: Column, text: str) -> Scalar:
    value = _tidy(digits) if factor == 1 else _times(digits, factor)
    if column.type != "integer":
        return value
    whole, _, fraction = value.partition(".")
    if fraction.strip("0") or len(whole) > 19:
        raise CellError(
            "SW-MAP-046", "a whole number of at most 18 digits", f"correct {text!r} or use type number"
        )
    return int(whole)


def _tidy(digits: str) -> str:
    sign = "-" if digits[0] == "-" else ""
    whole, dot, fraction = digits.lstrip("+-").partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{sign}{whole}.{fraction}" if dot and fraction else sign + whole


def _times(digits: str, factor: int) -> str:
    sign = "-" if digits[0] == "-" else ""
    whole, _, fraction = digits.lstrip("+-").partition(".")
    scaled = str(int((whole or "0") + fraction) * factor).rjust(len(fraction) + 1, "0")
    cut = len(scaled) - len(fraction)
    return _tidy(
        f"{sign}{scaled[:cut]}.{scaled[cut:]}".rstrip("0").rstrip(".") if fraction else sign + scaled
    )


def _grouping(column: Column) -> re.Pattern[str]:
    mark, point = re.escape(column.thousands), re.escape(column.decimal)
    return re.compile(rf"[+-]?[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+(?:{point}[0-9]*)?")


def _without_symbols(text: str, marks: Sequence[str]) -> str:
    for mark in marks:
        if text.startswith(mark):
            return text[len(mark) :].strip()
        if text.startswith("-" + mark):
            return "-" + text[len(mark) + 1 :].strip()
        if text.endswith(mark):
            return text[: -len(mark)].strip()
    return text


def _without_unit(text: str, column: Column) -> tuple[str, int]:
    for unit, factor in column.units.items():
        if text.endswith(unit):
            return text[: -len(unit)].strip(), factor
    return text, 1


def _no_number(text: str, column: Column) -> CellError:
    step = "correct the cell, or declare the text under repairs or empty of the column"
    if any(mark in text for mark in "万亿"):
        step = "declare the unit on the column: units: {万: 10000, 亿: 100000000}"
    elif not text.isascii() and re.fullmatch(r"[\d.,，．+-]+", text):
        step = "full-width digits: write them as 0-9, or add a repair"
    elif column.currency and any(mark in text for mark in "$€£¥￥"):
        return CellError(
            "SW-MAP-053", f"an amount in {column.currency}", "correct the cell or the column's currency"
        )
    elif "," in text and not column.thousands and column.decimal == ".":
        step = "declare thousands: ',' (or decimal: ',') on the column"
    return CellError("SW-MAP-046", "a plain number", step)


def _moment(column: Column, zone: ZoneInfo, spreadsheet: bool) -> Converter:
    formats = [*column.formats, *(_SHEET_FORMATS if spreadsheet else ())]
    day_only = column.type == "date"

    def convert(text: str) -> str:
        for form in formats:
            moment = read_moment(text, form, zone)
            if moment is not None:
                return moment.date().isoformat() if day_only else _instant(moment)
        shown = ", ".join(column.formats)
        raise CellError(
            "SW-MAP-045", f"a {column.type} as {shown}", "add its format to the column, or a repair"
        )

    return convert


def read_moment(text: str, form: str, zone: ZoneInfo) -> dt.datetime | None:
    """The text as a wall clock time of `zone`, read by one format; None when it does not fit.

    A time without offset is taken to be of `zone`; one with an offset is moved there.
    """
    try:
        if form == "iso":
            moment = dt.datetime.fromisoformat(text)
            return moment.astimezone(zone) if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        if form in ("excel", "epoch", "epoch_ms"):
            return _counted(text, form, zone)
        if "%z" in form:
            return dt.datetime.strptime(text, form).astimezone(zone)
        return dt.datetime.strptime(text, form).replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _counted(text: str, form: str, zone: ZoneInfo) -> dt.datetime | None:
    if not _PLAIN.fullmatch(text):
        return None
    if form == "excel":
        start = dt.datetime.combine(_EXCEL_DAY_ZERO, dt.time(), tzinfo=zone)
        return start + dt.timedelta(seconds=round(float(text) * 86_400))
    scale = 1000 if form == "epoch_ms" else 1
    return (_EPOCH + dt.timedelta(microseconds=int(text) * 1_000_000 // scale)).astimezone(zone)


def _instant(moment: dt.datetime) -> str:
    return format_instant((moment - _EPOCH) // dt.timedelta(microseconds=1))
