"""The stateless stages as Faust agents: intake of anybody's CloudEvents, projection into the view.

At least once with idempotent effects: an event is known by source and id, a transition by its number. What
cannot be read goes to the dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import structlog
from faust.types import EventT, StreamT

from schemas.cloudevents import decode_kafka
from schemas.errors import StagewatchError, StreamError
from schemas.topics import EVENTS, RECEIPTS, dlq_of
from stagewatch.metrics import Metrics
from stagewatch.service.messages import waiting_message
from streams.runtimes.cluster.app import Agent, pages
from streams.runtimes.cluster.codec import key_of, place_of, row_of, value_of
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.letters import of_outside
from streams.runtimes.cluster.publisher import Publisher
from streams.runtimes.memory import entry_of
from streams.runtimes.pipeline import Entry
from streams.stores.log import Logged
from streams.views.port import View, is_transition
from streams.views.redis.entities import Change, RedisEntities
from streams.views.redis.messages import RedisMessages, Told

T = TypeVar("T")

PAGE, SECONDS = 500, 0.02
ENTITY_ROWS = "e"
"""Bucket of the account machine's rows of entities, named `kind|id`."""

log = structlog.get_logger("stagewatch.stages")


def intake(cluster: Cluster, publisher: Publisher, metrics: Metrics) -> Agent:
    """Reads CloudEvents in structured or binary mode; appends them where their entity belongs."""

    async def agent(stream: StreamT[Any]) -> None:
        async for page in pages(stream, PAGE, SECONDS):
            entries: list[Entry] = []
            for event in page:
                try:
                    entries.append(_entry(cluster, event))
                except StagewatchError as error:
                    metrics.dead("intake", error.code)
                    log.warning("refused", topic=EVENTS, **error.to_dict())
                    await _bury(publisher, event, error)
            await publisher.submit(entries)
            metrics.events(EVENTS, len(page))

    return agent


def projection(cluster: Cluster, view: View) -> Agent:
    """Reads transitions into the view."""

    async def agent(stream: StreamT[Any]) -> None:
        async for page in pages(stream, PAGE, SECONDS):
            await _until_written(view.project, list(_logged(cluster, page)))

    return agent


def entities(view: RedisEntities) -> Agent:
    """Reads the account machine's changelog: the rows of entities go into the view."""

    async def agent(stream: StreamT[Any]) -> None:
        async for page in pages(stream, PAGE, SECONDS):
            found = (change_of(event.message, event.message.timestamp) for event in page)
            await _until_written(view.project, [change for change in found if change is not None])

    return agent


def messages(cluster: Cluster, view: RedisMessages) -> Agent:
    """Reads what became of messages into the view. That they wait is told by who sends them: no two agents
    of one group may read one topic in different workers.
    """

    async def agent(stream: StreamT[Any]) -> None:
        async for page in pages(stream, PAGE, SECONDS):
            found = (told_of(cluster, event.message, event.message.timestamp) for event in page)
            await _until_written(view.project, [told for told in found if told is not None])

    return agent


async def _until_written(project: Callable[[Sequence[T]], object], records: Sequence[T]) -> None:
    """A view that is away is waited for: nothing is passed over."""
    while records:
        try:
            await asyncio.to_thread(project, records)
            return
        except Exception as error:
            log.warning("view not written, tried again", error=str(error))
            await asyncio.sleep(1)


def told_of(cluster: Cluster, message: Any, seconds: float) -> Told | None:
    """A message or a receipt as the view takes it; None when it is about no alert or cannot be read.

    seconds: when it was appended, since the epoch.
    """
    try:
        value = value_of(message.value)
        settled = message.topic == cluster.name(RECEIPTS)
        row = value if settled else asdict(waiting_message(value, int(seconds * 1_000_000)))
        return Told(row["alert"], row, settled, int(seconds * 1000)) if row["alert"] else None
    except (StagewatchError, KeyError, TypeError, ValueError) as error:
        log.warning("message not readable", topic=message.topic, error=str(error))
        return None


def change_of(message: Any, seconds: float) -> Change | None:
    """A changed row of the account machine as the view of entities takes it; None for rows of another kind.

    seconds: when the broker appended it, since the epoch.
    """
    (home, bucket, name), row = row_of(message.key, message.value)
    if bucket != ENTITY_ROWS:
        return None
    kind, _, native = name.partition("|")
    return Change(kind, native, home, int(seconds * 1_000_000), message.offset, row)


async def quiet(stream: StreamT[Any]) -> None:
    """Reads an empty topic: a Faust application must read something."""
    async for _ in stream:
        pass


def _entry(cluster: Cluster, event: EventT[Any]) -> Entry:
    message = event.message
    decoded = decode_kafka(
        _headers(event), message.value or b"", zone=cluster.zone, place=f"{EVENTS}/{message.partition}"
    )
    return entry_of(decoded, 0, namespaces=cluster.namespaces)


async def _bury(publisher: Publisher, event: EventT[Any], error: StagewatchError) -> None:
    message = event.message
    letter = of_outside(
        (EVENTS, message.partition, message.offset), (message.key, message.value, _headers(event)), error
    )
    await publisher.append(dlq_of(EVENTS), message.partition, letter)


def _headers(event: EventT[Any]) -> list[tuple[str, bytes]]:
    headers: Any = event.message.headers or ()
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def _logged(cluster: Cluster, page: Iterable[EventT[Any]]) -> Iterable[Logged]:
    found = (logged_of(cluster, event.message, _headers(event)) for event in page)
    return (one for one in found if one is not None)


def logged_of(cluster: Cluster, message: Any, headers: Sequence[tuple[str, bytes]]) -> Logged | None:
    """A message of a sink topic, read by Faust or aiokafka, as views take it.

    None: they do not show it, or it cannot be read.
    """
    topic = message.topic.removeprefix(f"{cluster.prefix}.")
    try:
        place = place_of(headers)
        if place is None:
            return None
        one = Logged(
            topic, message.partition, message.offset, key_of(message.key), place.kind,
            value_of(message.value), place.at, place.feed, place.n,
        )  # fmt: skip
    except StreamError as error:
        log.warning("not readable", offset=message.offset, partition=message.partition, **error.to_dict())
        return None
    return one if is_transition(one) else None
