"""Quix Streams with exactly-once processing and state in RocksDB, as its documentation suggests.

It has no timers and cannot walk its state. So the next check of a customer is an output, told in the same
transaction; a thread reads these and sends each when it is due through the topic of the events. After a
restart it reads them from the beginning: a check that comes twice finds nothing to tell.
"""

from __future__ import annotations

import heapq
import json
import sys
import threading
import time
from typing import Any

from confluent_kafka import Consumer, Producer
from quixstreams import Application, State, message_context

from bench.cluster.peers.deals import CHECK, Rules, new_state

BROKER, PREFIX, FOLDER = sys.argv[1:4]

rules = Rules()


def watch(record: dict[str, Any], state: State) -> list[dict[str, Any]]:
    """What an event does to its customer: alerts, and the next check when an earlier one is needed."""
    known: dict[str, Any] = state.get("customer") or new_state()
    if record["type"] == CHECK:
        found = rules.overdue(known, time.time_ns() // 1000)
        known["armed"] = 0
    else:
        found = rules.take(known, record)
    outputs: list[dict[str, Any]] = [{"rule": rule, "key": entity} for rule, entity in found]
    due = rules.next_due(known)
    if due and (not known["armed"] or due < known["armed"]):
        known["armed"] = due
        outputs.append({"due": due, "partition": message_context().partition})
    state.set("customer", known)
    return outputs


def check() -> None:
    """Send each check when it is due."""
    consumer = Consumer(
        {
            "bootstrap.servers": BROKER,
            "group.id": f"{PREFIX}.checks-{time.time_ns()}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": BROKER, "linger.ms": 5})
    consumer.subscribe([f"{PREFIX}.checks"])
    heap: list[tuple[int, bytes, int]] = []
    while True:
        for message in consumer.consume(1000, timeout=0.5):
            if message.error() is None:
                wanted = json.loads(message.value())
                heapq.heappush(heap, (wanted["due"], message.key(), wanted["partition"]))
        now = time.time_ns() // 1000
        while heap and heap[0][0] <= now:
            due, key, partition = heapq.heappop(heap)
            value = json.dumps({"id": "", "type": CHECK, "time": due, "data": {}})
            producer.produce(f"{PREFIX}.events", value, key, partition)
            producer.poll(0)
        producer.flush()


def main() -> None:
    """Run until it is ended."""
    app = Application(
        BROKER,
        consumer_group=f"{PREFIX}.quix",
        processing_guarantee="exactly-once",
        auto_offset_reset="earliest",
        state_dir=FOLDER,
        loglevel="WARNING",
    )
    stream = app.dataframe(app.topic(f"{PREFIX}.events", key_deserializer="str", value_deserializer="json"))
    stream = stream.apply(watch, stateful=True, expand=True)
    alerts, checks = app.topic(f"{PREFIX}.alerts"), app.topic(f"{PREFIX}.checks")
    stream[stream.apply(lambda output: "rule" in output)].to_topic(alerts)
    stream[stream.apply(lambda output: "due" in output)].to_topic(checks)
    threading.Thread(target=check, daemon=True).start()
    app.run()


if __name__ == "__main__":
    main()
