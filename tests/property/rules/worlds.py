"""Random conditions on quotes and random scopes to judge them in, with values near each other on purpose."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rules.conditions.condition import Condition, compile_condition
from rules.conditions.model import ConditionDoc
from rules.conditions.scope import MappingScope
from schemas.time import DAY, format_instant

ZONES = [ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")]
START = 1_772_000_000 * 1_000_000

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([500_000, 500_001, 10**30, -(10**30)]),
    st.sampled_from([Decimal(t) for t in ("0.1", "0.10", "1.5", "499999.995", "1e-9", "9007199254740993")]),
)
texts = st.one_of(
    st.sampled_from(["", "A", "B", "a", "合同", 'say "yes"', "it's", "\\", "x\ny", "500001", "true", "🙂"]),
    st.text(max_size=4),
)
days = st.integers(0, 40).map(lambda n: f"2026-{n // 28 + 2:02d}-{n % 28 + 1:02d}")
instants = st.integers(-5, 40).map(lambda n: START + n * DAY // 3)
lengths = st.sampled_from(["0s", "1s", "24h", "1d", "7d", "30d"])
todays = st.sampled_from(["today", "today+1d", "today-7d", "today+2w", "today+1mo", "today-1q"])

COMPARE = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])
MEMBER = st.sampled_from(["in", "not_in"])
BARE = st.sampled_from(["is_set", "is_empty", "changed"])


def _compared(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(values, min_size=1, max_size=4)
    pairs = st.lists(values, min_size=2, max_size=2)
    return st.one_of(
        st.builds(lambda op, v: {"field": field, "op": op, "value": v}, COMPARE, values),
        st.builds(lambda op, v: {"field": field, "op": op, "value": v}, MEMBER, lists),
        st.builds(lambda v: {"field": field, "op": "between", "value": v}, pairs),
        st.builds(lambda op: {"field": field, "op": op}, BARE),
    )


def _worded(field: str) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(texts, min_size=1, max_size=4)
    return st.one_of(
        st.builds(lambda op, v: {"field": field, "op": op, "value": v}, st.sampled_from(["eq", "ne"]), texts),
        st.builds(lambda op, v: {"field": field, "op": op, "value": v}, MEMBER, lists),
        st.builds(
            lambda op, v: {"field": field, "op": op, "value": v},
            st.sampled_from(["contains", "starts_with"]),
            texts,
        ),
        st.builds(
            lambda v: {"field": field, "op": "matches", "value": v}, st.sampled_from(["A.*", "[ab]+", ""])
        ),
        st.builds(lambda op: {"field": field, "op": op}, BARE),
    )


def _other(field: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda times, plus: {"field": field} | times | plus,
        st.sampled_from([{}, {"times": Decimal("1.1")}, {"times": 2}]),
        st.sampled_from([{}, {"plus": 1}]),
    )


_money = st.one_of(numbers, _other("opportunity.amount"), _other("was.amount"))
item_leaves = st.one_of(
    _compared("quantity", numbers), _compared("amount", numbers), _worded("product")
).filter(lambda doc: doc["op"] != "changed")
item_conditions = st.one_of(
    item_leaves,
    st.builds(lambda a: {"not": a}, item_leaves),
    st.builds(lambda a, b: {"any": [a, b]}, item_leaves, item_leaves),
)
time_leaves = st.one_of(
    _compared("valid_until", st.one_of(days, todays)),
    _compared("created", st.one_of(days, todays)),
    _compared("created", instants.map(format_instant)),
    _compared("age", lengths),
)
leaves = st.one_of(
    _compared("amount", numbers),
    _compared("amount", _money),
    _compared("discount", numbers),
    _worded("name"),
    _worded("account.tier"),
    time_leaves,
    st.builds(
        lambda head, where: {head: "lines", "where": where},
        st.sampled_from(["any_of", "all_of"]),
        item_conditions,
    ),
)


def nested(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The part below `all`, `any` and `not`."""
    return st.recursive(
        part,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=8,
    )


documents = nested(leaves)


def compiled(document: dict[str, Any]) -> Condition:
    return compile_condition(ConditionDoc.model_validate(document), kind="quote")


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


amounts = st.one_of(st.none(), numbers.map(_written))
currencies = st.sampled_from([None, "CNY", "USD", "XXX"])
lines = st.one_of(
    st.none(),
    st.lists(
        st.fixed_dictionaries(
            {"quantity": amounts, "amount": amounts, "product": st.one_of(st.none(), texts)}
        ),
        max_size=3,
    ),
)


def _quote(**more: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "amount": amounts,
            "currency": currencies,
            "discount": amounts,
            "name": st.one_of(st.none(), texts),
            "valid_until": st.one_of(st.none(), days),
            "created": st.one_of(st.none(), instants, instants.map(format_instant)),
            "age": st.one_of(st.none(), st.sampled_from([0, DAY, DAY - 1, 7 * DAY, 12345])),
            "lines": lines,
            **more,
        }
    )


scopes = st.builds(
    lambda at, zone, data, was, account, opportunity: MappingScope(
        at=at,
        zone=zone,
        data=data,
        joined={"was": was, "account": account, "opportunity": opportunity},
        rates={"CNY": Decimal(1), "USD": Decimal("7.1")},
    ),
    instants,
    st.sampled_from(ZONES),
    _quote(),
    _quote(),
    st.fixed_dictionaries({"tier": st.one_of(st.none(), texts)}),
    st.fixed_dictionaries({"amount": amounts, "currency": currencies}),
)
