"""The vocabulary of field types: what a field is to a rule, and how it is written in an event's ``data``.

Each alias below is an annotated Python type that carries its ``FieldType`` (and, for an id, the kind it names), so
that models, field catalogue and published schemas have one source. No model of an event belongs here.
"""

from __future__ import annotations

from enum import StrEnum


class FieldType(StrEnum):
    """What a field is to a rule; how its value stands in ``data`` is told beside each.

    text: str. id: non-empty str. number: int or float (a rate: canonical decimal text). money: canonical decimal
    text. date: ``YYYY-MM-DD``. instant: RFC 3339 text with offset. duration: ``15m`` (elapsed units). bool, list,
    map: the JSON of that name. Derived instants and durations are us (int).
    """

    TEXT = "text"
    ID = "id"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    INSTANT = "instant"
    DURATION = "duration"
    BOOL = "bool"
    LIST = "list"
    MAP = "map"
