"""Example events, one for each type, for the tests of this folder; the data a real system would send."""

from typing import Any
from zoneinfo import ZoneInfo

from schemas.envelope import Event, decode_event
from schemas.events.registry import EVENT_MODELS, KINDS

ZONE = ZoneInfo("Asia/Shanghai")

LINES = [{"product": "GTX Basic", "quantity": 2, "amount": "1100.00", "cost": 700}]

FULL: dict[str, dict[str, Any]] = {
    "account": {"name": "凯城", "tier": "A", "owner": "p1", "credit_limit": "500000", "currency": "CNY"},
    "contact": {"account": "A1", "name": "王芳", "im": {"wecom": "wm123"}},
    "lead": {"source": "web", "campaign": "C-7", "owner": "p1", "phone": "+86 10 1234"},
    "opportunity": {
        "account": "A1",
        "stage": "quote",
        "amount": "1054.00",
        "currency": "USD",
        "products": ["G"],
    },
    "activity": {
        "kind": "call",
        "by": "p1",
        "opportunity": "O1",
        "duration": "15m",
        "next_follow_up": "2026-03-09",
    },
    "visit": {"by": "p1", "account": "A1", "planned_for": "2026-03-09T14:00:00+08:00", "distance": 12.5},
    "quote": {"opportunity": "O1", "version": 2, "amount": "900.00", "margin": 0.22, "lines": LINES},
    "contract": {
        "account": "A1",
        "amount": "600000",
        "signed_on": "2026-03-01",
        "instalments": [{"no": 1, "due_on": "2026-04-01", "amount": "300000"}],
    },
    "order": {"account": "A1", "contract": "K1", "lines": LINES, "amount": 1100},
    "invoice": {"order": "S1", "account": "A1", "amount": "1100.00", "due_on": "2026-05-01", "of": None},
    "payment": {"account": "A1", "amount": "500.00", "allocations": [{"invoice": "I1", "amount": "500.00"}]},
    "project": {"account": "A1", "contract": "K1", "milestone": "go-live", "due_on": "2026-09-01"},
    "cost": {"category": "marketing", "amount": "8000", "period": "2026-03", "channel": "fair"},
    "target": {"measure": "won_amount", "amount": "1000000", "period": "2026-Q1", "of": {"team": "t1"}},
    "message": {"conversation": "c1", "from": "wm1", "to": ["p1"], "direction": "in", "account": "A1"},
    "approval": {"of": {"kind": "contract", "id": "K1"}, "by": "p1", "amount": "600000", "to": ["p2"]},
    "person": {
        "name": "李雷",
        "mail": "li@example.com",
        "roles": ["cfo"],
        "team": "t1",
        "zone": "Asia/Shanghai",
    },
    "team": {"name": "East", "manager": "p2", "director": "p3", "region": "east"},
    "rate": {"rate": "7.1234", "valid_from": "2026-03-01"},
    "calendar": {"holidays": ["2026-10-01"], "makeup_days": ["2026-10-10"]},
    "source": {"to": "2026-03-02T00:00:00Z"},
}
"""kind -> data without the entity's id."""

MORE: dict[str, dict[str, Any]] = {
    "account.merged": {"into": "A2"},
    "person.away": {"from": "2026-03-02", "to": "2026-03-04", "deputy": "p9"},
}
"""event type -> what it needs beside its kind's data."""

IDS = {"rate": "USD"}
TYPES = sorted(EVENT_MODELS)


def data_of(event_type: str) -> dict[str, Any]:
    """Example data of an event type."""
    kind, _, verb = event_type.rpartition(".")
    data = {} if verb == "deleted" else dict(FULL[kind])
    data.update(MORE.get(event_type, {}))
    if verb in ("corrected", "deleted"):
        data["event"] = "e-1"
        data.pop("source", None)
    data[KINDS[kind].id_field] = IDS.get(kind, f"{kind}-1")
    return data


def record_of(event_type: str, data: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A structured-mode record; ``attributes`` replace or add, and a None takes away."""
    record = {
        "specversion": "1.0",
        "id": "crm-8817",
        "source": "crm/maven",
        "type": event_type,
        "time": "2026-03-02T09:30:00Z",
        "datacontenttype": "application/json",
        "data": data_of(event_type) if data is None else data,
        **attributes,
    }
    return {name: value for name, value in record.items() if value is not None}


def event_of(event_type: str, data: dict[str, Any] | None = None, **attributes: Any) -> Event:
    """A decoded event."""
    return decode_event(record_of(event_type, data, **attributes), zone=ZONE)
