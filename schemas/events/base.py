"""What all event models share. A ``...Fields`` class lists what is known of a kind; each event type only
tightens it.

Unknown keys are allowed and kept. An absent field is unchanged, ``null`` clears it, so every field but the
entity's id is optional unless the type would say nothing without it. No model of a single type belongs here.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from schemas.types import Id, Instant, PersonId, Text


class Model(BaseModel):
    """Frozen, strict about types, unknown keys kept."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, populate_by_name=False)


class Item(Model):
    """One element of a list field, or the content of an object field."""


class Alias(Item):
    """One more native id of the entity: ``id`` as the sources of ``namespace`` know it."""

    namespace: Id
    id: Id


class Data(Model):
    """What every entity may carry.

    ``org`` is the organisation (region, branch or legal entity) it belongs to, ``owner`` the person in charge
    (absent: the opportunity's, else the account's; a visit's is ``by``), ``ids`` further native ids.
    """

    org: Id | None = None
    owner: PersonId | None = None
    ids: list[Alias] | None = None


class Corrected(Model):
    """Corrects an earlier event: ``data`` without the fields below is merged over that of the event. What is
    absent is unchanged, ``null`` clears it.

    ``event`` is the id of the event that is corrected, ``source`` its source (default: the correction's own).
    ``time`` is its right business time (default: unchanged).
    """

    event: Id
    source: Id | None = None
    time: Instant | None = None


class Deleted(Model):
    """Takes back the event named by ``event`` (of ``source``, default its own), or, without ``event``,
    the entity.

    ``reason`` says why, for people.
    """

    event: Id | None = None
    source: Id | None = None
    reason: Text | None = None
