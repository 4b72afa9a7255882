"""Logs hide secrets and stay one JSON object per line; metrics have sound names and few series."""

import io
import json
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from stagewatch.logs import MOST_REPEATS, Redactor, configure_logs
from stagewatch.metrics import Metrics


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go; logging is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    yield out
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_a_client_of_kafka_says_all_the_time_is_counted_and_not_written(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream=stream)

    def said(name: str, text: str, at: float, number: int) -> None:
        record = {"name": name, "msg": text, "args": (number,), "created": at, "levelno": logging.ERROR}
        logging.getLogger().handle(logging.makeLogRecord(record))

    for number in range(1000):
        said("aiokafka.client", "no broker %s", number / 100, number)
        said("aiokafka.conn", "closed %s", 0.0, number)
        said("uvicorn.error", "seen %s", 0.0, number)
    said("aiokafka.client", "no broker %s", 10.5, 1000)
    found = [str(line["message"]) for line in lines(stream)]
    assert [text for text in found if text.startswith("no")] == [
        *(f"no broker {number}" for number in range(MOST_REPEATS)),
        f"no broker 1000 ({1000 - MOST_REPEATS} more like it before)",
    ]
    assert sum(text.startswith("closed") for text in found) == MOST_REPEATS
    assert sum(text.startswith("seen") for text in found) == 1000


def test_logs_are_json_with_ids_and_the_standard_library_goes_the_same_way(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream=stream)
    with structlog.contextvars.bound_contextvars(request="r1"):
        structlog.get_logger("a.b").info("商机\nsecond line", alert="a1")
    structlog.get_logger("a.b").debug("not shown")
    logging.getLogger("uvicorn.error").warning("odd %s", "thing")
    first, second = lines(stream)
    assert (first["message"], first["alert"], first["request"], first["level"], first["logger"]) == (
        "商机\nsecond line", "a1", "r1", "info", "a.b",
    )  # fmt: skip
    assert (second["message"], second["level"]) == ("odd thing", "warning")
    assert str(first["time"]).endswith("Z")


def test_no_secret_reaches_the_log(stream: io.StringIO) -> None:
    secret = "hunter2-hunter2"
    configure_logs("json", "info", secrets=[secret], stream=stream)
    log = structlog.get_logger("x")
    log.info("in text hunter2-hunter2", password="p1-value", headers={"Authorization": "p2-value"})
    log.info("GET /d/1.p3-value.mac", url="smtp://li:p4-value@mail.example.com", list=[f"Bearer {'p5' * 9}"])
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    logging.getLogger("y").error("token is %s", secret)
    text = stream.getvalue()
    assert len(lines(stream)) == 4
    for hidden in (secret, "p1-value", "p2-value", "p3-value", "p4-value", "p5p5"):
        assert hidden not in text


def test_short_secrets_are_not_replaced_everywhere() -> None:
    assert Redactor(["abc"]).text("abcdef") == "abcdef"


def filled() -> Metrics:
    metrics = Metrics("0.1.0")
    metrics.events("crm.activity", 3)
    metrics.batch(0.01, 500)
    metrics.machine("account", lag=2_500_000, held=1, sweeps=0)
    metrics.waits(7)
    metrics.backlog("crm.activity", 4)
    metrics.dead("identity", "SW-EVENT-001")
    metrics.parked(2)
    metrics.dlq(6)
    metrics.disk(1_000, 4_000)
    metrics.alarm("email", True)
    metrics.rules({"r1": 10, "r2": 5}, {"r1": 1})
    metrics.transition("alert", "firing", "silence")
    metrics.lateness([0, 1_000_000, 7_200_000_000])
    metrics.logical_time(1_772_409_600_500_000)
    metrics.ready(True)
    metrics.delivery("email", "delivered", 0.2)
    metrics.outbox(3, 1)
    metrics.intake("accepted", 5, 0.004)
    metrics.request("/v1/events", "BREW", 405, 0.001)
    return metrics


def samples(metrics: Metrics) -> dict[str, float]:
    body, _ = metrics.render()
    return {
        s.name + "".join(f"|{v}" for _, v in sorted(s.labels.items())): s.value
        for family in text_string_to_metric_families(body.decode())
        for s in family.samples
    }


def test_what_is_told_is_what_is_shown() -> None:
    shown = samples(filled())
    expected = {
        "stagewatch_events_total|crm.activity": 3, "stagewatch_lag_seconds|account": 2.5,
        "stagewatch_watermark_age_seconds|account": 2.5, "stagewatch_dlq_records": 6,
        "stagewatch_disk_free_bytes": 1000, "stagewatch_disk_size_bytes": 4000,
        "stagewatch_delivery_alarm|email": 1, "stagewatch_delivery_alarms_total|email": 1,
        "stagewatch_waits_armed": 7, "stagewatch_dead_letters_total|SW-EVENT-001|identity": 1,
        "stagewatch_parked_events": 2, "stagewatch_rule_evaluations_total|r1": 10,
        "stagewatch_rule_matches_total|r1": 1, "stagewatch_alert_transitions_total|alert|silence|firing": 1,
        "stagewatch_wait_lateness_seconds_count": 3, "stagewatch_wait_lateness_seconds_sum": 7201,
        "stagewatch_logical_time_seconds": 1_772_409_600.5, "stagewatch_ready": 1,
        "stagewatch_deliveries_total|email|delivered": 1, "stagewatch_outbox_messages|waiting": 3,
        "stagewatch_intake_events_total": 5, "stagewatch_batch_records_sum": 500,
        "stagewatch_http_requests_total|other|/v1/events|405": 1, "stagewatch_build_info|0.1.0": 1,
    }  # fmt: skip
    assert {name: shown.get(name) for name in expected} == expected


def test_rules_that_are_gone_take_their_series_with_them() -> None:
    metrics = filled()
    for n in range(100):
        metrics.rules({f"edited-{n}": 1}, {f"edited-{n}": 1})
        metrics.rules_active(["r1", f"edited-{n}"])
    kept = {name for name in samples(metrics) if name.startswith("stagewatch_rule_evaluations_total")}
    assert kept == {"stagewatch_rule_evaluations_total|r1", "stagewatch_rule_evaluations_total|edited-99"}


def test_names_follow_the_conventions() -> None:
    body, _ = filled().render()
    for family in text_string_to_metric_families(body.decode()):
        if not family.name.startswith("stagewatch_"):
            continue
        assert re.fullmatch(r"stagewatch(_[a-z]+)+", family.name)
        assert len(family.documentation) > 10
        total = {s.name for s in family.samples if s.name.endswith(("_total", "_created"))}
        assert bool(total) == (family.type == "counter")
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_records"))
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")
