"""Events of reference data (rates, calendars) and of the sources themselves. No logic here."""

from __future__ import annotations

from schemas.events.base import Corrected, Data, Deleted
from schemas.types import CalendarId, Currency, Date, Id, Instant, Rate, Text


class RateFields(Data):
    """One unit of ``currency`` is worth ``rate`` units of the base currency, from ``valid_from`` on.

    ``rate`` is a decimal text (or integer), never a binary float.
    """

    currency: Currency | None = None
    base: Currency | None = None
    rate: Rate | None = None
    valid_from: Date | None = None


class RateSet(RateFields):
    """The rate was set; ``valid_from`` defaults to the event's day."""

    currency: Currency
    rate: Rate


class RateCorrected(RateFields, Corrected):
    """Corrects an earlier rate of the currency."""

    currency: Currency


class RateDeleted(Deleted):
    """Takes back a rate of the currency, or all of them."""

    currency: Currency


class CalendarFields(Data):
    """Days that differ from the week: ``holidays`` are free, ``makeup_days`` are worked although on a
    weekend."""

    calendar: CalendarId | None = None
    name: Text | None = None
    region: Text | None = None
    holidays: list[Date] | None = None
    makeup_days: list[Date] | None = None


class CalendarSet(CalendarFields):
    """The calendar was set; the lists replace those before."""

    calendar: CalendarId


class CalendarCorrected(CalendarFields, Corrected):
    """Corrects an earlier event of the calendar."""

    calendar: CalendarId


class CalendarDeleted(Deleted):
    """Takes back an event of the calendar, or the calendar."""

    calendar: CalendarId


class SourceFields(Data):
    """A source of events, named as in the settings; ``to`` is the time up to which it has sent everything."""

    source: Id | None = None
    to: Instant | None = None


class SourceCompleted(SourceFields):
    """``source`` has sent everything that happened before ``to``."""

    source: Id
    to: Instant
