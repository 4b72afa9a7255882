"""Settings: read, refused with file and line, and what the machines learn of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from schemas.fields import FieldType
from schemas.time import DAY
from stagewatch.settings import (
    ClusterSettings,
    KafkaSettings,
    RedisSettings,
    Settings,
    load_settings,
    parse_settings,
)
from stagewatch.settings.load import InvalidSettingsError
from stagewatch.settings.places import key_lines, line_of

TEXT = """
zone = "Europe/Berlin"
[stages.opportunity."Closed Won"]
category = "won"
[stages.opportunity.negotiation]
decisive = true
[sources."erp/main"]
arrives_within = "1d"
namespace = "erp"
types = ["payment.received"]
[fields.opportunity]
risk = "text"
"""


def refused(text: str) -> list[dict[str, str]]:
    with pytest.raises(InvalidSettingsError) as caught:
        parse_settings(text)
    return [error.to_dict() for error in caught.value.errors]


def test_what_the_machines_learn() -> None:
    settings = parse_settings(TEXT)
    assert settings.shared() == {
        "zone": "Europe/Berlin",
        "currency": "CNY",
        "language": "zh",
        "stages": {
            "opportunity": {
                "Closed Won": {"category": "won", "decisive": False},
                "negotiation": {"category": "open", "decisive": True},
            }
        },
        "sources": {"erp/main": {"arrives_within": DAY, "types": ["payment.received"]}},
        "fields": {"opportunity.risk": "text"},
    }
    assert settings.namespaces == {"erp/main": "erp"}
    assert settings.declared == {"opportunity.risk": FieldType.TEXT}


def test_a_new_workspaces_settings_are_the_defaults() -> None:
    text = files("stagewatch").joinpath("templates/stagewatch.toml").read_text(encoding="utf-8")
    assert parse_settings(text) == Settings()


def test_every_key_is_named_in_a_new_workspaces_settings() -> None:
    text = files("stagewatch").joinpath("templates/stagewatch.toml").read_text(encoding="utf-8")
    uncommented = "\n".join(line.removeprefix("# ") for line in text.splitlines())
    named = {step for path in key_lines(uncommented) for step in path}
    for part in (Settings, *(field.annotation for field in Settings.model_fields.values())):
        for name in getattr(part, "model_fields", {}):
            assert name in named, name
    assert {"category", "decisive", "arrives_within", "namespace", "types", "host", "sender"} <= named
    cluster = (ClusterSettings, KafkaSettings, RedisSettings)
    assert {name for part in cluster for name in part.model_fields} <= named


@pytest.mark.parametrize(
    ("text", "code", "place", "says"),
    [
        ('zone = "Mars/X"', "SW-SET-005", "stagewatch.toml:1: zone", "time zone"),
        ("\n[http]\nlisten = 8420", "SW-SET-005", "stagewatch.toml:3: http.listen", "string"),
        ('[htttp]\nlisten = "x"', "SW-SET-003", "stagewatch.toml:1: htttp", "did you mean `http`?"),
        ("[http]\nlistn = 1", "SW-SET-003", "stagewatch.toml:2: http.listn", "did you mean `listen`?"),
        ('[sources."a/b"]\narrives_within = "soon"', "SW-SET-005", "stagewatch.toml:2", "15m"),
        ('[sources."a/b"]\narrives_within = "1mo"', "SW-SET-005", "stagewatch.toml:2", "calendar"),
        ('[mail]\nhost = "x"', "SW-SET-004", "stagewatch.toml:1: mail.sender", "sender"),
        ('zone = "a\nb"', "SW-SET-002", "stagewatch.toml:1:", "quotes"),
        ("[limits]\nbatch_events = 0", "SW-SET-005", "stagewatch.toml:2: limits.batch_events", "0"),
        ("[stages.contract.drafted]\ncategory = 'open'", "SW-SET-005", "stagewatch.toml:1", "opportunity"),
        ("[fields.opportunity]\nrisk = 'colour'", "SW-SET-005", "stagewatch.toml:2", "colour"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, code: str, place: str, says: str) -> None:
    error = refused(text)[0]
    assert error["code"] == code
    assert error["place"].startswith(place)
    assert any(says in value for value in error.values()), error


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert [e["code"] for e in refused('zone = "X"\ncurrency = "yuan"\nwrong = 1')] == [
        "SW-SET-005", "SW-SET-005", "SW-SET-003",
    ]  # fmt: skip


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(tmp_path / "stagewatch.toml")
    assert caught.value.errors[0].code == "SW-SET-001"
    assert "stagewatch init" in caught.value.errors[0].next_step


def test_a_place_that_is_not_written_is_that_of_the_part_above() -> None:
    lines = key_lines("a = 1\n\n[b]\nc = {d = 1}")
    assert (line_of(lines, ("b", "c", "d")), line_of(lines, ("b", "x")), line_of(lines, ("z",))) == (4, 3, 1)
