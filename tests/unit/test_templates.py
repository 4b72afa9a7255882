"""Templates: parsing and its errors, both languages, limits, and values that try to break a mail."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rules.templates import MAX_TEMPLATE, MAX_VALUE, Money, Style, Value, parse, render
from schemas.errors import RuleError
from schemas.time import DAY, MAX_INSTANT, MIN_INSTANT, parse_instant
from schemas.types import FieldType

FIELDS = {
    "opportunity.name": FieldType.TEXT,
    "amount": FieldType.MONEY,
    "margin": FieldType.NUMBER,
    "due": FieldType.INSTANT,
    "ends_on": FieldType.DATE,
    "silence": FieldType.DURATION,
    "decisive": FieldType.BOOL,
}
SHANGHAI = ZoneInfo("Asia/Shanghai")
ZH = Style("zh", SHANGHAI)
EN = Style("en", SHANGHAI)
HOUR = DAY // 24


def written(text: str, style: Style = ZH, **values: Value) -> str:
    return render(parse(text, FIELDS.get), lambda path: values.get(path.replace(".", "_")), style)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("{amount}", "500,000 元", "CNY 500,000"),
        ("{amount:number}", "500,000", "500,000"),
        ("{margin}", "0.255", "0.255"),
        ("{margin:percent}", "25.5%", "25.5%"),
        ("{margin:money}", "0.26 元", "CNY 0.26"),
        ("{due}", "2026年3月3日 01:30", "3 Mar 2026 01:30"),
        ("{due:date}", "2026年3月3日", "3 Mar 2026"),
        ("{ends_on}", "2026年12月31日", "31 Dec 2026"),
        ("{silence:days}", "8 天 3 小时", "8 days 3 hours"),
        ("{decisive}", "是", "yes"),
        ("{opportunity.name}", "安可", "安可"),
    ],
)
def test_each_kind_in_both_languages(text: str, zh: str, en: str) -> None:
    values: dict[str, Value] = {
        "amount": Decimal("500000.00"),
        "margin": Decimal("0.255"),
        "due": parse_instant("2026-03-02T17:30:00Z"),
        "ends_on": dt.date(2026, 12, 31),
        "silence": 8 * DAY + 3 * HOUR + 59,
        "decisive": True,
        "opportunity_name": "安可",
    }
    assert written(text, ZH, **values) == zh
    assert written(text, EN, **values) == en


@pytest.mark.parametrize(
    ("us", "zh", "en"),
    [
        (0, "不到 1 分钟", "less than a minute"),
        (HOUR // 60, "1 分钟", "1 minute"),
        (HOUR + 20 * HOUR // 60, "1 小时 20 分钟", "1 hour 20 minutes"),
        (7 * DAY, "7 天", "7 days"),
        (7 * DAY - 1, "6 天 23 小时", "6 days 23 hours"),
        (-2 * DAY, "-2 天", "-2 days"),
        (DAY + HOUR // 2, "1 天", "1 day"),
    ],
)
def test_durations_in_words(us: int, zh: str, en: str) -> None:
    assert written("{silence}", ZH, silence=us) == zh
    assert written("{silence}", EN, silence=us) == en


@pytest.mark.parametrize(
    ("money", "zh", "en"),
    [
        (Money(Decimal("1234567.5"), "USD"), "1,234,567.50 美元", "USD 1,234,567.50"),
        (Money(1_000, "JPY"), "1,000 日元", "JPY 1,000"),
        (Money(Decimal("-0.125"), "CHF"), "-0.12 CHF", "CHF -0.12"),
        (Money(0, "CNY"), "0 元", "CNY 0"),
        (999, "999 元", "CNY 999"),
    ],
)
def test_money(money: Value, zh: str, en: str) -> None:
    assert written("{amount}", ZH, amount=money) == zh
    assert written("{amount}", EN, amount=money) == en


def test_values_as_they_stand_in_an_events_data() -> None:
    assert written("{amount}", amount="1234.50") == "1,234.50 元"
    assert written("{due}", due="2026-03-02T17:30:00Z") == "2026年3月3日 01:30"
    assert written("{due:date}", due="2026-03-02T17:30:00Z") == "2026年3月3日"
    assert written("{ends_on}", ends_on="2026-12-31") == "2026年12月31日"
    assert written("{silence}", silence="90m") == "1 小时 30 分钟"
    assert written("{margin}", margin=0.25) == "0.25"


def test_literals_escapes_and_fields() -> None:
    template = parse("{{{opportunity.name}}} 金额 {amount}，{amount:number}", FIELDS.get)
    assert template.fields == ("opportunity.name", "amount")
    text = render(template, {"amount": 5}.get, ZH)
    assert text == "{—} 金额 5 元，5"


@pytest.mark.parametrize("value", ["abc", "NaN", "9" * 40])
def test_a_value_that_is_not_of_its_type_is_shown_as_it_stands(value: str) -> None:
    assert written("{amount} / {due} / {silence}", amount=value, due=value, silence=value) == " / ".join(
        [value] * 3
    )


def test_empty_text_and_missing_values() -> None:
    assert written("") == ""
    assert written("{opportunity.name}", opportunity_name="") == "—"
    assert written("{due} {ends_on} {silence} {decisive}") == "— — — —"


def test_extreme_instants_are_written() -> None:
    assert written("{due}", due=MAX_INSTANT + 1) == written("{due}", due=MAX_INSTANT)
    assert written("{due:date}", due=MIN_INSTANT).startswith("1年")


def test_a_value_cannot_break_lines_or_direction() -> None:
    text = written("跟进 {opportunity.name}", opportunity_name="甲\r\nBcc: x@y\u202e\u2028b")
    assert text.isprintable()
    assert "Bcc: x@y" in text


def test_a_value_with_braces_is_not_read_again() -> None:
    assert written("{opportunity.name}", opportunity_name="{amount}", amount=5) == "{amount}"


def test_values_and_output_are_bounded() -> None:
    assert len(written("{opportunity.name}", opportunity_name="长" * 10_000)) == MAX_VALUE
    template = parse("{opportunity.name}" * 20, FIELDS.get)
    text = render(template, lambda _: "长" * 1_000, ZH, limit=300)
    assert len(text) == 300
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("{", "SW-RULE-061", "{{"),
        ("a } b", "SW-RULE-061", "}}"),
        ("{}", "SW-RULE-061", "path"),
        ("{amount.__class__}", "SW-RULE-062", "amount"),
        ("{amount!r}", "SW-RULE-061", "path"),
        ("{amount:>99}", "SW-RULE-061", "forms"),
        ("{amount[0]}", "SW-RULE-061", "path"),
        ("{0}", "SW-RULE-061", "path"),
        ("{amout}", "SW-RULE-062", "did you mean `{amount}`?"),
        ("{amount:days}", "SW-RULE-063", "{amount}"),
        ("{opportunity.name:money}", "SW-RULE-063", "{opportunity.name}"),
        ("{due:hex}", "SW-RULE-063", "{due}"),
        ("金额 ｛amount｝", "SW-RULE-061", "{amount}"),
        ("x" * (MAX_TEMPLATE + 1), "SW-RULE-061", "shorten"),
    ],
)
def test_errors_are_found_when_the_text_is_checked(text: str, code: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text, FIELDS.get, FIELDS, "then.1.task.title")
    assert (caught.value.code, caught.value.place) == (code, "then.1.task.title")
    assert hint in caught.value.next_step
