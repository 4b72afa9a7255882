"""Tokens and token buckets."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.access import Access, Bucket, read_tokens
from console.problems import RateError
from schemas.errors import RequestError, SettingsError

TOKEN = "0123456789abcdefghij"


def test_scopes_default_to_sending_events() -> None:
    (client,) = read_tokens(f"crm={TOKEN}")
    assert (client.name, sorted(client.scopes)) == ("crm", ["events"])
    assert TOKEN.encode() not in client.digest


def test_a_token_may_be_given_hashed() -> None:
    hashed = hashlib.sha256(TOKEN.encode()).hexdigest()
    assert read_tokens(f"a:read=sha256:{hashed}")[0].digest == read_tokens(f"a={TOKEN}")[0].digest


@pytest.mark.parametrize(
    "text",
    ["crm", "crm=short", f"crm:fly={TOKEN}", f"CRM={TOKEN}", f"a={TOKEN} a={TOKEN}", f"a:events+={TOKEN}",
     "a=" + "密" * 30],
)  # fmt: skip
def test_tokens_that_cannot_be_read_are_not_shown(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_tokens(text)
    assert caught.value.code == "SW-SET-131"
    assert TOKEN not in str(caught.value)
    assert "short" not in str(caught.value)


def test_without_tokens_nobody_is_let_in() -> None:
    access = Access(read_tokens(""), lambda: 0.0)
    with pytest.raises(RequestError, match="SW-REQ-002"):
        access.client({"authorization": f"Bearer {TOKEN}"}, "events")


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", f"BEARER {TOKEN}"])
def test_spelling_of_the_scheme_does_not_matter(header: str) -> None:
    assert (
        Access(read_tokens(f"a={TOKEN}"), lambda: 0.0).client({"authorization": header}, "events").name == "a"
    )


def test_clients_do_not_use_up_each_others_rate() -> None:
    now = [0.0]
    access = Access([], lambda: now[0], rate=1.0, burst=2.0)
    access.charge("a", 2)
    access.charge("b", 1)
    with pytest.raises(RateError) as caught:
        access.charge("a", 1)
    assert caught.value.seconds == 1.0
    now[0] = 1.0
    access.charge("a", 1)


def test_debt_must_be_worked_off() -> None:
    now = [0.0]
    access = Access([], lambda: now[0], rate=10.0, burst=10.0)
    access.charge("a", 1)
    access.spend("a", 499)
    with pytest.raises(RateError) as caught:
        access.charge("a", 1)
    assert caught.value.seconds == pytest.approx(49.1)


@given(st.lists(st.floats(0, 3), max_size=60))
def test_never_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    bucket, now, granted = Bucket(2.0, 5.0, 5.0, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        granted += bucket.take(now, 1.0) == 0.0
    assert granted <= 5.0 + 2.0 * now + 1e-6
