"""The one table of topics: name, key, partitions, retention, compaction, schema.

Machines bring further topics of their own, made here from their names: changelog, slots and ticks. It must
not talk to Kafka, nor know what a machine does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HOUR = 3_600_000
DAY = 24 * HOUR

FOREVER = -1
"""Milliseconds of retention of what is kept for good."""

MAX_BYTES = 8 << 20
"""Size of the largest batch of records that a topic takes."""

LETTER_BYTES = 2 * MAX_BYTES
"""The same of dead letters, which hold a record in a form that is larger by a third, and why."""

DELETES_KEPT = 7 * DAY
"""How long (ms) a compacted topic still tells that a row was deleted: a copy that is older is worthless."""

DLQ = ".dlq"

EVENTS, RECEIPTS, REPLAYS = "events", "receipts", "replays"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    key: what its records are keyed by. schema: what a value is. kept: retention in ms. compacted: the newest
    record of each key is kept. appended: records carry the broker's time of the append, not the sender's.
    letters: what cannot be read goes to `<name>.dlq`.
    """

    name: str
    key: str
    schema: str
    kept: int = FOREVER
    compacted: bool = False
    appended: bool = False
    letters: bool = False

    @property
    def policy(self) -> str:
        """Kafka's cleanup.policy."""
        if self.compacted:
            return "compact" if self.kept == FOREVER else "compact,delete"
        return "delete"

    @property
    def stamp(self) -> str:
        """Kafka's message.timestamp.type."""
        return "LogAppendTime" if self.appended else "CreateTime"

    def config(self) -> dict[str, str]:
        """What Kafka is told when the topic is made."""
        found = {
            "cleanup.policy": self.policy,
            "message.timestamp.type": self.stamp,
            "retention.ms": str(self.kept),
            "max.message.bytes": str(LETTER_BYTES if self.name.endswith(DLQ) else MAX_BYTES),
        }
        if self.compacted:
            found["delete.retention.ms"] = str(DELETES_KEPT)
            found["segment.ms"] = str(DAY)
        return found


def _intake(name: str, schema: str, key: str = "native id, kind:id") -> Topic:
    return Topic(name, key, schema, 30 * DAY, appended=True, letters=True)


def _sink(name: str, schema: str, kept: int = FOREVER, key: str = "account") -> Topic:
    return Topic(name, key, schema, kept)


TOPICS: tuple[Topic, ...] = (
    _intake(EVENTS, "CloudEvents 1.0, structured or binary; from anybody, under any key", "any"),
    _intake("crm.activity", "CloudEvents 1.0, or an intake entry"),
    _intake("erp.orders", "CloudEvents 1.0, or an intake entry"),
    _intake("im.messages", "CloudEvents 1.0, or an intake entry"),
    _intake("oa.approvals", "CloudEvents 1.0, or an intake entry"),
    _intake("commands", "command, or a change of rules, settings and people", "account, or empty"),
    Topic("identity.resolve", "native id", "who belongs to whom", 7 * DAY, letters=True),
    Topic("sales.events", "account", "event with its account", letters=True),
    Topic("notices", "person:<id>", "notice", 7 * DAY, letters=True),
    _sink("alerts", "transition of an alert"),
    _sink("tasks", "transition of a task"),
    _sink("approvals", "transition of an approval"),
    _sink("notifications", "message for one receiver", 7 * DAY, "person:<id>"),
    _sink("results", "what became of a command", DAY),
    Topic(RECEIPTS, "notification", "what became of a message", 30 * DAY, compacted=True),
    Topic(REPLAYS, "dead letter", "that it was brought back", 90 * DAY, compacted=True),
)


def dlq_of(topic: str) -> str:
    """The topic of what could not be worked off from `topic`."""
    return topic + DLQ


def changelog_of(machine: str) -> str:
    """The compacted topic of a machine's rows, waits and positions."""
    return f"{machine}.changelog"


def slots_of(machine: str) -> str:
    """The empty topic by whose partitions workers share a machine's partitions among themselves."""
    return f"{machine}.slots"


def ticks_of(machine: str) -> str:
    """The topic in which a partition that stamps logical time tells itself that time passes."""
    return f"{machine}.ticks"


def all_topics(machines: Iterable[str], stamping: Iterable[str] = ()) -> tuple[Topic, ...]:
    """The whole table, with the dead letters and the topics of these machines; `stamping` ones have ticks."""
    letters = [
        Topic(dlq_of(topic.name), "as there", "dead letter", 90 * DAY) for topic in TOPICS if topic.letters
    ]
    own: list[Topic] = []
    for machine in machines:
        own.append(Topic(changelog_of(machine), "row", "row of the machine", compacted=True, appended=True))
        own.append(Topic(slots_of(machine), "none", "nothing", HOUR))
    ticks = [Topic(ticks_of(machine), "none", "nothing", HOUR, appended=True) for machine in stamping]
    return (*TOPICS, *letters, *own, *ticks)
