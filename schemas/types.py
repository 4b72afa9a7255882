"""The vocabulary of field types: what a field is to a rule, and how it is written in an event's ``data``.

Each alias below is an annotated Python type that carries its ``Mark`` (what it is to a rule and, for an
id, the kind it names), so that models, field catalogue and published schemas have one source. No event
belongs here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from schemas.errors import EventError
from schemas.time import is_date, parse_date, parse_instant


class FieldType(StrEnum):
    """What a field is to a rule; how its value stands in ``data`` is told beside each.

    text: str. id: non-empty str. number: int or float (``rate.rate``: canonical decimal text). money:
    canonical decimal text. date: ``YYYY-MM-DD``. instant: RFC 3339 text with offset. duration: ``15m``
    (elapsed units). bool, list, map: the JSON of that name. Derived instants and durations are us (int).
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


@dataclass(frozen=True, slots=True)
class Mark:
    """What an annotated type is to a rule, which kind an id names, and whether its text is canonicalised."""

    type: FieldType
    kind: str | None = None
    decimal: bool = False
    moment: bool = False


MAX_ID: Final = 512
MONEY_DIGITS: Final = 15
MONEY_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$"
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
DURATION_PATTERN: Final = r"^[0-9]{1,9}(ms|s|m|h|d|w)$"
PERIOD_PATTERN: Final = r"^[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4]|-W(0[1-9]|[1-4][0-9]|5[0-3]))?$"
CURRENCY_PATTERN: Final = r"^[A-Z]{3}$"
WORD_PATTERN: Final = r"^[a-z][a-z0-9_]*$"
ID_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"


_INSTANT_SCHEMA: Final = {"type": "string", "pattern": INSTANT_PATTERN, "format": "date-time"}
_MOMENT_SCHEMA: Final = {
    "anyOf": [{"type": "string", "pattern": DATE_PATTERN, "format": "date"}, _INSTANT_SCHEMA]
}


class _Decimal:
    """A decimal as text or integer: one union with one error, so that a float is told from a bad text."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """The text form first: it is what most sources send."""
        limit = 10**MONEY_DIGITS - 1
        return core_schema.union_schema(
            [
                core_schema.str_schema(pattern=MONEY_PATTERN, strict=True),
                core_schema.int_schema(ge=-limit, le=limit, strict=True),
            ],
            custom_error_type="decimal",
            custom_error_message="not a plain decimal",
        )


def _checked(parse: Callable[[str], object]) -> AfterValidator:
    """Let the text pass unchanged when ``parse`` reads it; its error becomes the validation's."""

    def check(text: str) -> str:
        try:
            parse(text)
        except EventError as error:
            raise PydanticCustomError("moment", "{code}", {"code": error.code}) from None
        return text

    return AfterValidator(check)


def _existing_date(text: str) -> str:
    """For a text that already has the shape of a date."""
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("moment", "{code}", {"code": "SW-EVENT-024"}) from None
    return text


def _parse_moment(text: str) -> object:
    return parse_date(text) if is_date(text) else parse_instant(text)


def _id(kind: str | None = None) -> tuple[object, ...]:
    return (StringConstraints(min_length=1, max_length=MAX_ID, pattern=ID_PATTERN), Mark(FieldType.ID, kind))


Text = Annotated[str, Mark(FieldType.TEXT)]
Flag = Annotated[bool, Mark(FieldType.BOOL)]
Number = Annotated[float, Field(allow_inf_nan=False), Mark(FieldType.NUMBER)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1), Mark(FieldType.NUMBER)]
Money = Annotated[str | int, _Decimal(), Mark(FieldType.MONEY, decimal=True)]
Rate = Annotated[str | int, _Decimal(), Mark(FieldType.NUMBER, decimal=True)]
Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN), Mark(FieldType.TEXT)]
Word = Annotated[str, StringConstraints(max_length=64, pattern=WORD_PATTERN), Mark(FieldType.TEXT)]
Period = Annotated[str, StringConstraints(pattern=PERIOD_PATTERN), Mark(FieldType.TEXT)]
Elapsed = Annotated[str, StringConstraints(pattern=DURATION_PATTERN), Mark(FieldType.DURATION)]
Date = Annotated[
    str,
    StringConstraints(pattern=DATE_PATTERN),
    AfterValidator(_existing_date),
    Field(json_schema_extra={"format": "date"}),
    Mark(FieldType.DATE),
]
Instant = Annotated[str, _checked(parse_instant), WithJsonSchema(_INSTANT_SCHEMA), Mark(FieldType.INSTANT)]
Moment = Annotated[
    str, _checked(_parse_moment), WithJsonSchema(_MOMENT_SCHEMA), Mark(FieldType.INSTANT, moment=True)
]
DayOrInstant = Annotated[
    str, _checked(_parse_moment), WithJsonSchema(_MOMENT_SCHEMA), Mark(FieldType.INSTANT)
]

Id = Annotated[str, *_id()]
AccountId = Annotated[str, *_id("account")]
ApprovalId = Annotated[str, *_id("approval")]
CalendarId = Annotated[str, *_id("calendar")]
ContactId = Annotated[str, *_id("contact")]
ContractId = Annotated[str, *_id("contract")]
InvoiceId = Annotated[str, *_id("invoice")]
LeadId = Annotated[str, *_id("lead")]
OpportunityId = Annotated[str, *_id("opportunity")]
OrderId = Annotated[str, *_id("order")]
PersonId = Annotated[str, *_id("person")]
ProjectId = Annotated[str, *_id("project")]
QuoteId = Annotated[str, *_id("quote")]
TeamId = Annotated[str, *_id("team")]
VisitId = Annotated[str, *_id("visit")]
