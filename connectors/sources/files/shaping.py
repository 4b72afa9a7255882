"""How the values of a row become the attributes and the data of one event. Compiled once per file. Pure."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Mapping
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from connectors.sources.files.cleaning import Repair
from connectors.sources.files.conditions import Condition, condition
from connectors.sources.files.mapping import Column, DataValue, EventSpec
from connectors.sources.files.template import Template, Values, parse_template
from schemas.errors import MappingError
from schemas.time import format_instant, parse_time


class _LeaveOut(enum.Enum):
    """Marks a field whose column is empty."""

    MARK = 0


LEAVE_OUT: Final = _LeaveOut.MARK

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Producer = Callable[[Values], Json | Literal[_LeaveOut.MARK]]


class EventShape:
    """One event of the mapping, ready to be made from rows: `wanted` says whether, `make` what."""

    def __init__(
        self,
        spec: EventSpec,
        row_id: str | None,
        source: str,
        known: Mapping[str, Column | None],
        zone: ZoneInfo,
    ) -> None:
        self.name = spec.name
        self.once = spec.once
        self.wanted: Condition | None = condition(spec.when)
        self._spec = spec
        self._zone = zone
        self._source = source
        self._id = parse_template(spec.id) if spec.id is not None else _row_event_id(row_id or "", spec.name)
        self._subject = parse_template(spec.subject) if spec.subject is not None else None
        self._fixed = parse_template(spec.time.value) if spec.time.value is not None else None
        self._missing = parse_template(spec.time.missing) if spec.time.missing is not None else None
        self._data = [(key, _producer(value)) for key, value in spec.data.items()]
        self._currency = _currency(spec.data, known)

    def make(self, values: Values, repairs: list[Repair], place: str) -> dict[str, object]:
        """The CloudEvents object (structured mode); appends to `repairs` when the time had to be substituted.

        Raises MappingError SW-MAP-044 when the id names an empty column, SW-MAP-050 without a time.
        """
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": "",
            "source": self._source,
            "type": self._spec.type,
            "time": self._time(values, repairs, place),
            "data": self._fields(values),
        }
        event["id"] = self._event_id(values, event, place)
        if self._subject is not None and (subject := self._subject.fill(values)) is not None:
            event["subject"] = str(subject)
        if self._spec.recorded is not None and (recorded := values[self._spec.recorded]) is not None:
            event["recordedtime"] = format_instant(parse_time(str(recorded), self._zone, place=place)[0])
        return event

    def _fields(self, values: Values) -> dict[str, Json]:
        data: dict[str, Json] = {}
        for key, produce in self._data:
            value = produce(values)
            if value is not LEAVE_OUT:
                data[key] = value
        if self._currency is not None:
            amount, produce = self._currency
            if amount in data and (currency := produce(values)) is not LEAVE_OUT:
                data["currency"] = currency
        return data

    def _event_id(self, values: Values, event: Mapping[str, object], place: str) -> str:
        made = self._id.fill(values)
        if made is None:
            names = ", ".join(self._id.columns)
            step = "fill the cell, or declare skip for such rows"
            raise MappingError(
                "SW-MAP-044",
                place=place,
                expected=f"values for the id: {names}",
                found="an empty cell",
                next_step=step,
            )
        return f"{made}/{content_hash(event)}" if self._spec.per_content else str(made)

    def _time(self, values: Values, repairs: list[Repair], place: str) -> str:
        column = self._spec.time.column
        if column is None:
            found = self._fixed.fill(values) if self._fixed is not None else None
        else:
            found = values[column]
            if found is None and self._missing is not None:
                found = self._missing.fill(values)
                repair = Repair(column, "", str(found), self._spec.time.reason or "")
                if repair not in repairs:
                    repairs.append(repair)
        if found is None:
            step = "fill the cell, declare missing for the time, or skip such rows"
            expected = f"a time for the event {self.name}" + (f" in column {column}" if column else "")
            raise MappingError("SW-MAP-050", place=place, expected=expected, found="nothing", next_step=step)
        return str(found)


def content_hash(event: Mapping[str, object]) -> str:
    """Twelve hexadecimal digits that depend on type, time and data of the event, not on the order of keys."""
    content = [event["type"], event["time"], event["data"]]
    return hashlib.blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=6).hexdigest()


def _row_event_id(row_id: str, name: str) -> Template:
    return parse_template(row_id + "/" + name.replace("{", "{{").replace("}", "}}"))


def _producer(value: DataValue) -> Producer:
    if isinstance(value, str):
        return _text_producer(parse_template(value))
    if isinstance(value, dict):
        return _object_producer({key: _producer(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return _list_producer([_producer(inner) for inner in value])
    return lambda values: value


def _text_producer(template: Template) -> Producer:
    if not template.columns:
        text = template.fill({})
        return lambda values: text
    sole = template.sole_column
    if sole is not None:
        return _value_producer(sole)

    def produce(values: Values) -> Json | Literal[_LeaveOut.MARK]:
        made = template.fill(values)
        return LEAVE_OUT if made is None else made

    return produce


def _value_producer(column: str) -> Producer:
    def produce(values: Values) -> Json | Literal[_LeaveOut.MARK]:
        value = values[column]
        return LEAVE_OUT if value is None else value

    return produce


def _object_producer(parts: Mapping[str, Producer]) -> Producer:
    def produce(values: Values) -> Json:
        made = {key: inner(values) for key, inner in parts.items()}
        return {key: value for key, value in made.items() if value is not LEAVE_OUT}

    return produce


def _list_producer(parts: list[Producer]) -> Producer:
    def produce(values: Values) -> Json:
        return [value for value in (inner(values) for inner in parts) if value is not LEAVE_OUT]

    return produce


def _currency(
    data: Mapping[str, DataValue], known: Mapping[str, Column | None]
) -> tuple[str, Producer] | None:
    if "currency" in data:
        return None
    for key, value in data.items():
        name = parse_template(value).sole_column if isinstance(value, str) else None
        column = known.get(name) if name is not None else None
        if name is not None and column is not None and column.type == "money":
            prefix = name.rpartition(".")[0]
            source = f"{prefix}.{column.currency_from}" if prefix else column.currency_from
            text = column.currency if column.currency is not None else "{" + str(source) + "}"
            return key, _text_producer(parse_template(text))
    return None
