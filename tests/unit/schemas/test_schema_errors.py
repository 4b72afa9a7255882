"""The error tree, how errors show what was found, and the registry of codes with its page."""

import re
from pathlib import Path

import pytest

from schemas import errors
from schemas.error_codes import CODES, GROUPS
from schemas.errors import EventError, RuleError, StagewatchError, escape, show
from schemas.publish import errors_page

HOME = Path(__file__).parents[3]


def test_error_says_code_place_expected_found_and_next_step() -> None:
    error = EventError(
        "SW-EVENT-022",
        "The amount is a float",
        place="a.jsonl:7: data.amount",
        expected="text",
        found="1.5",
        next_step="quote it",
    )
    assert str(error).splitlines() == [
        "SW-EVENT-022: The amount is a float",
        "  at:       a.jsonl:7: data.amount",
        "  expected: text",
        "  found:    1.5",
        "  next:     quote it",
    ]
    assert error.to_dict() == {
        "code": "SW-EVENT-022",
        "title": "An amount of money is a binary float",
        "message": "The amount is a float",
        "place": "a.jsonl:7: data.amount",
        "expected": "text",
        "found": "1.5",
        "next_step": "quote it",
    }


def test_error_without_words_takes_its_title_and_leaves_out_the_rest() -> None:
    assert str(RuleError("SW-RULE-001")) == "SW-RULE-001: The duration cannot be read"
    assert RuleError("SW-RULE-001").to_dict().keys() == {"code", "title", "message"}


def test_unknown_code_is_found_at_once() -> None:
    with pytest.raises(KeyError):
        StagewatchError("SW-EVENT-999")


def test_whatever_was_found_is_escaped_and_cut() -> None:
    error = EventError("SW-EVENT-004", found="\x1b[31m" + "长" * 600 + "\n", place="a\u202eb")
    assert "\x1b" not in str(error)
    assert "\\x1b[31m" in error.found
    assert error.found.endswith("… (606 characters)")
    assert error.place == "a\\u202eb"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("a\tb", '"a\\tb"'),
        ("x" * 200, '"' + "x" * 160 + '… (200 characters)"'),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object with 1 keys"),
    ],
)
def test_value_is_shown(value: object, text: str) -> None:
    assert show(value) == text


def test_huge_integer_is_not_written_out() -> None:
    assert show(1 << 20_000) == "an integer of 20001 bits"


def test_chinese_stays_readable_and_full_width_space_does_not_hide() -> None:
    assert escape("商机 50 万") == "商机 50 万"
    assert escape("a\u3000b") == "a\\u3000b"


def test_every_subclass_is_drawn_in_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+) +(SW-\w+)", errors.__doc__ or ""))
    assert {name for name, _ in drawn} == {kind.__name__ for kind in StagewatchError.__subclasses__()}
    assert {prefix for _, prefix in drawn} == GROUPS.keys()


@pytest.mark.parametrize("code", CODES)
def test_code_has_a_group_and_a_title(code: str) -> None:
    prefix, _, number = code.rpartition("-")
    assert prefix in GROUPS
    assert re.fullmatch(r"[0-9]{3}", number)
    assert CODES[code]
    assert not CODES[code].endswith(".")


def test_page_of_errors_is_the_generated_one() -> None:
    page = (HOME / "docs/errors.md").read_text(encoding="utf-8")
    assert page == errors_page(), "run: python -m schemas.publish"
    assert all(f"| {code} |" in page for code in CODES)
