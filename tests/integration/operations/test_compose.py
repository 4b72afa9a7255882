"""The compose file is valid by the official parser and names what is there. Go builds the parser, once.

What needs no parser (the Dockerfile, the health check, the variables) is tested in `test_image.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.docker.compose import FILE, ComposeError, filled, normalized
from stagewatch.settings import load_settings
from tests.integration.operations.known import HOME, PROMETHEUS

pytestmark = pytest.mark.timeout(300)

SECRET = {"STAGEWATCH_SECRET": "0123456789abcdef0123456789abcdef"}
TEXT = filled(FILE.read_text(encoding="utf-8"), SECRET)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(normalized(TEXT))["services"]
    return found


def test_a_file_that_is_wrong_is_refused() -> None:
    with pytest.raises(ComposeError, match="condition"):
        normalized(TEXT.replace("condition: service_healthy", "condition: service_well"))
    with pytest.raises(ComposeError, match="restrat"):
        normalized(TEXT.replace("restart: unless-stopped", "restrat: unless-stopped"))


def test_all_parts_are_there(services: dict[str, Any]) -> None:
    assert services.keys() == {
        "kafka", "redis", "workspace", "worker-1", "worker-2", "mail", "prometheus", "alertmanager",
        "grafana",
    }  # fmt: skip
    for name, service in services.items():
        assert "." not in service["image"].partition("/")[0], f"{name}: short, of no one registry"
        assert service["image"] == "stagewatch" or ":" in service["image"], f"{name}: a version"


def test_volumes_and_services_that_are_named_are_declared(services: dict[str, Any]) -> None:
    declared = set(yaml.safe_load(TEXT)["volumes"])
    used = {
        volume["source"]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "volume"
    }
    assert used == declared
    assert {on for service in services.values() for on in service.get("depends_on", {})} <= services.keys()


def test_ports_are_open_on_this_machine_only(services: dict[str, Any]) -> None:
    open_ports = [port for service in services.values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in open_ports} == {"127.0.0.1"}
    published = [port["published"] for port in open_ports]
    assert len(published) == len(set(published)) == 6


def test_what_is_mounted_is_in_the_checkout(services: dict[str, Any]) -> None:
    mounted = [
        Path(volume["source"])
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert len(mounted) == 6
    inside = [Path("deploy", str(path).partition("/deploy/")[2]) for path in mounted]
    assert [path for path in inside if not (HOME / path).exists()] == []


def test_workers_are_locked_in_and_wait_for_what_they_need(services: dict[str, Any]) -> None:
    for name in ("worker-1", "worker-2"):
        worker = services[name]
        assert worker["read_only"] is True
        assert worker["cap_drop"] == ["ALL"]
        assert {on: needs["condition"] for on, needs in worker["depends_on"].items()} == {
            "workspace": "service_completed_successfully",
            "kafka": "service_healthy",
            "redis": "service_healthy",
        }
        assert worker["environment"]["STAGEWATCH_SECRET"] == SECRET["STAGEWATCH_SECRET"]


def test_settings_and_servers_name_each_other(services: dict[str, Any]) -> None:
    settings = load_settings(HOME / "deploy" / "docker" / "workspace" / "stagewatch.toml")
    cluster, mail = settings.need_cluster(), settings.mail
    assert mail is not None
    named = {broker.partition(":")[0] for broker in cluster.kafka.brokers} | {mail.host, "redis"}
    assert cluster.redis.url == "redis://redis:6379/0"
    prometheus = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]}
    port = cluster.listen.rpartition(":")[2]
    assert scraped["stagewatch"] == [f"worker-1:{port}", f"worker-2:{port}"]
    [alerting] = prometheus["alerting"]["alertmanagers"]
    told = {target.partition(":")[0] for target in alerting["static_configs"][0]["targets"]}
    assert named | told | {"worker-1", "worker-2"} <= services.keys()
    asked = yaml.safe_load((HOME / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    assert asked["datasources"][0]["url"] == "http://prometheus:9090"
    assert [port["target"] for port in services["prometheus"]["ports"]] == [9090]
    assert "--appendonly" in services["redis"]["command"]
    assert services["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert services["kafka"]["image"].rpartition(":")[2].startswith("4.")
