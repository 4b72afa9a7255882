"""Dead letters of a cluster as those of a workspace, and the other way. Does no I/O.

A record that could not be read at all has no plain form: in a workspace it is a record of kind `unread` that
holds its bytes, which the identity machine refuses as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.canonical import partition_of
from schemas.topics import EVENTS, dlq_of
from streams.kernel.contract import SHARED, Record
from streams.runtimes.cluster.codec import Lines, encode, line
from streams.runtimes.cluster.config import Cluster
from streams.runtimes.cluster.letters import REASON, raw_of
from streams.stores.sqlite_dlq import IMPORT, DeadLetter, as_plain

UNREAD = "unread"


def from_cluster(value: Mapping[str, Any]) -> DeadLetter:
    """A letter as it stands in Kafka, as a workspace keeps it."""
    what, at, machine = value["what"], int(value["at"]), value["machine"]
    if what is None:
        machine = ""
        what = as_plain(Record(value["topic"], "", UNREAD, value["raw"], at))
    code, error = value["error"]["code"], dict(value["error"])
    topic = what.get("topic", "")
    return DeadLetter(0, at, machine, topic, what["key"], code, -1, False, error, what)


def to_cluster(letter: DeadLetter, cluster: Cluster) -> Lines:
    """The records of a letter of a workspace: one, or one in each partition for a change that all share."""
    topic, home = _homes(letter, cluster)
    what, raw = _contents(letter)
    everywhere = letter.key == SHARED and bool(letter.machine) and raw is None
    numbers = range(cluster.partitions) if everywhere else (_number(letter.key, cluster),)
    found: Lines = {}
    for number in numbers:
        value = {
            "machine": letter.machine,
            "topic": topic,
            "home": home,
            "partition": number,
            "position": None,
            "error": letter.error,
            "what": what,
            "raw": raw,
            "at": letter.at,
        }
        record = (letter.key.encode(), encode(value), [(REASON, letter.code.encode())])
        found[(dlq_of(home if letter.machine == IMPORT else topic), number)] = [record]
    return found


def _homes(letter: DeadLetter, cluster: Cluster) -> tuple[str, str]:
    """(topic of what was refused, first topic of the machine that refused it)"""
    if letter.machine == IMPORT:
        return IMPORT, EVENTS
    if not letter.machine:
        return letter.topic, letter.topic
    home = cluster.spec(letter.machine).inputs[0]
    return letter.topic or home, home


def _contents(letter: DeadLetter) -> tuple[Mapping[str, Any] | None, Any]:
    """(what was refused, the bytes of what could not be read); an entry by itself goes its way as it came."""
    what = letter.what
    if what.get("kind") == UNREAD:
        return None, what["value"]
    if letter.machine:
        return what, None
    return None, raw_of(*line(Record(what["topic"], what["key"], what["kind"], what["value"], 0)))


def _number(key: str, cluster: Cluster) -> int:
    return 0 if key == SHARED else partition_of(key, cluster.partitions)
