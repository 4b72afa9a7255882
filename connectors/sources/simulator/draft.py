"""An event as the world makes it, before dirt: a business fact at its true time, and its CloudEvents form."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.time import format_instant

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
"""A JSON value."""

SOURCES = {
    "order": "erp/simulated",
    "invoice": "erp/simulated",
    "payment": "erp/simulated",
    "message": "im/simulated",
    "approval": "oa/simulated",
    "person": "hr/simulated",
    "team": "hr/simulated",
}
"""Entity kind -> source; everything else comes from the CRM."""

CRM = "crm/simulated"

NAMESPACES = {CRM: "crm", "erp/simulated": "erp", "im/simulated": "im", "oa/simulated": "crm"}
"""Namespaces for a workspace's settings. Without them all ids share one, and every link still holds but
that of the ERP's customer codes, which then are customers of their own.
"""


@dataclass(slots=True)
class Draft:
    """time: us. subject: native id of the entity. day: only the day is known, `time` is its local start."""

    id: str
    type: str
    time: int
    subject: str
    data: dict[str, Json]
    day: bool = False

    @property
    def kind(self) -> str:
        return self.type.partition(".")[0]

    @property
    def source(self) -> str:
        return SOURCES.get(self.kind, CRM)

    def to_dict(self, recorded: int | None = None) -> dict[str, Json]:
        """The structured CloudEvents record; `recorded` (us) becomes the extension `recordedtime`."""
        record: dict[str, Json] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": format_instant(self.time),
            "datacontenttype": "application/json",
            "data": self.data,
        }
        if self.day:
            record["precision"] = "day"
        if recorded is not None:
            record["recordedtime"] = format_instant(recorded)
        return record
