"""How a cluster is reached: `[cluster]` of `stagewatch.toml`, with Kafka and Redis, their logins and TLS.

Secrets come from the environment when they are asked for: no model here ever holds one, so none can be
printed. Nothing is connected here.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.errors import SettingsError
from stagewatch.settings.parts import LOOPBACK, Listen, Name, Part, host_of, secret

KAFKA_VARIABLE = "STAGEWATCH_KAFKA_PASSWORD"
REDIS_VARIABLE = "STAGEWATCH_REDIS_PASSWORD"

Security = Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"]

PROTOCOLS: Mapping[str, str] = {
    "plaintext": "PLAINTEXT",
    "tls": "SSL",
    "sasl_plaintext": "SASL_PLAINTEXT",
    "sasl_tls": "SASL_SSL",
}
"""Our name -> Kafka's."""


def _addresses(value: object) -> object:
    """`"a:1,b:2"` as a list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Brokers = Annotated[tuple[Listen, ...], BeforeValidator(_addresses), Field(min_length=1)]


def tls_context(place: str, ca_file: Path | None, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A context that verifies the server. client: the files of a certificate and its key, for mutual TLS.

    Raises:
        SettingsError: SW-SET-142, a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        if client is not None:
            context.load_cert_chain(*map(str, client))
    except (OSError, ssl.SSLError) as error:
        names = [str(path) for path in (ca_file, *(client or ())) if path is not None]
        raise SettingsError(
            "SW-SET-142",
            place=place,
            expected="readable PEM files: certificates to trust, and a certificate with its unencrypted key",
            found=f"{', '.join(names)}: {error}",
            next_step="correct the paths, or take them out to trust the system's certificates",
        ) from error
    return context


class KafkaSettings(Part):
    """How brokers are reached.

    security: "plaintext", "tls", "sasl_plaintext" or "sasl_tls". ca_file: certificates to trust instead of
    the system's. cert_file, key_file: this client's own certificate (mutual TLS). username, password_env:
    the login of SASL; password_env is the NAME of the environment variable with the password.

    Example:
        >>> KafkaSettings(brokers="a:9092, b:9092").brokers
        ('a:9092', 'b:9092')
    """

    brokers: Brokers = ("127.0.0.1:9092",)
    security: Security = "plaintext"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_env: Name = KAFKA_VARIABLE
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _login_is_whole_and_private(self) -> Self:
        sasl, tls = self.security.startswith("sasl"), self.security.endswith("tls")
        if sasl is not (self.username is not None):
            raise ValueError("username belongs to security sasl_tls or sasl_plaintext, and these to it")
        if (self.cert_file is None) is not (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        if not tls and (self.ca_file or self.cert_file):
            raise ValueError("certificates belong to security tls or sasl_tls")
        far = any(host_of(broker) not in LOOPBACK for broker in self.brokers)
        if sasl and not tls and self.sasl_mechanism == "PLAIN" and far:
            raise ValueError(
                "PLAIN without TLS would send the password in clear: set security to sasl_tls,"
                " or sasl_mechanism to SCRAM-SHA-512"
            )
        return self

    @property
    def protocol(self) -> str:
        """Kafka's name of the security protocol."""
        return PROTOCOLS[self.security]

    @property
    def encrypted(self) -> bool:
        """Whether connections are TLS."""
        return self.security.endswith("tls")

    def context(self) -> ssl.SSLContext | None:
        """The TLS context; None when TLS is off; SettingsError SW-SET-142 for an unusable file."""
        if not self.encrypted:
            return None
        client = (self.cert_file, self.key_file) if self.cert_file and self.key_file else None
        return tls_context("cluster.kafka", self.ca_file, client)

    def password(self, environment: Mapping[str, str]) -> str | None:
        """The password of the login; None without one; SettingsError SW-SET-140 when it is not set."""
        if self.username is None:
            return None
        owner = f"the password of {self.username}"
        return secret(environment, self.password_env, "SW-SET-140", "cluster.kafka.password_env", owner)

    def options(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """What aiokafka's clients take to connect. Holds the password: never log it.

        Raises:
            SettingsError: SW-SET-140 (no password), SW-SET-142 (a certificate file cannot be used).
        """
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "security_protocol": self.protocol,
            "ssl_context": self.context(),
        }
        if self.username is not None:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password(environment),
            }
        return options


class RedisSettings(Part):
    """How Redis is reached. url: redis://host:port/db, or rediss:// for TLS; it never holds a login.

    password_env is the NAME of the environment variable with the password; it is used when the variable is
    set, and must be set when there is a username. entities: keep the rows of all entities there too.
    """

    url: str = "redis://127.0.0.1:6379/0"
    username: str | None = None
    password_env: Name = REDIS_VARIABLE
    ca_file: Path | None = None
    entities: bool = False

    @field_validator("url")
    @classmethod
    def _address_without_login(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if "@" in value:
            raise ValueError("a URL without a login: username and password_env hold it")
        database = parts.path.removeprefix("/") if good else ""
        if not good or not (database.isdecimal() or not database):
            raise ValueError("redis://host:port/number, or rediss://host:port/number for TLS")
        return value

    @model_validator(mode="after")
    def _certificates_belong_to_tls(self) -> Self:
        if self.ca_file and not self.encrypted:
            raise ValueError("ca_file belongs to a rediss:// URL")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether connections are TLS."""
        return self.url.startswith("rediss:")

    def options(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """What `redis.Redis.from_url` takes beside the URL. Holds the password: never log it.

        Raises:
            SettingsError: SW-SET-141 (no password), SW-SET-142 (the certificate file cannot be used).
        """
        options: dict[str, Any] = {}
        if self.username is not None:
            owner = f"the password of {self.username}"
            place = "cluster.redis.password_env"
            options["username"] = self.username
            options["password"] = secret(environment, self.password_env, "SW-SET-141", place, owner)
        elif password := environment.get(self.password_env):
            options["password"] = password
        if self.ca_file:
            tls_context("cluster.redis.ca_file", self.ca_file)
            options["ssl_ca_certs"] = str(self.ca_file)
        return options


class ClusterSettings(Part):
    """A cluster: the same machines on Kafka, workers and Redis.

    prefix: begins the names of all topics, groups, transactions and keys, so that several can share brokers.
    partitions: of every stage, fixed when the topics are made. replication: copies of every topic.
    listen: address:port where a worker shows its metrics and readiness. session_ms: a worker that gives no
    sign of life for so long loses its partitions. tick_ms: how often time passes where nothing comes in.
    trial: no broker's time counts: records bring their logical time with them, and it passes by the ticks of
    whoever plays; a trial's topics stay a trial's.

    Example:
        >>> ClusterSettings().kafka.protocol, ClusterSettings().partitions
        ('PLAINTEXT', 8)
    """

    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")] = "stagewatch"
    partitions: Annotated[int, Field(ge=1, le=256)] = 8
    replication: Annotated[int, Field(ge=1, le=9)] = 3
    listen: Listen = "127.0.0.1:8421"
    session_ms: Annotated[int, Field(ge=1_000, le=300_000)] = 6_000
    tick_ms: Annotated[int, Field(ge=20, le=60_000)] = 1000
    trial: bool = False
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
