"""Checking the data of events by their models: strict about types, canonical money, errors that help."""

from typing import Any

import pytest

from schemas.errors import EventError
from schemas.time import parse_instant
from tests.unit.schemas.events import event_of, record_of


def refused(event_type: str, data: dict[str, Any]) -> EventError:
    """The error of data that must be refused."""
    with pytest.raises(EventError) as caught:
        event_of(event_type, data)
    return caught.value


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1054.00", "1054.00"),
        ("0", "0"),
        ("-12.5", "-12.5"),
        (1054, "1054"),
        (-3, "-3"),
        (10**15 - 1, "999999999999999"),
        ("999999999999999.999999", "999999999999999.999999"),
        (None, None),
    ],
)
def test_money_is_kept_as_canonical_text(given: object, kept: str | None) -> None:
    assert event_of("opportunity.won", {"opportunity": "O1", "amount": given}).data["amount"] == kept


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (1054.0, "SW-EVENT-022"),
        (0.1, "SW-EVENT-022"),
        ("1e3", "SW-EVENT-023"),
        ("1,054.00", "SW-EVENT-023"),
        ("50万", "SW-EVENT-023"),
        ("007", "SW-EVENT-023"),
        (".5", "SW-EVENT-023"),
        ("5.", "SW-EVENT-023"),
        ("+5", "SW-EVENT-023"),
        ("", "SW-EVENT-023"),
        ("NaN", "SW-EVENT-023"),
        ("5\n", "SW-EVENT-023"),
        ("1" * 16, "SW-EVENT-023"),
        (10**15, "SW-EVENT-023"),
        (True, "SW-EVENT-023"),
        ([5], "SW-EVENT-023"),
    ],
)
def test_money_in_another_form_is_refused(given: object, code: str) -> None:
    error = refused("opportunity.won", {"opportunity": "O1", "amount": given})
    assert (error.code, error.place) == (code, "data.amount")
    assert "1054.00" in error.expected


def test_money_inside_lists_is_canonical_too() -> None:
    lines = [{"product": "G", "amount": 5, "quantity": 2, "note": 7}, {"amount": "6.00"}]
    assert event_of("quote.created", {"quote": "Q1", "lines": lines}).data["lines"] == [
        {"product": "G", "amount": "5", "quantity": 2, "note": 7},
        {"amount": "6.00"},
    ]
    error = refused("quote.created", {"quote": "Q1", "lines": [{"amount": "1"}, {"amount": 1.5}]})
    assert (error.code, error.place, error.found) == ("SW-EVENT-022", "data.lines.1.amount", "1.5")


