"""Plain Faust: an agent over a table in RocksDB, at least once, as its documentation suggests.

A table cannot be changed outside a stream, so the timer sends a check through the topic of the events to the
customer's partition, as the documentation advises. Checks stand in a heap, filled anew from the table after a
recovery, so that the timer need not walk all customers.
"""

from __future__ import annotations

import heapq
import sys
import time
from pathlib import Path
from typing import Any

import faust
import msgspec

from bench.cluster.peers.deals import CHECK, Rules, new_state

BROKER, PREFIX, FOLDER, PARTITIONS = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])

app = faust.App(
    f"{PREFIX}.faust",
    broker=f"kafka://{BROKER}",
    store="rocksdb://",
    datadir=FOLDER,
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    web_enabled=False,
    broker_session_timeout=6.0,
    broker_heartbeat_interval=0.6,
    stream_wait_empty=False,
)
RAW: dict[str, Any] = {
    "key_type": bytes,
    "value_type": bytes,
    "key_serializer": "raw",
    "value_serializer": "raw",
}
events, alerts = app.topic(f"{PREFIX}.events", **RAW), app.topic(f"{PREFIX}.alerts", **RAW)
rules = Rules()
heap: list[tuple[int, str, int]] = []


async def fill() -> None:
    """Checks of all customers of this worker, after the table was read back."""
    heap[:] = [
        (state["armed"], key, state["partition"]) for key, state in customers.items() if state["armed"]
    ]
    heapq.heapify(heap)


customers = app.Table(
    "customers",
    default=new_state,
    partitions=PARTITIONS,
    options={"driver": "rocksdict"},
    on_recover=fill,
)


@app.agent(events)
async def watch(stream: faust.StreamT[bytes]) -> None:
    """What an event does to its customer; alerts and the next check."""
    async for event in stream.events():
        key, record = event.key.decode(), msgspec.json.decode(event.value)
        state: dict[str, Any] = customers[key]
        now = time.time_ns() // 1000
        if record["type"] == CHECK:
            found = rules.overdue(state, now)
            state["armed"] = 0
        else:
            found = rules.take(state, record)
        due = rules.next_due(state)
        if due and (not state["armed"] or due < state["armed"]):
            state["armed"], state["partition"] = due, event.message.partition
            heapq.heappush(heap, (due, key, event.message.partition))
        customers[key] = state
        for rule, entity in found:
            await alerts.send(key=event.key, value=msgspec.json.encode({"rule": rule, "key": entity}))


async def check() -> None:
    """Ask customers for whom something may be overdue."""
    now = time.time_ns() // 1000
    while heap and heap[0][0] <= now:
        due, key, partition = heapq.heappop(heap)
        value = msgspec.json.encode({"id": f"{key}-{due}", "type": CHECK, "time": due, "data": {}})
        await events.send(key=key.encode(), value=value, partition=partition)


app.timer(interval=1.0)(check)

if __name__ == "__main__":
    app.finalize()
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
