"""The part of `stagewatch.toml` by which workers find the servers on this machine. It must not start one."""

from __future__ import annotations

from typing import Final

CLUSTER: Final = """
[cluster]
prefix = "{prefix}"
partitions = {partitions}
replication = 1
{more}
[cluster.kafka]
brokers = "{kafka}"

[cluster.redis]
url = "{redis}"
"""


def cluster_tables(prefix: str, partitions: int, kafka: str, redis: str, **more: bool | int) -> str:
    """The tables as text. kafka: address; redis: URL; more: other keys of `[cluster]`.

    >>> "session_ms = 2000" in cluster_tables("s", 2, "127.0.0.1:9092", "redis://127.0.0.1", session_ms=2000)
    True
    """
    lines = "".join(f"{name} = {str(value).lower()}\n" for name, value in more.items())
    return CLUSTER.format(prefix=prefix, partitions=partitions, more=lines, kafka=kafka, redis=redis)
