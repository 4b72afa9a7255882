"""Signed links: what was signed comes back, and nothing else does."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.links import LIFE, PREVIOUS, VARIABLE, Link, Signer, signed
from schemas.errors import RequestError, SettingsError

SECRET = "s" * 32
SIGNER = Signer(SECRET)
ids = st.text(min_size=1, max_size=30)
links = st.builds(
    Link,
    action=st.sampled_from(["approve", "reject", "return", "task.done", "ack"]),
    alert=ids, item=st.none() | ids, key=ids, person=ids,
    seen=st.integers(0, 2**40), expires=st.integers(1, 2**60), nonce=ids,
    language=st.sampled_from(["zh", "en"]), title=st.text(max_size=100),
)  # fmt: skip
LINK = Link("approve", "a1", "p1", "account:7", "li", 3, 1_000, "n1")
TOKEN = SIGNER.sign(LINK)


def code(token: str, now: int = 0, signer: Signer = SIGNER) -> str:
    with pytest.raises(RequestError) as caught:
        signer.read(token, now)
    return caught.value.code


@given(links)
def test_what_was_signed_comes_back(link: Link) -> None:
    token = SIGNER.sign(link)
    assert SIGNER.read(token, link.expires - 1) == link
    assert token.isascii()
    assert all(c.isalnum() or c in "._-" for c in token)


@given(links, st.data())
def test_any_changed_character_is_refused(link: Link, data: st.DataObject) -> None:
    token = SIGNER.sign(link)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    assert code(token[:at] + other + token[at + 1 :]) == "SW-REQ-030"


def test_every_bit_of_every_byte_counts() -> None:
    raw = TOKEN.encode()
    for at in range(len(raw)):
        for bit in range(8):
            changed = raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]
            assert code(changed.decode("latin-1")) == "SW-REQ-030"


@given(links, st.integers(1, 40), st.text(min_size=1, max_size=5))
def test_cutting_and_adding_is_refused(link: Link, cut: int, more: str) -> None:
    token = SIGNER.sign(link)
    for changed in (token[:-cut], token[cut:], token + more, more + token, token + "=", token.upper() + "."):
        assert code(changed) == "SW-REQ-030"


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    assert code(text) == "SW-REQ-030"


@given(links, links)
def test_parts_of_two_links_do_not_mix(one: Link, two: Link) -> None:
    first, second = SIGNER.sign(one).split("."), SIGNER.sign(two).split(".")
    if one != two:
        assert code(".".join([*first[:2], second[2]])) == "SW-REQ-030"


def test_a_signed_payload_of_another_form_is_refused() -> None:
    class Bare(msgspec.Struct, array_like=True):
        action: str = "destroy"

    bare: Any = Bare()
    assert code(SIGNER.sign(bare)) == "SW-REQ-030"


def test_a_link_ends_exactly_at_its_expiry() -> None:
    assert SIGNER.read(TOKEN, 999) == LINK
    assert code(TOKEN, 1_000) == "SW-REQ-031"


def test_another_secret_refuses_and_the_previous_one_is_still_read() -> None:
    other = Signer("t" * 32)
    assert code(TOKEN, signer=other) == "SW-REQ-030"
    rotated = Signer.from_environment({VARIABLE: "t" * 32, PREVIOUS: SECRET})
    assert rotated.read(TOKEN, 0) == LINK
    assert code(rotated.sign(LINK)) == "SW-REQ-030"


@pytest.mark.parametrize(
    "environment",
    [{}, {VARIABLE: ""}, {VARIABLE: "x" * 31}, {VARIABLE: "y" * 32, PREVIOUS: "hush-hush"}],
)
def test_a_missing_or_short_secret_is_a_settings_error_that_does_not_tell_it(
    environment: dict[str, str],
) -> None:
    with pytest.raises(SettingsError) as caught:
        Signer.from_environment(environment)
    assert caught.value.code == "SW-SET-130"
    assert "hush" not in str(caught.value)


def test_thirty_two_bytes_may_be_fewer_characters() -> None:
    assert Signer("密" * 11).sign(LINK)


def test_wanted_links_are_signed_at_delivery() -> None:
    want = {"action": "approve", "label": "同意", "alert": "a1", "item": "p1", "key": "account:7",
            "person": "li", "seen": 3, "title": "标" * 500, "language": "zh"}  # fmt: skip
    record = {"id": "n1", "at": 5, "text": "x", "wanted": [want]}
    out = signed(record, SIGNER, "https://watch.example.com/")
    assert set(out) == {"id", "at", "text", "links"}
    (link,) = out["links"]
    assert link["label"] == "同意"
    assert link["url"].startswith("https://watch.example.com/d/1.")
    read = SIGNER.read(link["url"].rpartition("/")[2], 5)
    assert (read.nonce, read.expires, read.seen, len(read.title)) == ("n1", 5 + LIFE, 3, 120)
    assert signed({"id": "n2", "at": 5}, SIGNER, "https://x") == {"id": "n2", "at": 5}
