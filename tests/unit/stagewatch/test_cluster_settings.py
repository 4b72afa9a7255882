"""`[cluster]`: how Kafka and Redis are reached; what is refused, and that no secret is ever shown."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from schemas.errors import SettingsError
from stagewatch.settings import ClusterSettings, KafkaSettings, RedisSettings, Settings, parse_settings
from stagewatch.settings.load import InvalidSettingsError

SASL = """
[cluster]
prefix = "acme"
partitions = 12
replication = 1
[cluster.kafka]
brokers = "k1.example.com:9093, k2.example.com:9093"
security = "sasl_tls"
username = "worker"
[cluster.redis]
url = "rediss://cache.example.com:6380/2"
username = "worker"
"""


PLAIN = 'security = "sasl_plaintext", username = "u", sasl_mechanism = "PLAIN"'


def test_no_table_is_no_cluster() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().need_cluster()
    assert caught.value.code == "SW-SET-143"
    assert parse_settings("[cluster]").need_cluster() == ClusterSettings()


def test_a_login_and_its_password_reach_the_client_and_nothing_else() -> None:
    cluster = parse_settings(SASL).need_cluster()
    environment = {"STAGEWATCH_KAFKA_PASSWORD": "k-secret", "STAGEWATCH_REDIS_PASSWORD": "r-secret"}
    options = cluster.kafka.options(environment)
    assert isinstance(options.pop("ssl_context"), ssl.SSLContext)
    assert options == {
        "bootstrap_servers": ["k1.example.com:9093", "k2.example.com:9093"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": "k-secret",
    }
    assert cluster.redis.options(environment) == {"username": "worker", "password": "r-secret"}
    assert "secret" not in repr(cluster) + cluster.model_dump_json()


def test_without_a_login_no_password_is_asked_for() -> None:
    assert KafkaSettings().options({}) == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }
    assert RedisSettings().options({}) == {}
    assert RedisSettings().options({"STAGEWATCH_REDIS_PASSWORD": "x"}) == {"password": "x"}


@pytest.mark.parametrize("environment", [{}, {"STAGEWATCH_KAFKA_PASSWORD": ""}])
def test_a_missing_password_is_told(environment: dict[str, str]) -> None:
    cluster = parse_settings(SASL).need_cluster()
    with pytest.raises(SettingsError, match="STAGEWATCH_KAFKA_PASSWORD") as kafka:
        cluster.kafka.options(environment)
    with pytest.raises(SettingsError, match="STAGEWATCH_REDIS_PASSWORD") as redis:
        cluster.redis.options(environment)
    assert (kafka.value.code, redis.value.code) == ("SW-SET-140", "SW-SET-141")


def test_certificates_of_both_sides(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "client.pem", tmp_path / "client.key"
    authority.cert_pem.write_to_path(ca)
    issued = authority.issue_cert("worker.example.com")
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    context = KafkaSettings(security="tls", ca_file=ca, cert_file=cert, key_file=key).context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    redis = RedisSettings(url="rediss://127.0.0.1:6380", ca_file=ca)
    assert redis.options({}) == {"ssl_ca_certs": str(ca)}


def test_an_unusable_certificate_file_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with pytest.raises(SettingsError) as kafka:
        KafkaSettings(security="tls", ca_file=bad).options({})
    with pytest.raises(SettingsError) as redis:
        RedisSettings(url="rediss://127.0.0.1", ca_file=tmp_path / "absent.pem").options({})
    assert (kafka.value.code, redis.value.code) == ("SW-SET-142", "SW-SET-142")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('kafka.security = "sasl_tls"', "username"),
        ('kafka.username = "u"', "username"),
        ('kafka = {cert_file = "a", security = "tls"}', "both or neither"),
        ('kafka.ca_file = "a"', "tls"),
        ('kafka.brokers = "nohost"', "pattern"),
        ("kafka.brokers = []", "at least 1"),
        (f'kafka = {{brokers = "k:1", {PLAIN}}}', "in clear"),
        ('redis.url = "http://x"', "redis://"),
        ('redis.url = "redis://x/two"', "redis://"),
        ('redis.url = "redis://[x"', "redis://"),
        ('redis.ca_file = "a"', "rediss"),
        ('prefix = "Two Words"', "pattern"),
        ("partitions = 0", "1"),
        ("replication = 10", "9"),
    ],
)
def test_what_cannot_work_is_refused(table: str, says: str) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        parse_settings(f"[cluster]\n{table}")
    error = caught.value.errors[0]
    assert error.code == "SW-SET-005"
    assert "cluster" in error.place
    assert says in error.expected


def test_plain_is_no_danger_on_one_machine_or_with_tls() -> None:
    here = KafkaSettings(security="sasl_plaintext", sasl_mechanism="PLAIN", username="u")
    assert here.protocol == "SASL_PLAINTEXT"
    with pytest.raises(ValidationError):
        KafkaSettings(brokers=("k:1",), security="sasl_plaintext", sasl_mechanism="PLAIN", username="u")
    assert KafkaSettings(
        brokers=("k:1",), security="sasl_tls", sasl_mechanism="PLAIN", username="u"
    ).encrypted


@pytest.mark.parametrize(
    "table",
    [
        'redis.url = "redis://worker:hunter2@cache:6379/0"',
        'redis.url = "redis://:hunter2@cache:6379/0"',
        'kafka.password_env = "hunter2!"',
        'redis.password_env = "hunter2 "',
        'kafka.password = "hunter2"',
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_shown(table: str) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        parse_settings(f"[cluster]\n{table}")
    assert "hunter2" not in str(caught.value)


def test_a_mistyped_key_is_told() -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        parse_settings('[cluster.kafka]\nsecurty = "tls"')
    assert caught.value.errors[0].next_step == "did you mean `security`?"
