"""POST /v1/events over a real socket: every form accepted, everything malformed refused with its code."""

import asyncio
import json
import socket
from typing import Any

import pytest

from connectors.sources.http.intake import Limits
from schemas.cloudevents import encode_http
from schemas.envelope import decode_event
from schemas.errors import StreamError
from tests.integration.http.site import CRM, HEAD, OPS, SHANGHAI, Site, codes, event


async def test_a_single_event_is_stored_before_the_answer() -> None:
    async with Site() as site:
        answer = await site.post(event())
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "positions": [0]})
        assert [e.id for e in site.stored] == ["e1"]
        assert "server" not in answer.headers


@pytest.mark.parametrize("content_type", ["application/cloudevents-batch+json", "application/json"])
async def test_a_batch_is_stored_in_order(content_type: str) -> None:
    async with Site() as site:
        answer = await site.post([event(n) for n in range(500)], **{"Content-Type": content_type})
        assert (answer.status_code, answer.json()["accepted"]) == (202, 500)
        assert [e.id for e in site.stored] == [f"e{n}" for n in range(500)]


async def test_binary_mode_and_plain_json_give_the_same_event() -> None:
    expected = decode_event(event(), zone=SHANGHAI)
    headers, body = encode_http(expected)
    async with Site() as site:
        assert (await site.post(body, **headers)).status_code == 202
        assert (await site.post(event(), **{"Content-Type": "application/json"})).status_code == 202
        assert site.stored == [expected, expected]


async def test_an_empty_batch_is_accepted_and_stores_nothing() -> None:
    async with Site() as site:
        answer = await site.post([], "-batch")
        assert (answer.status_code, answer.json(), site.stored) == (202, {"accepted": 0, "positions": []}, [])


async def test_a_batch_is_refused_as_a_whole_with_all_errors() -> None:
    async with Site() as site:
        bad = event(3, type="Opportunity Created")
        answer = await site.post([event(1), event(2, time=None), bad, 7], "-batch")
        assert answer.status_code in (400, 422)
        assert len(codes(answer)) == 3
        places = [e["place"] for e in answer.json()["errors"]]
        assert [p.partition("]")[0] for p in places] == ["[1", "[2", "[3"]
        assert site.stored == []


async def test_of_very_many_errors_the_first_hundred_are_listed() -> None:
    async with Site() as site:
        answer = await site.post([{}] * 200, "-batch")
        assert (len(codes(answer)), answer.json()["total"]) == (100, 200)


MALFORMED: list[tuple[bytes, int, str]] = [
    (b"", 400, "SW-EVENT-001"),
    (b"{", 400, "SW-EVENT-001"),
    (b"\xff\xfe", 400, "SW-EVENT-001"),
    (b"7", 400, "SW-EVENT-002"),
    (b"[]", 400, "SW-EVENT-002"),
    (b"{}", 422, "SW-EVENT-006"),
    (b"[" * 50_000, 422, "SW-EVENT-014"),
    (json.dumps(event(data={"opportunity": 7})).encode(), 422, "SW-EVENT-021"),
    (json.dumps(event(data={})).encode(), 422, "SW-EVENT-020"),
]


@pytest.mark.parametrize(("body", "status", "code"), MALFORMED)
async def test_malformed_single_events(body: bytes, status: int, code: str) -> None:
    async with Site() as site:
        answer = await site.post(body)
        assert (answer.status_code, codes(answer)) == (status, [code])
        error = answer.json()["errors"][0]
        assert error["next_step"]
        assert site.stored == []


async def test_who_may_not() -> None:
    async with Site() as site:
        for token, status, code in [
            (None, 401, "SW-REQ-001"), ("x" * 30, 401, "SW-REQ-002"),
            ("中文" * 10, 401, "SW-REQ-002"), (OPS, 403, "SW-REQ-003"),
        ]:  # fmt: skip
            headers = [] if token is None else [(b"Authorization", b"Bearer " + token.encode())]
            answer = await site.client.post("/v1/events", json=event(), headers=headers)
            assert (answer.status_code, codes(answer)) == (status, [code])
            assert ("www-authenticate" in answer.headers) == (status == 401)
        assert site.stored == []


async def test_methods_types_and_addresses() -> None:
    async with Site() as site:
        got = await site.client.get("/v1/events")
        assert (got.status_code, codes(got), got.headers["allow"]) == (405, ["SW-REQ-005"], "POST")
        for content_type in ("", "text/plain", "application/xml", "application/json; charset=gbk"):
            answer = await site.post(event(), **{"Content-Type": content_type})
            assert (answer.status_code, codes(answer)) == (415, ["SW-REQ-010"])
        lost = await site.client.post("/v1/nothing", json={})
        assert (lost.status_code, codes(lost)) == (404, ["SW-REQ-004"])


