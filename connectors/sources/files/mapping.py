"""The mapping document: how the rows of somebody's files become events. Models only; loading is
`mapping_load.py`.

mapping: maven-crm
source: crm/maven
lookups:
  products: {file: products.csv, key: product, columns: {product: {}, sales_price: {type: money, currency:
  USD}}}
files:
  - match: sales_pipeline.csv
    id: "{opportunity_id}"
    columns:
      opportunity_id: {required: true}
      product: {repairs: {GTXPro: GTX Pro}}
      close_date: {type: date, formats: ["%Y-%m-%d"]}
    lookup: [{table: products, by: product}]
    events:
      - {name: won, type: opportunity.won, when: {deal_stage: Won}, time: close_date,
         data: {opportunity: "{opportunity_id}", amount: "{close_value}"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Atom = bool | int | str | None
DataValue = JsonValue
ColumnType = Literal["text", "integer", "number", "money", "date", "datetime", "boolean"]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_object(value: object) -> object:
    return {} if value is None else value


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


Written = Annotated[str, BeforeValidator(_as_text), StringConstraints(max_length=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
    )


class Column(_Part):
    """One column and how its cells are read.

    `header`: the column's title in the file, or several to choose from; by default the name itself.
    `repairs`: exact wrong text -> right text. `empty`: texts that mean nothing is there. `formats`:
    strptime formats, or `iso`, `excel` (day number), `epoch` (seconds), `epoch_ms`. `units`: factors that
    may follow a number, such as {万: 10000}. `optional`: the file may lack the column; `required`: every
    imported row must have a value.
    """

    type: ColumnType = "text"
    header: Annotated[list[Name], BeforeValidator(_as_list)] | None = None
    required: bool = False
    optional: bool = False
    trim: bool = True
    repairs: dict[str, Written] = {}
    empty: list[str] = []
    one_of: list[Written] | None = None
    formats: Annotated[list[Name], BeforeValidator(_as_list)] = ["iso"]
    currency: Currency | None = None
    currency_from: Name | None = None
    thousands: Annotated[str, StringConstraints(max_length=1)] = ""
    decimal: Literal[".", ","] = "."
    units: dict[Name, Annotated[int, Field(gt=0)]] = {}
    yes: list[str] = ["true", "TRUE", "True", "yes", "Yes", "Y", "1", "是"]
    no: list[str] = ["false", "FALSE", "False", "no", "No", "N", "0", "否"]

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> Column:
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("thousands and decimal must be different marks")
        if self.currency is not None and self.currency_from is not None:
            raise ValueError("give either currency or currency_from")
        if (self.currency or self.currency_from) and self.type != "money":
            raise ValueError("currency is for columns of type money")
        if self.type == "money" and not (self.currency or self.currency_from):
            raise ValueError("a column of type money needs currency or currency_from")
        return self


Columns = dict[Name, Annotated[Column, BeforeValidator(_as_object)]]


class Matcher(_Part):
    """A condition in words: `{not: [A, B]}`, `{empty: true}`."""

    empty: bool | None = None
    is_not: Annotated[list[Atom], BeforeValidator(_as_list)] | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_something(self) -> Matcher:
        if (self.empty is None) == (self.is_not is None):
            raise ValueError("give exactly one of: empty, not")
        return self


When = dict[Name, bool | int | str | list[Atom] | Matcher | None]


class Skip(_Part):
    """Rows to leave out, and the reason that the report will give."""

    when: When
    reason: Text


class Fill(_Part):
    """A value for an empty cell, recorded as a repair with its reason; `value` is a template."""

    column: Name
    when: When = {}
    value: Written
    reason: Text


class Remark(_Part):
    """Something to count in the report about rows that are imported all the same."""

    when: When
    reason: Text


class LookupUse(_Part):
    """Joins a lookup by a column of this row; its columns are then `{table.column}`."""

    table: Name
    by: Name
    missing: Literal["reject", "empty"] = "reject"


class EventTime(_Part):
    """The time of an event: a date or datetime column, or one fixed `value` (a date or RFC 3339).

    `missing` is used when the cell is empty, and recorded as a repair with `reason`.
    """

    column: Name | None = None
    value: Name | None = None
    missing: Name | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> EventTime:
        if (self.column is None) == (self.value is None):
            raise ValueError("give exactly one of: column, value")
        if self.missing is not None and (self.column is None or self.reason is None):
            raise ValueError("missing goes with column and needs a reason")
        return self


def _as_time(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class EventSpec(_Part):
    """One event of a row: made when `when` holds.

    Its id is the row's id, `/` and `name` (or `id` if given); `per_content` adds a hash of the content, for
    rows that are a snapshot without a date of change: a changed row is a new event then. `once`: rows that
    make the same event again are not a second one. A template in `data` whose column is empty leaves the
    field out.
    """

    name: Name
    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]
    when: When = {}
    id: Text | None = None
    per_content: bool = False
    once: bool = False
    time: Annotated[EventTime, BeforeValidator(_as_time)]
    recorded: Name | None = None
    subject: Text | None = None
    data: dict[Name, DataValue]


class FileMapping(_Part):
    """One file, or one sheet of one: which it is, how it is written, its columns and its events.

    `match` is a pattern on the file's name (`sales_*.csv`). `header` is the row of the titles. `surplus`
    says what to do about columns that are not declared: note them in the report, refuse the file, or
    ignore them. `lookup_only`: the file is only there for a lookup; its rows are counted and left out.
    """

    match: Name
    sheet: Name | None = None
    format: Literal["csv", "excel"] | None = None
    encoding: Literal["auto", "utf-8", "utf-8-sig", "gb18030"] = "auto"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    header: Annotated[int, Field(ge=1, le=1000)] = 1
    surplus: Literal["note", "refuse", "ignore"] = "note"
    lookup_only: bool = False
    id: Text | None = None
    columns: Columns = {}
    lookup: list[LookupUse] = []
    skip: list[Skip] = []
    fill: list[Fill] = []
    remark: list[Remark] = []
    events: list[EventSpec] = []

    @model_validator(mode="after")
    def _makes_something(self) -> FileMapping:
        if self.lookup_only and self.events:
            raise ValueError("a lookup_only file has no events")
        if not self.lookup_only and not (self.events and self.columns):
            raise ValueError("give columns and events, or lookup_only: true")
        if any(event.id is None for event in self.events) and self.id is None:
            raise ValueError("give the file an id template, or each event one")
        names = [event.name for event in self.events]
        if len(set(names)) != len(names):
            raise ValueError("two events have the same name")
        return self


class Lookup(_Part):
    """A second file, read whole and found again by `key`."""

    file: Name
    sheet: Name | None = None
    encoding: Literal["auto", "utf-8", "utf-8-sig", "gb18030"] = "auto"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    header: Annotated[int, Field(ge=1, le=1000)] = 1
    key: Name
    columns: Columns


class MappingDocument(_Part):
    """A whole mapping. `zone` is where the file's clock times were written; by default the organisation's."""

    mapping: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str | None = None
    source: Annotated[str, StringConstraints(pattern=r"^\S{1,200}$")]
    zone: str | None = None
    constants: Mapping[Name, str | int] = {}
    lookups: dict[Name, Lookup] = {}
    files: Annotated[list[FileMapping], Field(min_length=1)]

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"no time zone named {value!r}") from None
        return value
