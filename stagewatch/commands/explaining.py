"""`stagewatch explain`: why an alert fired, and why a rule did not. For people in two languages, and in
JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rules.reasons import Reason, reason_text
from schemas.errors import CommandError, show
from schemas.time import format_instant, parse_instant
from stagewatch.commands.acting import find
from stagewatch.commands.arguments import opened, read_entity
from stagewatch.commands.insight import Insight
from stagewatch.commands.output import Language, local_time, put_json, say
from stagewatch.commands.reading import Reader, open_reader
from stagewatch.commands.standing import STATES, item_row
from stagewatch.settings import Settings
from streams.views.port import Item

ITEMS: Final = ("tasks", "approvals")
SHOWN: Final = 30
"""Events of the timeline that people are shown; JSON has all."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "rule": ("规则原文", "The rule"),
    "then": ("触发时刻的条件", "Its condition when it was judged"),
    "now": ("现在的条件", "Its condition now"),
    "event": ("触发事件", "Triggering event"),
    "timeline": ("对象的时间线", "Timeline of the entity"),
    "transitions": ("预警的变化", "Transitions of the alert"),
    "items": ("任务与审批", "Tasks and approvals"),
    "receivers": ("通知谁，如何找到", "Who is told, and how found"),
    "messages": ("消息与投递", "Messages and their delivery"),
    "alerts": ("这条规则对该对象的预警", "Alerts of this rule on the entity"),
    "quiet": ("导入的历史：没有通知任何人", "from imported history: nobody was told"),
    "none": ("无", "none"),
    "since": ("自", "since"),
    "next_due": ("下次判断", "judged next"),
    "not_watching": ("规则目前没有在观察该对象", "the rule is not watching it at present"),
}


def explain_alert(root: Path, ident: str, as_json: bool, language: Language) -> int:
    """Explain an alert; the exit code."""
    workspace, settings = opened(root)
    with open_reader(workspace, settings) as reader:
        item = find(reader.views, "alerts", ident)
        found = _gather(reader, item, settings)
    if as_json:
        put_json(found)
    else:
        _tell_alert(found, settings, language)
    return 0


def explain_rule(root: Path, rule: str, entity: str, as_json: bool, language: Language) -> int:
    """Explain what a rule makes of an entity; the exit code."""
    workspace, settings = opened(root)
    kind, native = read_entity(entity)
    with open_reader(workspace, settings) as reader:
        insight = Insight(reader, reader.at)
        version = insight.rule(rule)
        if version is None:
            raise _no_rule(rule, sorted(reader.shared("rule")))
        home = insight.home(kind, native)
        compiled = insight.compiled(version, settings.tz)
        alerts = reader.views.items("alerts", rule=rule, entity=kind, key=native)
        found = {
            "rule": rule,
            "version": version.version,
            "since": format_instant(version.since),
            "on": version.on,
            "watches": compiled.kind,
            "entity": kind,
            "key": native,
            "home": home,
            "now": insight.judged_now(compiled, home, kind, native),
            "state": insight.pending(rule, home, kind, native),
            "receivers": insight.receivers(compiled, home, kind, native),
            "timeline": insight.timeline(home, kind, native),
            "alerts": [item_row(item) for item in alerts],
        }
    if as_json:
        put_json(found)
    else:
        _tell_rule(found, settings, language)
    return 0


def _no_rule(rule: str, known: list[str]) -> CommandError:
    return CommandError(
        "SW-CMD-001",
        place=f"rule {show(rule)}",
        expected=", ".join(known) or "a rule in force",
        found="nothing",
        next_step="list them: stagewatch rules list",
    )


def _gather(reader: Reader, item: Item, settings: Settings) -> dict[str, Any]:
    value = item.value
    insight = Insight(reader, reader.at)
    kind, native = str(value["entity"]), str(value["key"])
    home = insight.whereabouts(str(value["home"]), kind, native)
    version = insight.rule(str(value["rule"]), int(value["version"]))
    history = reader.views.history("alerts", item.id)
    found: dict[str, Any] = {
        "alert": item_row(item),
        "transitions": [_transition(step) for step in history],
        "items": [item_row(one) for topic in ITEMS for one in reader.views.of_alert(topic, item.id)],
        "timeline": insight.timeline(home, kind, native),
        "messages": _messages(reader, item.id),
        "rule": None,
    }
    found["event"] = next((e for e in found["timeline"] if e["event"] == value.get("event")), None)
    if version is not None:
        compiled = insight.compiled(version, settings.tz)
        due = int(history[0].get("due") or history[0]["at"]) if history else item.opened
        found["rule"] = {
            "rule": version.rule,
            "version": version.version,
            "since": format_instant(version.since),
            "on": version.on,
            "text": version.text,
        }
        found["then"] = insight.judged(compiled, home, kind, native, due, str(value.get("event", "")))
        found["now"] = insight.judged_now(compiled, home, kind, native)
        found["receivers"] = insight.receivers(compiled, home, kind, native)
    return found


def _transition(step: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "n", "state", "was", "reason", "actor", "text", "quiet", "receivers")
    made = {name: step[name] for name in names if name in step}
    return {"at": format_instant(step["at"]), **made}


def _messages(reader: Reader, alert: str) -> list[dict[str, Any]]:
    return [
        {
            "id": message.id,
            "state": message.state,
            "channel": message.channel,
            "receiver": message.receiver,
            "address": message.record.get("address"),
            "subject": message.record.get("subject"),
            "reason": message.reason,
            "at": format_instant(message.at),
            "attempts": message.attempts,
            "entered": format_instant(message.entered),
            "settled": None if message.settled is None else format_instant(message.settled),
            "answer": message.note,
        }
        for message in reader.messages(alert)
    ]


