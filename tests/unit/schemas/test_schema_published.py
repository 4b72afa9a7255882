"""The published JSON Schemas are those that the models make, and example events fit them."""

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.events.registry import EVENT_MODELS
from schemas.jsonschema import all_schemas, envelope_schema, index, schema_of
from schemas.publish import main, schema_files
from tests.unit.schemas.events import TYPES, data_of, record_of

PUBLISHED = Path(__file__).parents[3] / "schemas" / "published"


def test_committed_files_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in PUBLISHED.iterdir()}
    assert committed == schema_files(), (
        "run: python -m schemas.publish (and delete files of types that are gone)"
    )


def test_tool_writes_all_files(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--errors", str(tmp_path / "errors.md")])
    assert {path.name for path in tmp_path.iterdir()} == {*all_schemas(), "errors.md"}


@pytest.mark.parametrize(
    "event_type", ["payment.allocated", "visit.planned", "target.set", "rate.set", "order.deleted"]
)
def test_schema_is_a_schema(event_type: str) -> None:
    Draft202012Validator.check_schema(schema_of(event_type))
    Draft202012Validator.check_schema(envelope_schema())


@pytest.mark.parametrize("event_type", TYPES)
def test_example_fits_its_schema_and_the_envelope(event_type: str) -> None:
    Draft202012Validator(schema_of(event_type)).validate(data_of(event_type))
    Draft202012Validator(envelope_schema()).validate(record_of(event_type, subject="S1", lane=3))


@pytest.mark.parametrize("event_type", TYPES)
def test_schema_asks_for_what_the_model_requires(event_type: str) -> None:
    validator = Draft202012Validator(schema_of(event_type))
    for name in schema_of(event_type).get("required", []):
        data = copy.deepcopy(data_of(event_type))
        del data[name]
        assert not validator.is_valid(data)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"id": "x" * 513},
        {"source": 5},
        {"type": "Won"},
        {"time": "2026-03-02T09:30:00"},
        {"precision": "hour"},
        {"traceParent": "x"},
        {"lane": 1.5},
        {"data": []},
        {"datacontenttype": "text/xml"},
    ],
)
def test_envelope_schema_refuses_what_the_decoder_refuses(change: dict[str, Any]) -> None:
    assert not Draft202012Validator(envelope_schema()).is_valid({**record_of("opportunity.won"), **change})


def test_index_lists_every_type_with_its_file() -> None:
    events, files = index()["events"], schema_files().keys()
    assert events.keys() == EVENT_MODELS.keys()
    assert events["rate.set"]["id"] == "currency"
    assert all(entry["file"] in files and entry["title"] for entry in events.values())
