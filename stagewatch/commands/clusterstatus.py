"""`stagewatch status` of a cluster: what its workers say of themselves, put together; and the lists in Redis.

Asks, adds up and shows; changes nothing. Who does not answer is listed as such.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from stagewatch.commands.calling import link_of
from stagewatch.commands.output import Language, put_json, put_table, say
from stagewatch.commands.standing import TOPICS
from stagewatch.service.asking import Answer, Samples, ask
from stagewatch.settings import ClusterSettings, Settings
from streams.kernel.contract import StorageError
from streams.topology import MACHINES
from streams.views.redis import RedisView, RedisViewReader
from streams.views.redis.sharing import Members

EPOCH = 0


def cluster_status(settings: Settings, urls: Sequence[str], as_json: bool, language: Language) -> int:
    """Say how the cluster stands. urls: of workers beside those that announce themselves.

    Exit code 1: no worker answers.
    """
    cluster = settings.need_cluster()
    lists, announced = _redis(cluster)
    wanted = {**{about["url"]: about for about in announced.values()}, **{url: {} for url in urls}}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, wanted))
    found = gathered(cluster, answers, wanted, lists)
    if as_json:
        put_json(found)
    else:
        tell(found, language)
    return 0 if any(answer.problem is None for answer in answers) else 1


def gathered(
    cluster: ClusterSettings,
    answers: Sequence[Answer],
    about: Mapping[str, Mapping[str, Any]],
    lists: Mapping[str, Any],
) -> dict[str, Any]:
    """All answers put together. about: what workers said of themselves, by URL."""
    every = Samples(sample for answer in answers for sample in answer.samples)
    alarms = [name for name, on in every.greatest_by("stagewatch_delivery_alarm", "channel").items() if on]
    return {
        "cluster": cluster.prefix,
        "workers": [_worker(answer, about.get(answer.url, {})) for answer in answers],
        "machines": {spec.name: _machine(spec.name, cluster.partitions, answers) for spec in MACHINES},
        "waits": _whole(every.total("stagewatch_waits_armed")),
        "parked": _whole(every.total("stagewatch_parked_events")),
        "dead_letters": _whole(every.total("stagewatch_dead_letters_total")),
        "deliveries": _wholes(every.by("stagewatch_deliveries_total", "result")),
        "channels_in_alarm": alarms,
        "lists": dict(lists),
    }


def _redis(cluster: ClusterSettings) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """How the lists stand, and which workers announce themselves; or why Redis cannot say."""
    with link_of(cluster) as link:
        try:
            standing, reader = RedisView(link, EPOCH).standing(), RedisViewReader(link)
            counts = {topic: reader.count_open(topic) for topic in TOPICS}
            return {**asdict(standing), "open": counts}, Members(link).alive(time.time_ns() // 1000)
        except StorageError as error:
            return {"state": "away", "problem": str(error)}, {}


def _worker(answer: Answer, about: Mapping[str, Any]) -> dict[str, Any]:
    owned = Samples(answer.samples).by("stagewatch_partition_owned", "machine")
    return {
        "url": answer.url,
        "roles": list(about.get("roles", ())),
        "ready": answer.ready,
        "reasons": list(answer.reasons),
        "warnings": list(answer.warnings),
        "problem": answer.problem,
        "partitions": {machine: int(count) for machine, count in owned.items()},
    }


def _machine(machine: str, partitions: int, answers: Sequence[Answer]) -> dict[str, Any]:
    """One machine over all workers."""
    owners: dict[int, str] = {}
    restoring: list[dict[str, Any]] = []
    for answer in answers:
        samples = Samples(answer.samples)
        done = samples.places("stagewatch_partition_restored_records")
        end = samples.places("stagewatch_partition_restore_records")
        under_way = samples.places("stagewatch_partition_restoring")
        for place in samples.places("stagewatch_partition_owned"):
            if place[0] == machine:
                owners[place[1]] = answer.url
                if under_way.get(place):
                    counts = {"done": int(done.get(place, 0)), "total": int(end.get(place, 0))}
                    restoring.append({"partition": place[1], "worker": answer.url, **counts})
    every = Samples(sample for answer in answers for sample in answer.samples)
    return {
        "partitions": partitions,
        "owners": {str(number): owners[number] for number in sorted(owners)},
        "unowned": [number for number in range(partitions) if number not in owners],
        "restoring": restoring,
        "backlog": int(every.by("stagewatch_partition_backlog_records", "machine").get(machine, 0)),
        "lag_seconds": every.greatest_by("stagewatch_lag_seconds", "machine").get(machine),
        "watermark_age_seconds": every.greatest_by("stagewatch_watermark_age_seconds", "machine").get(
            machine
        ),
        "held_keys": int(every.by("stagewatch_held_keys", "machine").get(machine, 0)),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _wholes(values: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}


# -- for people ------------------------------------------------------------------------------------------

WORKERS = {
    "zh": ("工作进程", "角色", "状态", "分区"),
    "en": ("worker", "roles", "state", "partitions"),
}
COLUMNS = {
    "zh": ("机器", "分区", "无主", "恢复中", "未处理", "延迟", "水位时龄", "暂留的键"),
    "en": ("machine", "partitions", "unowned", "restoring", "backlog", "lag", "watermark age", "held keys"),
}
WORDS = {
    "waits": ("等待中的期限", "waits armed"),
    "parked": ("等待上级的事件", "events parked"),
    "dead_letters": ("死信（自启动）", "dead letters since start"),
    "deliveries": ("投递（自启动）", "deliveries since start"),
    "channels_in_alarm": ("需要管理员的渠道", "channels in alarm"),
    "lists": ("列表", "lists"),
}
STATES = {"whole": ("完整", "whole"), "filling": ("重建中", "being filled"), "lost": ("已丢失", "lost"),
          "away": ("Redis 不可用", "Redis is away")}  # fmt: skip


def tell(found: Mapping[str, Any], language: Language) -> None:
    """Tables and lines for people."""
    zh = language == "zh"
    workers = [_worker_row(worker, zh) for worker in found["workers"]]
    put_table(f"{'集群' if zh else 'Cluster'} {found['cluster']}", WORKERS[language], workers)
    for worker in found["workers"]:
        for text in (*worker["reasons"], *worker["warnings"]):
            say(f"  {worker['url']}: {text}")
    put_table("", COLUMNS[language], [_machine_row(name, row) for name, row in found["machines"].items()])
    for name in ("waits", "parked", "dead_letters", "deliveries", "channels_in_alarm"):
        say(f"{WORDS[name][0 if zh else 1]:<24} {_text(found[name])}")
    say(f"{WORDS['lists'][0 if zh else 1]:<24} {_lists(found['lists'], zh)}")


def _worker_row(worker: Mapping[str, Any], zh: bool) -> list[str]:
    state = "就绪" if zh else "ready"
    if worker["problem"] is not None:
        state = f"{'无响应' if zh else 'no answer'}: {worker['problem']}"
    elif not worker["ready"]:
        state = "未就绪" if zh else "not ready"
    held = ", ".join(f"{machine} {count}" for machine, count in worker["partitions"].items())
    return [worker["url"], ", ".join(worker["roles"]), state, held]


def _machine_row(name: str, row: Mapping[str, Any]) -> list[object]:
    restoring = ", ".join(f"{r['partition']} ({_share(r['done'], r['total'])})" for r in row["restoring"])
    unowned = ", ".join(map(str, row["unowned"]))
    ages = [_seconds(row["lag_seconds"]), _seconds(row["watermark_age_seconds"])]
    return [name, row["partitions"], unowned, restoring, row["backlog"], *ages, row["held_keys"]]


def _lists(lists: Mapping[str, Any], zh: bool) -> str:
    text = STATES[lists["state"]][0 if zh else 1]
    if lists["state"] == "filling":
        text += f" {_share(lists['done'], lists['total'])}, {lists['owner']}"
    if "problem" in lists:
        return f"{text}: {lists['problem']}"
    return f"{text}; {_text(lists['open'])}"


def _share(done: int, total: int) -> str:
    return f"{min(1.0, done / total):.0%}" if total else "0%"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "0"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "0"
    return "" if value is None else f"{value}"