async def test_fifty_megabytes_are_refused_and_the_answer_arrives() -> None:
    async with Site() as site:
        answer = await site.post(b"x" * 50_000_000)
        assert (answer.status_code, codes(answer)) == (413, ["SW-REQ-008"])
        assert answer.headers["connection"] == "close"
        assert (await site.post(event())).status_code == 202


async def test_fifty_megabytes_in_chunks_are_refused_too() -> None:
    async def chunks() -> Any:
        for _ in range(50):
            yield b"x" * 1_000_000

    async with Site() as site:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {CRM}"}
        answer = await site.client.post("/v1/events", content=chunks(), headers=headers)
        assert (answer.status_code, codes(answer)) == (413, ["SW-REQ-008"])


async def test_an_event_over_a_megabyte_and_a_batch_of_too_many_are_refused() -> None:
    async with Site() as site:
        fat = event(data={"opportunity": "o", "note": "x" * 1_100_000})
        assert codes(await site.post(fat)) == ["SW-REQ-008"]
        answer = await site.post([fat], "-batch")
        assert (answer.status_code, codes(answer)) == (413, ["SW-EVENT-013"])
        many = await site.post([event(n) for n in range(501)], "-batch")
        assert (many.status_code, codes(many)) == (413, ["SW-REQ-009"])
        tiny = await site.post(b"[" + b"1," * 2_500_000 + b"1]", "-batch")
        assert (tiny.status_code, tiny.json()["errors"][0]["found"]) == (413, "2500000 commas")


async def test_a_body_without_length_is_refused() -> None:
    async with Site() as site:
        answer = await site.raw(f"{HEAD}Connection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 411 ")
        assert b"SW-REQ-007" in answer


async def test_a_slow_body_and_a_slow_head_are_timed_out() -> None:
    async with Site(Limits(seconds=0.2)) as site:
        answer = await site.raw(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"SW-REQ-006" in answer
    async with Site(head_seconds=0.2) as site:
        for start in (b"", b"GET / HTTP/1.1\r\nX: "):
            assert (await site.raw(start)).startswith(b"HTTP/1.1 408 ")


async def test_bytes_that_are_not_http_and_heads_without_end_are_refused() -> None:
    async with Site() as site:
        assert b"SW-REQ-017" in await site.raw(b"\x16\x03\x01 hello\r\n\r\n")
        endless = b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000
        assert (await site.raw(endless)).startswith(b"HTTP/1.1 431 ")
        assert (await site.client.get("/healthz")).status_code == 200


async def test_not_ready_and_not_stored_ask_to_come_again() -> None:
    async with Site() as site:
        site.reasons.append("the wall clock jumped by 2 h")
        answer = await site.post(event())
        assert (answer.status_code, codes(answer)) == (503, ["SW-REQ-012"])
        assert int(answer.headers["retry-after"]) > 0
        assert "jumped" in answer.json()["errors"][0]["found"]
        site.reasons.clear()
        site.trouble += [
            RuntimeError("a bug"),
            StreamError("SW-STREAM-060"),
            OSError(28, "No space left on device"),
        ]
        for status, code in [(503, "SW-REQ-013"), (503, "SW-STREAM-060"), (500, "SW-REQ-014")]:
            answer = await site.post(event())
            assert (answer.status_code, codes(answer)) == (status, [code])
        assert (await site.post(event())).status_code == 202


async def test_too_fast_is_told_how_long_to_wait() -> None:
    async with Site(rate=2.0, burst=4.0) as site:
        assert (await site.post([event(n) for n in range(8)], "-batch")).status_code == 202
        answer = await site.post(event())
        assert (answer.status_code, codes(answer), answer.headers["retry-after"]) == (
            429,
            ["SW-REQ-011"],
            "3",
        )
        site.now += 3_000_000
        assert (await site.post(event())).status_code == 202


async def test_requests_are_counted_and_keep_the_callers_id() -> None:
    async with Site() as site:
        answer = await site.post(event(), **{"X-Request-Id": "call-12345678"})
        assert answer.headers["x-request-id"] == "call-12345678"
        forged = await site.post(b"{", **{"X-Request-Id": "short"})
        assert forged.headers["x-request-id"] != "short"
        text = (await site.client.get("/metrics")).text
        assert 'stagewatch_intake_requests_total{result="accepted"} 1.0' in text
        assert 'stagewatch_intake_requests_total{result="SW-EVENT-001"} 1.0' in text
        assert 'stagewatch_http_requests_total{method="POST",route="/v1/events",status="202"} 1.0' in text


async def test_many_at_once_lose_nothing() -> None:
    async with Site() as site:
        answers = await asyncio.gather(*(site.post(event(n)) for n in range(300)))
        assert {a.status_code for a in answers} == {202}
        assert sorted(p for a in answers for p in a.json()["positions"]) == list(range(300))


async def test_answers_do_not_wait_for_the_senders_acknowledgement() -> None:
    async with Site() as site:
        await site.post(event())
        (connection,) = site.server.connections
        sock = connection.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
