"""The manifests fit the published schemas, run with few rights, and name each other's parts rightly."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from stagewatch.settings import Settings, load_settings, parse_settings
from stagewatch.worker.server import ROLES
from tests.integration.operations.known import HOME, unknown

FILES = sorted((HOME / "deploy" / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.29", "1.32", "1.37")


def objects() -> list[dict[str, Any]]:
    return [one for path in FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects() if one["kind"] == kind}


def workloads() -> dict[str, dict[str, Any]]:
    return of("StatefulSet") | of("Deployment")


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in workloads().items():
        pod = one["spec"]["template"]["spec"]
        for container in (*pod["initContainers"], *pod["containers"]):
            yield f"{name}/{container['name']}", container


@pytest.mark.parametrize("version", VERSIONS)
def test_they_fit_the_schemas(version: str) -> None:
    for one in objects():
        kubernetes_validate.validate(one, version, strict=True)


def test_a_manifest_that_is_wrong_would_be_found() -> None:
    wrong = {**of("StatefulSet")["stagewatch-edge"]}
    wrong["spec"] = {**wrong["spec"], "replica": 2}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize(("name", "container"), list(containers()), ids=lambda value: str(value)[:30])
def test_containers_may_do_little(name: str, container: dict[str, Any]) -> None:
    rights = container["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["cpu"]


@pytest.mark.parametrize("name", sorted(workloads()))
def test_pods_are_nobody_and_are_probed(name: str) -> None:
    one = workloads()[name]
    pod = one["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    [worker] = pod["containers"]
    paths = {kind: worker[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    labels = one["spec"]["template"]["metadata"]["labels"]
    assert one["spec"]["selector"]["matchLabels"] == labels
    assert of("Service")[one["spec"]["serviceName"]]["spec"]["selector"] == labels
    assert of("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == labels
    assert of("PodDisruptionBudget")[name]["spec"]["maxUnavailable"] < one["spec"]["replicas"]


def test_every_role_is_played_and_none_twice() -> None:
    played = [
        role
        for name, container in containers()
        if name.endswith("/worker")
        for role in container["args"][container["args"].index("--roles") + 1].split(",")
    ]
    assert sorted(played) == sorted(ROLES)


def settings() -> Settings:
    return parse_settings(of("ConfigMap")["stagewatch-settings"]["data"]["stagewatch.toml"])


def test_scaling_follows_what_there_is() -> None:
    found = of("HorizontalPodAutoscaler")
    assert found.keys() == workloads().keys()
    for name, scaler in found.items():
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["name"], target["kind"]) == (name, workloads()[name]["kind"])
        assert scaler["spec"]["minReplicas"] <= workloads()[name]["spec"]["replicas"]
    machines = found["stagewatch-machines"]["spec"]
    assert machines["maxReplicas"] == settings().need_cluster().partitions
    [rule] = yaml.safe_load(of("ConfigMap")["stagewatch-adapter-rules"]["data"]["rules.yaml"])[
        "externalRules"
    ]
    assert rule["name"]["as"] == machines["metrics"][0]["external"]["metric"]["name"]
    assert unknown(rule["metricsQuery"]) == unknown(rule["seriesQuery"]) == set()


def test_every_secret_that_the_settings_name_is_given_to_the_pods() -> None:
    cluster, mail = settings().need_cluster(), settings().mail
    assert mail is not None
    http = settings().http
    needed = {cluster.kafka.password_env, cluster.redis.password_env, mail.password_env}
    for name, container in containers():
        if name.endswith("/worker"):
            given = {one["name"] for one in container["env"]}
            assert given == needed | {http.secret_env, http.tokens_env}
            assert all("secretKeyRef" in one["valueFrom"] for one in container["env"])


def ports(policy: str, way: str) -> set[int]:
    rules = of("NetworkPolicy")[policy]["spec"][way]
    return {port["port"] for rule in rules for port in rule.get("ports", [])}


def test_the_network_lets_through_what_the_settings_need() -> None:
    cluster, mail = settings().need_cluster(), settings().mail
    assert mail is not None
    brokers = {int(broker.rpartition(":")[2]) for broker in cluster.kafka.brokers}
    listened = {int(cluster.listen.rpartition(":")[2])}
    assert brokers | {6380, 53} == ports("stagewatch", "egress")
    assert ":6380/" in cluster.redis.url
    assert mail.effective_port in ports("stagewatch-edge", "egress")
    assert ports("stagewatch", "ingress") == ports("stagewatch-edge", "ingress") == listened
    for policy in of("NetworkPolicy").values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        wanted = policy["spec"]["podSelector"]["matchLabels"].items()
        assert any(
            wanted <= one["spec"]["template"]["metadata"]["labels"].items() for one in workloads().values()
        )


def test_the_workspace_is_made_and_made_again(tmp_path: Path) -> None:
    [make] = {container["args"][0] for name, container in containers() if name.endswith("/workspace")}
    given, made = tmp_path / "given", tmp_path / "made"
    for name in ("settings", "rules", "people"):
        (given / name).mkdir(parents=True)
    data = of("ConfigMap")["stagewatch-settings"]["data"]
    (given / "settings" / "stagewatch.toml").write_text(data["stagewatch.toml"], encoding="utf-8")
    (given / "rules" / "mine.yaml").write_text("rule: mine\n", encoding="utf-8")
    script = make.replace("/etc/stagewatch", str(given)).replace("/workspace", str(made))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for _ in range(2):
        done = subprocess.run(
            ["sh", "-ec", script],
            env={**os.environ, "PATH": path},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert load_settings(made / "stagewatch.toml") == settings()
    assert (made / "rules" / "mine.yaml").exists()
    assert (made / "people.yaml").exists()