# -- for people ---------------------------------------------------------------------------------------------


class _Teller:
    def __init__(self, settings: Settings, language: Language) -> None:
        self._zone = settings.tz
        self.language: Language = language

    def word(self, name: str) -> str:
        return WORDS[name][0 if self.language == "zh" else 1]

    def head(self, name: str) -> None:
        say()
        say(f"── {self.word(name)}")

    def time(self, text: str | None) -> str:
        return "" if text is None else local_time(parse_instant(text), self._zone)

    def condition(self, name: str, judged: Mapping[str, Any] | None) -> None:
        if judged is None:
            return
        self.head(name)
        say(f"{self.time(judged['at'])}")
        for line in judged["lines"][self.language]:
            say(f"  {line}")

    def timeline(self, events: list[dict[str, Any]]) -> None:
        self.head("timeline")
        if len(events) > SHOWN:
            say(f"  ... {len(events) - SHOWN} ({'更早' if self.language == 'zh' else 'earlier'})")
        for event in events[-SHOWN:]:
            facts = ", ".join(f"{name}={value}" for name, value in list(event["data"].items())[:6])
            mark = " " if event["counts"] else "✗"
            say(f" {mark} {self.time(event['time'])}  {event['type']:<28} {event['log'] or '':<20} {facts}")

    def receivers(self, found: list[dict[str, Any]]) -> None:
        if not found:
            return
        self.head("receivers")
        for one in found:
            persons = ", ".join(one["persons"]) or self.word("none")
            how = " → ".join(one["how"]) or str(one["missing"] or "")
            say(f"  {one['receiver']}: {persons}" + (f"   ({how})" if how else ""))

    def state(self, name: str) -> str:
        return STATES.get(name, name) if self.language == "zh" else name


def _tell_alert(found: Mapping[str, Any], settings: Settings, language: Language) -> None:
    teller, alert = _Teller(settings, language), found["alert"]
    say(f"{alert['title']}")
    say(
        f"{alert['entity']}:{alert['key']}  {teller.state(alert['state'])}"
        f"  {alert['severity']}  {alert['id']}"
    )
    say(f"{alert['rule']} v{alert['version']}  {reason_text(Reason(alert['reason']), language)}")
    if any(step.get("quiet") for step in found["transitions"]):
        say(f"({teller.word('quiet')})")
    if found["rule"] is not None:
        teller.head("rule")
        say(
            f"{found['rule']['rule']} v{found['rule']['version']}, "
            f"{teller.word('since')} {_since(teller, found['rule']['since'])}"
        )
        say("\n".join(f"  {line}" for line in found["rule"]["text"].rstrip().splitlines()))
    teller.condition("then", found.get("then"))
    teller.condition("now", found.get("now"))
    if found["event"] is not None:
        teller.head("event")
        event = found["event"]
        say(f"  {event['type']}  {event['event']}  {teller.time(event['time'])}  {event['log'] or ''}")
    teller.timeline(found["timeline"])
    teller.head("transitions")
    for step in found["transitions"]:
        text = f"  “{step['text']}”" if step.get("text") else ""
        why = reason_text(Reason(step["reason"]), language)
        say(f"  {teller.time(step['at'])}  {teller.state(step['state'])}  {why}  {step['actor']}{text}")
    if found["items"]:
        teller.head("items")
        for item in found["items"]:
            who = ", ".join(item.get("receivers") or ())
            say(f"  {item['kind']} {item['id'][:10]}  {teller.state(item['state'])}  {item['title']}  {who}")
    teller.receivers(found.get("receivers") or [])
    teller.head("messages")
    for message in found["messages"]:
        say(
            f"  {teller.time(message['at'])}  {message['reason']:<10} {message['address']}"
            f"  {message['state']}"
            f"  {message['answer'] or ''}"
        )
    if not found["messages"]:
        say(f"  {teller.word('none')}")


def _since(teller: _Teller, text: str) -> str:
    return (
        ("开始" if teller.language == "zh" else "the beginning")
        if parse_instant(text) == 0
        else teller.time(text)
    )


def _tell_rule(found: Mapping[str, Any], settings: Settings, language: Language) -> None:
    teller = _Teller(settings, language)
    say(f"{found['rule']} v{found['version']} → {found['entity']}:{found['key']}")
    if not found["on"]:
        say("规则已停用" if language == "zh" else "the rule is switched off")
    if found["watches"] != found["entity"]:
        watches = (
            f"规则只观察 {found['watches']}"
            if language == "zh"
            else f"the rule watches {found['watches']} only"
        )
        say(watches)
    state = found["state"]
    if state["deleted"] or not state["open"]:
        say("对象已关闭或已删除" if language == "zh" else "the entity is closed or deleted")
    teller.condition("now", found["now"])
    due = state["next_due"]
    say(f"{teller.word('next_due')}: {teller.time(due)}" if due else teller.word("not_watching"))
    teller.timeline(found["timeline"])
    teller.receivers(found["receivers"])
    teller.head("alerts")
    for alert in found["alerts"]:
        why = reason_text(Reason(alert["reason"]), language)
        say(f"  {alert['id'][:10]}  {teller.state(alert['state'])}  {teller.time(alert['opened'])}  {why}")
    if not found["alerts"]:
        say(f"  {teller.word('none')}")