@pytest.mark.parametrize(
    ("event_type", "data", "code", "place"),
    [
        ("opportunity.won", {"opportunity": 17}, "SW-EVENT-021", "data.opportunity"),
        ("opportunity.won", {"opportunity": ""}, "SW-EVENT-025", "data.opportunity"),
        ("opportunity.won", {"opportunity": "a\nb"}, "SW-EVENT-025", "data.opportunity"),
        ("opportunity.won", {"opportunity": "x" * 513}, "SW-EVENT-025", "data.opportunity"),
        ("opportunity.won", {"opportunity": None}, "SW-EVENT-021", "data.opportunity"),
        ("opportunity.won", {}, "SW-EVENT-020", "data.opportunity"),
        ("opportunity.won", {"opportunity": "O1", "name": 5}, "SW-EVENT-021", "data.name"),
        ("opportunity.won", {"opportunity": "O1", "probability": "0.5"}, "SW-EVENT-021", "data.probability"),
        ("opportunity.won", {"opportunity": "O1", "probability": True}, "SW-EVENT-021", "data.probability"),
        ("opportunity.won", {"opportunity": "O1", "products": "G"}, "SW-EVENT-021", "data.products"),
        ("opportunity.won", {"opportunity": "O1", "products": [1]}, "SW-EVENT-021", "data.products.0"),
        ("opportunity.won", {"opportunity": "O1", "currency": "usd"}, "SW-EVENT-025", "data.currency"),
        (
            "opportunity.won",
            {"opportunity": "O1", "close_date": "2026-02-30"},
            "SW-EVENT-024",
            "data.close_date",
        ),
        (
            "opportunity.won",
            {"opportunity": "O1", "close_date": "02.03.2026"},
            "SW-EVENT-024",
            "data.close_date",
        ),
        ("opportunity.stage_changed", {"opportunity": "O1"}, "SW-EVENT-020", "data.stage"),
        ("opportunity.stage_changed", {"opportunity": "O1", "stage": None}, "SW-EVENT-021", "data.stage"),
        ("account.assigned", {"account": "A1"}, "SW-EVENT-020", "data.owner"),
        ("activity.logged", {"activity": "x", "kind": "Call"}, "SW-EVENT-025", "data.kind"),
        ("activity.logged", {"kind": "call", "duration": "2wd"}, "SW-EVENT-025", "data.duration"),
        ("contract.signed", {"contract": "K", "version": 1.0}, "SW-EVENT-021", "data.version"),
        ("contract.signed", {"contract": "K", "version": -1}, "SW-EVENT-025", "data.version"),
        ("contract.signed", {"contract": "K", "instalments": [{}]}, "SW-EVENT-020", "data.instalments.0.no"),
        ("approval.requested", {"approval": "x", "of": "K1"}, "SW-EVENT-021", "data.of"),
        ("approval.requested", {"approval": "x", "of": {"kind": "contract"}}, "SW-EVENT-020", "data.of.id"),
        ("cost.recorded", {"category": "travel", "amount": "1"}, "SW-EVENT-025", "data.category"),
        ("target.set", {"measure": "won", "amount": "1", "period": "2026-13"}, "SW-EVENT-025", "data.period"),
        ("message.sent", {"conversation": "c", "from": 5}, "SW-EVENT-021", "data.from"),
        ("person.updated", {"person": "p", "im": ["x"]}, "SW-EVENT-021", "data.im"),
        ("person.updated", {"person": "p", "active": 1}, "SW-EVENT-021", "data.active"),
        ("rate.set", {"currency": "USD", "rate": 7.1}, "SW-EVENT-022", "data.rate"),
        ("source.completed", {"source": "s", "to": "2026-03-02T00:00:00"}, "SW-EVENT-011", "data.to"),
        ("source.completed", {"source": "s", "to": "2026-02-30T00:00:00Z"}, "SW-EVENT-010", "data.to"),
        ("source.completed", {"source": "s", "to": 5}, "SW-EVENT-021", "data.to"),
        ("visit.planned", {"visit": "V1", "planned_for": "2026-02-30"}, "SW-EVENT-024", "data.planned_for"),
        ("visit.corrected", {"visit": "V1"}, "SW-EVENT-020", "data.event"),
    ],
)
def test_slip_in_the_data_is_told(event_type: str, data: dict[str, Any], code: str, place: str) -> None:
    error = refused(event_type, data)
    assert (error.code, error.place) == (code, place)
    assert error.expected
    assert error.next_step
    assert event_type in error.message


def test_several_slips_are_counted_and_the_found_value_is_cut() -> None:
    error = refused("opportunity.won", {"opportunity": 17, "name": ["x"], "amount": "y" * 500 + "\x1b"})
    assert "and 2 more" in error.message
    assert len(refused("opportunity.won", {"opportunity": "O1", "amount": "y" * 500}).found) < 200


def test_null_clears_any_optional_field() -> None:
    data = {"opportunity": "O1", "amount": None, "products": None, "owner": None, "close_date": None}
    assert event_of("opportunity.updated", data).data == data


def test_visit_planned_for_a_day_starts_with_that_day() -> None:
    event = event_of("visit.planned", {"visit": "V1", "planned_for": "2026-03-09"})
    assert parse_instant(event.data["planned_for"]) == parse_instant("2026-03-09T00:00:00+08:00")
    kept = event_of("visit.planned", {"visit": "V1", "planned_for": "2026-03-09T14:00:00+08:00"})
    assert kept.data["planned_for"] == "2026-03-09T14:00:00+08:00"


def test_unknown_type_of_a_known_kind_is_checked_by_the_fields_of_its_kind() -> None:
    assert event_of("opportunity.frozen", {"opportunity": "O1", "amount": 5}).data["amount"] == "5"
    assert refused("opportunity.frozen", {"opportunity": "O1", "amount": 5.0}).code == "SW-EVENT-022"


def test_unknown_kind_is_kept_as_it_is() -> None:
    data = {"ticket": "T1", "amount": 5.5, "n": 3}
    assert event_of("ticket.opened", data).data == data
    assert record_of("ticket.opened", data)["data"] == data
