"""Conditions: what each operator says, what is refused, and how it is explained."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.conditions.condition import ALWAYS, Condition, compile_condition
from rules.conditions.explain import describe
from rules.conditions.model import ConditionDoc
from rules.conditions.patterns import MAX_PATTERN, PatternError, compile_pattern
from rules.conditions.scope import MappingScope
from rules.problems import RuleErrors
from schemas.time import DAY, parse_instant
from schemas.types import FieldType

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = parse_instant("2026-03-02T12:00:00+08:00")


def compiled(document: dict[str, Any], kind: str = "opportunity", **more: Any) -> Condition:
    return compile_condition(ConditionDoc.model_validate(document), kind=kind, **more)


def scope(joined: dict[str, dict[str, object]] | None = None, **data: object) -> MappingScope:
    rates = {"CNY": Decimal(1), "USD": Decimal("7.1")}
    return MappingScope(NOON, data, joined or {}, SHANGHAI, rates)


def holds(field: str, op: str, value: Any = None, **data: object) -> bool:
    leaf = {"field": field, "op": op} | ({} if value is None else {"value": value})
    return compiled(leaf).holds(scope(None, **data))


def refused(document: dict[str, Any], kind: str = "opportunity", **more: Any) -> tuple[str, str, str]:
    with pytest.raises(RuleErrors) as caught:
        compiled(document, kind, **more)
    (error,) = caught.value.errors
    return error.code, error.place, error.next_step


@pytest.mark.parametrize(
    ("op", "value", "answers"),
    [
        ("eq", 5, "FTFF"),
        ("ne", 5, "TFTT"),
        ("gt", 5, "FFTF"),
        (">=", 5, "FTTF"),
        ("lt", 5, "TFFF"),
        ("<=", 5, "TTFF"),
        ("in", [4, 5], "TTFF"),
        ("not_in", [4, 5], "FFTT"),
        ("between", [4, 5], "TTFF"),
        ("between", [5, 4], "FFFF"),
    ],
)
def test_comparisons_below_at_above_missing(op: str, value: Any, answers: str) -> None:
    found = [holds("amount", op, value, amount=amount) for amount in ("4", "5.00", 6, None)]
    assert "".join("T" if answer else "F" for answer in found) == answers


def test_numbers_are_exact() -> None:
    assert holds("amount", "gt", Decimal("0.1"), amount="0.1000000000000000055")
    assert holds("amount", "eq", 9007199254740993, amount="9007199254740993")
    assert not holds("amount", "eq", 9007199254740993, amount="9007199254740992")
    assert holds("probability", "eq", Decimal("0.1"), probability=0.1)


@pytest.mark.parametrize("raw", ["n/a", "", "NaN", "Infinity", True, [5], {"a": 5}])
def test_what_is_no_number_is_missing(raw: object) -> None:
    assert not holds("amount", "lte", 10**9, amount=raw)
    assert holds("amount", "ne", 5, amount=raw)


def test_texts() -> None:
    assert holds("name", "contains", "合同", name="年度合同")
    assert not holds("name", "contains", "A", name="a")
    assert holds("name", "starts_with", "年", name="年度")
    assert holds("name", "matches", "[A-Z]{2}[0-9]+", name="AB12")
    assert not holds("name", "matches", "[A-Z]{2}", name="AB12")
    assert not holds("name", "matches", ".*", name="\ud800")
    assert not holds("name", "starts_with", "年")


def test_empty_and_set() -> None:
    empty: list[object] = [None, "", [], {}]
    for value in empty:
        assert holds("products", "is_empty", products=value)
        assert not holds("products", "is_set", products=value)
    assert holds("probability", "is_set", probability=0)


def test_lists_of_plain_values() -> None:
    assert holds("products", "contains", "A", products=["B", "A"])
    assert not holds("products", "contains", "A", products="A")
    numbers = {"opportunity.scores": FieldType.LIST}
    one = compiled({"field": "scores", "op": "contains", "value": 1}, declared=numbers)
    assert one.holds(scope(scores=[Decimal("1.0")]))
    assert not one.holds(scope(scores=[True, "1"]))
    yes = compiled({"field": "scores", "op": "contains", "value": True}, declared=numbers)
    assert not yes.holds(scope(scores=[1]))


def test_lists_of_objects() -> None:
    cheap = {"field": "amount", "op": "lt", "value": 10}
    some = compiled({"any_of": "lines", "where": cheap}, "quote")
    each = compiled({"all_of": "lines", "where": cheap}, "quote")
    mixed, low = [{"amount": "5"}, {"amount": "50"}], [{"amount": "5"}]
    assert [some.holds(scope(lines=lines)) for lines in (mixed, low, [], None)] == [True, True, False, False]
    assert [each.holds(scope(lines=lines)) for lines in (mixed, low, [], None)] == [False, True, True, False]
    neither = compiled({"not": {"all_of": "lines", "where": cheap}}, "quote")
    assert [neither.holds(scope(lines=lines)) for lines in (mixed, low, [], None)] == [
        True,
        False,
        False,
        True,
    ]


def test_items_may_look_outside() -> None:
    document = {
        "any_of": "lines",
        "where": {"field": "amount", "op": "gt", "value": {"field": "quote.amount"}},
    }
    condition = compiled(document, "quote")
    assert condition.holds(scope(amount="5", lines=[{"amount": "6"}]))
    assert not condition.holds(scope(amount="6", currency="USD", lines=[{"amount": "6"}]))
    assert condition.reads == {("lines",), ("amount",), ("currency",)}


def test_changed_compares_values() -> None:
    condition = compiled({"field": "amount", "op": "changed"})
    was: dict[str, dict[str, object]] = {"was": {"amount": "5.00"}}
    assert not condition.holds(scope(was, amount=5))
    assert condition.holds(scope(was, amount=6))
    assert condition.holds(scope(was))
    assert condition.holds(scope(amount=6))


def test_an_event_changes_only_what_it_names() -> None:
    document = {"field": "amount", "op": "changed"}
    condition = compiled(document, root="event", types=["opportunity.updated"])
    was: dict[str, dict[str, object]] = {"was": {"amount": "5"}}
    assert not condition.holds(scope(was))
    assert condition.holds(scope(was, amount="6"))


def test_money_is_judged_in_base_currency() -> None:
    assert holds("amount", "gt", 700, amount="100", currency="USD")
    assert not holds("amount", "gt", 710, amount="100", currency="USD")
    assert holds("amount", "eq", 100, amount="100")


def test_money_against_another_field() -> None:
    value = {"field": "account.credit_limit", "times": Decimal("1.1"), "plus": 5}
    condition = compiled({"field": "amount", "op": "gt", "value": value})
    assert condition.holds(scope({"account": {"credit_limit": "10"}}, amount="16.01"))
    assert not condition.holds(scope({"account": {"credit_limit": "10"}}, amount="16"))
    assert not condition.holds(scope(amount="16"))


def test_a_missing_rate_counts_as_matched_in_either_polarity() -> None:
    leaf = {"field": "amount", "op": "gt", "value": 5}
    for document in (
        leaf,
        {"not": leaf},
        {"not": {"all": [{"not": leaf}]}},
        {"field": "amount", "op": "in", "value": [1]},
    ):
        judged = scope(amount="1", currency="XXX")
        assert compiled(document).holds(judged)
        assert judged.unrated == ["XXX"]
    assert not compiled(leaf).holds(scope(currency="XXX"))


def test_today_is_a_local_date() -> None:
    at = {"field": "created", "op": "eq", "value": "today"}
    just = parse_instant("2026-03-01T16:00:00Z")
    assert compiled(at).holds(scope(created=just))
    assert not compiled(at).holds(scope(created=just - 1))
    assert compiled({"field": "close_date", "op": "lte", "value": "today+7d"}).holds(
        scope(close_date="2026-03-09")
    )
    month = {"field": "close_date", "op": "eq", "value": "today+1mo"}
    end = MappingScope(parse_instant("2026-01-31T00:00:00Z"), {"close_date": "2026-02-28"})
    assert compiled(month).holds(end)


def test_times_compare_with_times_and_dates() -> None:
    created = parse_instant("2026-03-02T01:00:00Z")
    assert holds("created", "lte", "2026-03-02T09:00:00+08:00", created=created)
    assert holds("created", "eq", "2026-03-02", created=created)
    assert holds("created", "eq", {"field": "close_date"}, created=created, close_date="2026-03-02")
    assert not holds("created", "gt", {"field": "last_follow_up"}, created=created, last_follow_up=created)


def test_flips_of_today_and_age() -> None:
    dated = compiled({"field": "close_date", "op": "lt", "value": "today"})
    flip = dated.next_flip(scope(close_date="2026-03-05"), NOON)
    assert flip == parse_instant("2026-03-04T16:00:00Z")
    assert dated.next_flip(scope(close_date="2026-03-01"), NOON) is None
    assert dated.next_flip(scope(), NOON) is None
    old = compiled({"field": "age", "op": "gte", "value": "7d"})
    assert old.next_flip(scope(age=DAY), NOON) == NOON + 6 * DAY
    assert old.time_dependent
    assert not compiled({"field": "amount", "op": "gt", "value": 1}).time_dependent


def test_a_fixed_duration_never_flips() -> None:
    condition = compiled(
        {"field": "duration", "op": "gte", "value": "1h"}, root="event", types=["activity.logged"]
    )
    assert condition.holds(scope(duration="90m"))
    assert condition.next_flip(scope(duration="15m"), NOON) is None


def test_names_by_their_place() -> None:
    assert compiled({"field": "opportunity.amount", "op": "is_set"}).reads == {("amount",)}
    assert compiled({"field": "event.type", "op": "eq", "value": "x"}).holds(scope({"event": {"type": "x"}}))
    kind = {"field": "event.kind", "op": "eq", "value": "visit"}
    assert refused(kind)[0] == "SW-RULE-032"
    assert compiled(kind, types=["activity.logged"]).reads == {("event", "kind")}
    by = {"field": "by", "op": "ne", "value": {"field": "after.by"}}
    condition = compiled(by, root="event", types=["visit.reported"], after=["visit.completed"])
    assert condition.holds(scope({"after": {"by": "li"}}, by="wang"))
    assert refused(by, root="event", types=["visit.reported"])[1] == "value.field"


def test_always() -> None:
    assert compile_condition(None, kind="opportunity") is ALWAYS
    assert ALWAYS.holds(scope())
    assert ALWAYS.explain(scope()).result
    assert ALWAYS.next_flip(scope(), NOON) is None


def test_equalities_are_those_joined_by_all() -> None:
    stage = {"field": "stage", "op": "eq", "value": "quote"}
    tier = {"field": "account.tier", "op": "eq", "value": "A"}
    large = {"field": "amount", "op": "eq", "value": 5}
    both = compiled({"all": [stage, {"all": [tier, large]}, {"not": stage}, {"any": [stage, large]}]})
    assert both.equalities == {(("stage",), "quote"), (("account", "tier"), "A")}


REFUSED = [
    ({"field": "amuont", "op": "is_set"}, "SW-RULE-032", "field", "did you mean `amount`?"),
    ({"field": "a..b", "op": "is_set"}, "SW-RULE-032", "field", ""),
    ({"field": "account.teir", "op": "is_set"}, "SW-RULE-032", "field", "did you mean `account.tier`?"),
    ({"field": "amount", "op": "contains", "value": "5"}, "SW-RULE-033", "op", ""),
    ({"field": "name", "op": "gt", "value": "a"}, "SW-RULE-033", "op", ""),
    ({"field": "products", "op": "eq", "value": "a"}, "SW-RULE-033", "op", ""),
    ({"field": "amount", "op": "gt", "value": "many"}, "SW-RULE-034", "value", ""),
    ({"field": "amount", "op": "gt", "value": True}, "SW-RULE-034", "value", ""),
    ({"field": "name", "op": "eq", "value": 12}, "SW-RULE-034", "value", 'write it in quotes: "12"'),
    ({"field": "name", "op": "contains", "value": 12}, "SW-RULE-034", "value", 'write it in quotes: "12"'),
    ({"field": "name", "op": "in", "value": "a"}, "SW-RULE-034", "value", "write [a, b]"),
    ({"field": "name", "op": "in", "value": []}, "SW-RULE-034", "value", ""),
    ({"field": "name", "op": "eq", "value": ["a"]}, "SW-RULE-034", "value", "for several values use `in`"),
    ({"field": "amount", "op": "between", "value": [1, 2, 3]}, "SW-RULE-034", "value", ""),
    ({"field": "amount", "op": "in", "value": [1, "x"]}, "SW-RULE-034", "value[1]", ""),
    ({"field": "close_date", "op": "lt", "value": "2026-02-30"}, "SW-RULE-034", "value", ""),
    ({"field": "close_date", "op": "lt", "value": "2026-02-03T00:00:00Z"}, "SW-RULE-034", "value", ""),
    (
        {"field": "created", "op": "between", "value": ["2026-02-03T00:00:00Z", "today"]},
        "SW-RULE-034",
        "value[0]",
        "",
    ),
    (
        {"field": "close_date", "op": "lt", "value": "today+7h"},
        "SW-RULE-034",
        "value",
        "move today by whole days: today+7d, today-2w, today+1mo",
    ),
    (
        {"field": "close_date", "op": "lt", "value": "today+2wd"},
        "SW-RULE-034",
        "value",
        "use elapsed time, e.g. 2d instead of 2wd, until working time is built",
    ),
    (
        {"field": "age", "op": "gt", "value": "1mo"},
        "SW-RULE-034",
        "value",
        "months have no fixed length: write days, such as 30d",
    ),
    ({"field": "amount", "op": "gt", "value": {"field": "name"}}, "SW-RULE-034", "value.field", ""),
    (
        {"field": "amount", "op": "gt", "value": {"field": "nam"}},
        "SW-RULE-032",
        "value.field",
        "did you mean `name`?",
    ),
    (
        {"field": "close_date", "op": "gt", "value": {"field": "created", "plus": 1}},
        "SW-RULE-034",
        "value",
        "leave `times` and `plus` out",
    ),
    (
        {"field": "name", "op": "matches", "value": "(?=a)"},
        "SW-RULE-035",
        "value",
        "patterns are RE2: no look-around and no back-references",
    ),
    (
        {"any_of": "products", "where": {"field": "x", "op": "is_set"}},
        "SW-RULE-036",
        "any_of",
        "for a list of plain values use `contains`",
    ),
    ({"all_of": "name", "where": {"field": "x", "op": "is_set"}}, "SW-RULE-036", "all_of", ""),
]


@pytest.mark.parametrize(("document", "code", "place", "step"), REFUSED)
def test_what_is_refused(document: dict[str, Any], code: str, place: str, step: str) -> None:
    found_code, found_place, found_step = refused(document)
    assert (found_code, found_place) == (code, place)
    assert not step or found_step == step


def test_all_problems_are_told_with_their_places() -> None:
    wrong = {"field": "x", "op": "is_set"}
    with pytest.raises(RuleErrors) as caught:
        compiled({"all": [wrong, {"any": [{"not": wrong}]}]})
    assert [error.place for error in caught.value.errors] == ["all[0].field", "all[1].any[0].not.field"]


def test_patterns_are_bounded() -> None:
    with pytest.raises(PatternError, match="501 characters"):
        compile_pattern("a" * (MAX_PATTERN + 1))
    with pytest.raises(PatternError):
        compile_pattern("((a{100}){100}){100}")
    with pytest.raises(PatternError):
        compile_pattern("\ud800")
    assert compile_pattern("(a*)*b")("a" * 100_000) is False  # linear, so it ends


def test_an_explanation_reads_well() -> None:
    document = {
        "all": [
            {"field": "amount", "op": "gte", "value": 100000},
            {"not": {"field": "account.tier", "op": "eq", "value": "A"}},
            {"field": "close_date", "op": "lt", "value": "today"},
        ]
    }
    judged = scope({"account": {"tier": "A"}}, amount="20000", currency="USD", close_date="2026-03-05")
    told = compiled(document).explain(judged)
    assert told.lines("en") == [
        "✗ all hold: no",
        '  ✓ amount is at least 100000: found "20000" = 142000.0',
        "  ✗ does not hold: no",
        '    ✓ account.tier equals "A": found "A"',
        '  ✗ close_date is less than today (2026-03-02): found "2026-03-05"',
    ]
    assert told.lines("zh")[1] == '  ✓ amount 不小于 100000：实际 "20000" = 142000.0'
    leaf = told.to_dict()["children"]
    assert isinstance(leaf, list)
    assert leaf[0]["op"] == "gte"


def test_an_explanation_names_the_missing_rate() -> None:
    leaf = {"field": "amount", "op": "gt", "value": 5}
    for document in (leaf, {"not": leaf}):
        told = compiled(document).explain(scope(amount="1", currency="XXX"))
        assert told.result
        assert "no rate for its currency, counts as matched" in "\n".join(told.lines("en"))
        assert "缺少汇率" in "\n".join(told.lines("zh"))


def test_list_explanations_have_an_item_each() -> None:
    document = {
        "any_of": "lines",
        "where": {"field": "amount", "op": "lt", "value": {"field": "amount", "times": 2}},
    }
    told = compiled(document, "quote").explain(scope(lines=[{"amount": "5"}, {"product": "x"}]))
    assert told.lines() == [
        "✓ lines at least one item fits: 2 items, yes",
        '  ✓ amount is less than amount × 2 = 10: found "5"',
        "  ✗ amount is less than amount × 2 = —: found —",
    ]


def test_descriptions() -> None:
    document = {
        "any": [
            {"not": {"field": "stage", "op": "in", "value": ["a", "b"]}},
            {"all_of": "lines", "where": {"field": "amount", "op": "is_set"}},
        ]
    }
    said = describe(ConditionDoc.model_validate(document))
    assert said == '(not (stage is one of "a", "b")) or (all of lines (amount is set))'
