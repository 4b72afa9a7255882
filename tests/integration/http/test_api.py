"""Probes, metrics, lists and commands over a real socket."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.app import Probes, create_app
from console.ports import Outcome
from console.server import HttpServer
from schemas.errors import SettingsError
from tests.integration.http.site import CRM, OPS, Site, codes

AUTH = {"Authorization": f"Bearer {OPS}"}


async def test_health_and_readiness() -> None:
    async with Site() as site:
        assert (await site.client.get("/healthz")).json() == {"status": "ok"}
        assert (await site.client.get("/readyz")).json() == {"ready": True, "reasons": [], "warnings": []}
        site.reasons += ["the log is being replayed"]
        answer = await site.client.get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["the log is being replayed"])
        assert (await site.client.get("/healthz")).status_code == 200


async def test_metrics_can_be_read_and_do_not_grow_with_paths() -> None:
    async with Site() as site:
        for n in range(5):
            await site.client.get(f"/v1/alerts/none{n}", headers=AUTH)
            await site.client.get(f"/nowhere/{n}")
        answer = await site.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        families = {f.name: f for f in text_string_to_metric_families(answer.text)}
        routes = {
            s.labels["route"] for s in families["stagewatch_http_requests"].samples if "route" in s.labels
        }
        assert routes == {"/v1/alerts/{id}", "unknown"}


async def test_lists_are_filtered_and_paged() -> None:
    async with Site() as site:
        for n in range(7):
            state = "firing" if n % 2 else "resolved"
            site.view.put("alerts", {"id": f"a{n}", "state": state, "rule": "r"})
        first = (await site.client.get("/v1/alerts?limit=3", headers=AUTH)).json()
        assert [row["id"] for row in first["alerts"]] == ["a6", "a5", "a4"]
        rest = (await site.client.get(f"/v1/alerts?cursor={first['cursor']}", headers=AUTH)).json()
        assert ([row["id"] for row in rest["alerts"]], rest["cursor"]) == (["a3", "a2", "a1", "a0"], None)
        firing = (await site.client.get("/v1/alerts?state=firing,snoozed&rule=r", headers=AUTH)).json()
        assert [row["id"] for row in firing["alerts"]] == ["a5", "a3", "a1"]
        assert (await site.client.get("/v1/alerts/a3", headers=AUTH)).json()["state"] == "firing"
        assert (await site.client.get("/v1/tasks", headers=AUTH)).json() == {"tasks": [], "cursor": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=501", "limit=٣", "colour=red"])
async def test_queries_that_cannot_be_read(query: str) -> None:
    async with Site() as site:
        answer = await site.client.get(f"/v1/alerts?{query}", headers=AUTH)
        assert (answer.status_code, codes(answer)) == (400, ["SW-REQ-021"])


async def test_lists_and_commands_need_their_scopes() -> None:
    async with Site() as site:
        wrong = {"Authorization": f"Bearer {CRM}"}
        assert (await site.client.get("/v1/alerts", headers=wrong)).status_code == 403
        assert (await site.client.get("/v1/approvals/x")).status_code == 401
        assert (await site.client.post("/v1/commands", json={}, headers=wrong)).status_code == 403
        assert codes(await site.client.get("/v1/alerts/x", headers=AUTH)) == ["SW-REQ-004"]


async def test_a_command_goes_in_and_its_outcome_comes_back() -> None:
    command = {"command": "snooze", "alert": "a1", "by": "li", "until": "2026-03-03T09:00:00Z", "seen": 2}
    async with Site() as site:
        answer = await site.client.post("/v1/commands", json=command, headers=AUTH)
        assert (answer.status_code, answer.json()["status"]) == (200, "done")
        assert site.commands.taken == [
            command | {"machine": "account", "key": None, "item": None, "text": "", "via": "api:ops"}
        ]
        site.commands.answer = lambda c: Outcome("pending")
        assert (await site.client.post("/v1/commands", json=command, headers=AUTH)).status_code == 202
        site.commands.answer = lambda c: Outcome("already", "resolved", "wang", 7, "alert_ended")
        refused = await site.client.post("/v1/commands", json=command, headers=AUTH)
        assert (refused.status_code, codes(refused)) == (409, ["SW-REQ-033"])
        assert refused.json()["errors"][0]["found"] == "already, alert_ended, resolved, by wang"


@pytest.mark.parametrize(
    "body",
    [None, 7, [], {}, {"command": "ack", "alert": "a"}, {"command": "explode", "alert": "a", "by": "x"},
     {"command": "ack", "alert": "a", "by": "x", "extra": 1}, {"command": "ack", "alert": "", "by": "x"},
     {"command": "ack", "alert": "a", "by": "x", "seen": "2"}],
)  # fmt: skip
async def test_commands_that_cannot_be_read(body: Any) -> None:
    async with Site() as site:
        answer = await site.client.post("/v1/commands", json=body, headers=AUTH)
        assert (answer.status_code, codes(answer)) == (422, ["SW-REQ-020"])
        assert site.commands.taken == []


async def test_a_taken_port_is_a_coded_error() -> None:
    async with Site() as site:
        other = HttpServer(create_app(Probes(list, site.metrics.render)), port=site.server.port)
        with pytest.raises(SettingsError, match="SW-SET-132"):
            await other.start()
