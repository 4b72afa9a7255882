"""What `stagewatch.toml` may say, as frozen models; and the part of it that the machines know. Reads
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from connectors.channels.mail import MailSettings
from console.access import VARIABLE as TOKENS
from console.links import VARIABLE
from schemas.errors import SettingsError, StagewatchError
from schemas.fields import FieldType
from schemas.time import parse_duration
from stagewatch.settings.cluster import ClusterSettings
from stagewatch.settings.parts import Listen, Name, Part, host_of
from streams.machines.account.entities import STAGED
from streams.stores.sqlite_cache import CAPACITY
from streams.views.port import KEPT


def _elapsed(value: object) -> object:
    """A length of time as us."""
    if not isinstance(value, str):
        return value
    try:
        found = parse_duration(value)
    except StagewatchError as error:
        raise ValueError(f"a length of time such as 15m, 24h or 1d ({error.message})") from error
    if found.months:
        raise ValueError("an elapsed time such as 15m, 24h or 1d, not calendar months")
    return found.us


Elapsed = Annotated[int, BeforeValidator(_elapsed), Field(ge=0), PlainSerializer(lambda us: us)]


class Stage(Part):
    """One stage of a funnel. decisive: a deal is decided here, which rules may watch."""

    category: Literal["open", "won", "lost"] = "open"
    decisive: bool = False


class Source(Part):
    """One source of events, by its CloudEvents `source`.

    arrives_within: how late its events may come (us); judgements about absence wait so long. types: the event
    types it brings, empty: any. namespace: of its ids, "" is shared by all.
    """

    arrives_within: Elapsed = 0
    namespace: Annotated[str, Field(pattern=r"^[^/\s]*$")] = ""
    types: tuple[str, ...] = ()


class Http(Part):
    """The web side. listen: address:port, port 0 takes a free one. public_url: where people reach it."""

    listen: Listen = "127.0.0.1:8420"
    public_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    tokens_env: Name = TOKENS
    secret_env: Name = VARIABLE

    @property
    def host(self) -> str:
        """The address without the port."""
        return host_of(self.listen)

    @property
    def port(self) -> int:
        """The port."""
        return int(self.listen.rpartition(":")[2])


class Limits(Part):
    """What a sender may ask of the intake; sizes in bytes, rates per token and second.

    cache_rows: rows kept in memory. closed_items: closed alerts, tasks and approvals that the lists keep, of
    each the last so many.
    """

    event_bytes: Annotated[int, Field(ge=1024)] = 1 << 20
    batch_bytes: Annotated[int, Field(ge=1024)] = 5 << 20
    batch_events: Annotated[int, Field(ge=1)] = 500
    events_per_second: Annotated[float, Field(gt=0)] = 2_000.0
    burst: Annotated[float, Field(ge=1)] = 10_000.0
    cache_rows: Annotated[int, Field(ge=1_000)] = CAPACITY
    closed_items: Annotated[int, Field(ge=100)] = KEPT


class Settings(Part):
    """A workspace's settings.

    Example:
        >>> Settings().zone, Settings().http.port
        ('Asia/Shanghai', 8420)
    """

    zone: str = "Asia/Shanghai"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    language: Literal["zh", "en"] = "zh"
    admin: str | None = None
    partitions: Annotated[int, Field(ge=1, le=64)] = 4
    http: Http = Http()
    limits: Limits = Limits()
    mail: MailSettings | None = None
    cluster: ClusterSettings | None = None
    stages: Mapping[str, Mapping[str, Stage]] = Field(default_factory=dict)
    sources: Mapping[str, Source] = Field(default_factory=dict)
    fields: Mapping[str, Mapping[str, FieldType]] = Field(default_factory=dict)

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("the name of a time zone such as Asia/Shanghai or Europe/Berlin") from error
        return value

    @field_validator("stages")
    @classmethod
    def _kinds_have_stages(
        cls, value: Mapping[str, Mapping[str, Stage]]
    ) -> Mapping[str, Mapping[str, Stage]]:
        if not STAGED.issuperset(value):
            raise ValueError(f"stages of {' and '.join(sorted(STAGED))}: other kinds have none")
        return value

    @property
    def tz(self) -> ZoneInfo:
        """The organisation's zone."""
        return ZoneInfo(self.zone)

    @property
    def declared(self) -> dict[str, FieldType]:
        """The workspace's own fields, `"kind.field"` -> type."""
        return {f"{kind}.{name}": t for kind, names in self.fields.items() for name, t in names.items()}

    @property
    def namespaces(self) -> dict[str, str]:
        """source -> namespace of its ids, where it is not the shared one."""
        return {name: source.namespace for name, source in self.sources.items() if source.namespace}

    def need_cluster(self) -> ClusterSettings:
        """`[cluster]`.

        Raises:
            SettingsError: SW-SET-143, there is none.
        """
        if self.cluster is None:
            raise SettingsError(
                "SW-SET-143",
                place="stagewatch.toml",
                expected="a table [cluster] that says where Kafka and Redis are",
                next_step="add [cluster] as the comments of a new workspace's stagewatch.toml show",
            )
        return self.cluster

    def shared(self) -> dict[str, Any]:
        """What the machines know of the settings: a shared row of every partition."""
        known: dict[str, Any] = {
            "zone": self.zone,
            "currency": self.currency,
            "language": self.language,
            "stages": {
                kind: {name: stage.model_dump() for name, stage in stages.items()}
                for kind, stages in self.stages.items()
            },
            "sources": {
                name: {"arrives_within": source.arrives_within, "types": list(source.types)}
                for name, source in self.sources.items()
            },
            "fields": {name: str(found.value) for name, found in self.declared.items()},
        }
        if self.admin:
            known["admin"] = self.admin
        return known
