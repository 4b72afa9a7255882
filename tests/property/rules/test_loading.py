"""Loading never raises anything but RuleErrors, whatever the text; all coded and placed in the file."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.load import load_rules
from rules.problems import RuleErrors
from schemas.errors import RuleError

RULE = """\
rule: stale-opportunity
title: 商机超过 7 天没有跟进
watch: opportunity
when:
  silent: {of: [activity.logged, {type: visit.reported, where: {field: by, op: is_set}}], for: 7d}
where:
  all:
    - {field: amount, op: gte, value: 100000}
    - not: {field: account.tier, op: in, value: [A, B]}
then:
  - notify: {to: [owner.director], via: [email]}
  - approval: {of: amount, chain: [{any: [owner.manager]}], timeout: 2d}
remind: 3d
once_per: episode
"""
LINES = RULE.splitlines()
SCRAPS = """null ~ [] {} [a {a: &a *a !!int ： ， 50万 1e9999 ' " | > --- ... ? 0x1F .inf -1 today+9y 2wd {a
dwell:{} true # <<: [[[[[[ {field:amount} when: value:"""
scraps = st.sampled_from(
    [*re.split(r"\s", SCRAPS), "", "- ", "\t", "\ufeff", "\x00", "\ud800", "when: ", "\n"]
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good rule with some places overwritten, lines dropped or doubled."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        start = draw(st.integers(0, len(lines[i])))
        end = draw(st.integers(start, len(lines[i])))
        lines[i] = lines[i][:start] + draw(scraps) + lines[i][end:]
        if draw(st.booleans()):
            lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(LINES)))
    return "\n".join(lines)


def _errors(text: str | bytes) -> tuple[RuleError, ...]:
    try:
        load_rules(text, "some.yaml")
    except RuleErrors as errors:
        return errors.errors
    return ()


def loads_or_says_why(text: str | bytes) -> None:
    for error in _errors(text):
        assert error.code.startswith("SW-RULE-")
        assert re.fullmatch(r"some\.yaml:[0-9]+:[0-9]+", error.place)
        assert error.expected or error.next_step


@settings(max_examples=400)
@given(damaged())
@example("- " * 2000)
@example("{" * 2000)
def test_damaged_rules(text: str) -> None:
    loads_or_says_why(text)


@settings(max_examples=300)
@given(st.text())
def test_any_text(text: str) -> None:
    loads_or_says_why(text)


@settings(max_examples=300)
@given(st.binary())
def test_any_bytes(raw: bytes) -> None:
    loads_or_says_why(raw)


def test_the_rule_itself_is_good() -> None:
    assert [rule.rule for rule in load_rules(RULE, "some.yaml")] == ["stale-opportunity"]
