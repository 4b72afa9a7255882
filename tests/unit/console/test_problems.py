"""Every code a request can meet has a status, and groups of errors are listed in order."""

import json

import pytest

from console.problems import STATUS, all_errors, problem, status_of
from schemas.error_codes import CODES
from schemas.errors import EventError, RequestError, StagewatchError


@pytest.mark.parametrize("code", [c for c in CODES if c.startswith(("SW-REQ", "SW-EVENT"))])
def test_every_code_of_requests_and_events_has_a_client_or_server_status(code: str) -> None:
    assert 400 <= status_of(StagewatchError(code)) < 600
    if code.startswith("SW-EVENT"):
        assert status_of(StagewatchError(code)) in (400, 413, 422)


def test_no_status_is_given_to_a_code_that_does_not_exist() -> None:
    assert set(STATUS) <= set(CODES)


def test_groups_are_flattened_in_order_and_strangers_are_left_out() -> None:
    one, two = EventError("SW-EVENT-001"), RequestError("SW-REQ-001")
    group = ExceptionGroup("x", [one, ExceptionGroup("y", [two, ValueError("z")])])
    assert all_errors(group) == [one, two]
    assert all_errors(ValueError("z")) == []


def test_the_first_error_gives_the_status_and_all_are_written() -> None:
    answer = problem([EventError("SW-EVENT-020", place="[0]"), EventError("SW-EVENT-001")], "r1")
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, body["request"], [e["code"] for e in body["errors"]]) == (
        422, "r1", ["SW-EVENT-020", "SW-EVENT-001"],
    )  # fmt: skip
