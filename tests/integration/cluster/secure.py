"""A broker and a Redis that want TLS and logins, and the access lists of the docs put into force.

It must not allow more than the docs say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.local.kafka import Kafka
from deploy.local.redis import Redis

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
ROLES = ("setup", "source", "intake", "machines", "delivery", "views", "migrate")
SUPER = "admin"

KINDS = {"cluster": 4, "topic": 2, "group": 3, "transactional id": 5}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Describe": 8, "DescribeConfigs": 10}
LITERAL, PREFIXED, ALLOW = 3, 4, 3

SECURE = """
listener.security.protocol.map=PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.plaintext.plain.sasl.jaas.config={module} required {users};
ssl.keystore.type=PEM
ssl.keystore.location={key}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:ANONYMOUS
"""


def password(user: str) -> str:
    """The password of a user."""
    return f"{user}-hunter2"


class Authority:
    """A certificate authority and a server's certificate of it, in files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        self.ca, self.key_and_chain = folder / "ca.pem", folder / "server.pem"
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(self.ca)
        issued.cert_chain_pems[0].write_to_path(self.cert)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)  # Java reads PKCS #8 only
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.key_and_chain.write_bytes(self.key.read_bytes() + self.cert.read_bytes())


def secure_kafka(folder: Path, authority: Authority) -> Kafka:
    """A broker that takes TLS and PLAIN only and denies what is not allowed."""
    users = " ".join(
        [
            f'username="{SUPER}" password="{password(SUPER)}"',
            *(f'user_{user}="{password(user)}"' for user in (SUPER, *ROLES)),
        ]
    )
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    more = SECURE.format(
        module=module, users=users, key=authority.key_and_chain, ca=authority.ca, admin=SUPER
    )
    return Kafka(folder, more=more)


class SecureRedis(Redis):
    """A Redis that takes TLS and a login only."""

    def __init__(self, folder: Path, authority: Authority, acl: str) -> None:
        super().__init__(folder)
        self._authority, self._acl = authority, acl

    def prepare(self) -> None:
        """Write the users."""
        (self.folder / "users.acl").write_text(f"user default off\n{self._acl}\n", encoding="utf-8")

    def command(self) -> list[str]:
        """The server."""
        files = self._authority
        tls = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
        certificates = ["--tls-cert-file", str(files.cert), "--tls-key-file", str(files.key)]
        ca = ["--tls-ca-cert-file", str(files.ca), "--aclfile", str(self.folder / "users.acl")]
        return [*super().command(), *tls, *certificates, *ca]


def redis_user(prefix: str, secret: str) -> str:
    """The user of the docs, for this prefix."""
    told = re.search(r"ACL SETUSER (stagewatch) on >SECRET ~\{stagewatch\}:(\* .*)", PAGE.read_text("utf-8"))
    assert told is not None
    return f"user {told[1]} on >{secret} ~{{{prefix}}}:{told[2]}"


def access(prefix: str) -> Iterator[tuple[int, str, int, str, int]]:
    """The table of the docs: (resource type, name, pattern, role, operation)."""
    section = PAGE.read_text("utf-8").partition("\n## Access\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (?!role|--)(.*) \|$", section, re.MULTILINE):
        who, resource, operations = line.split(" | ")
        roles = ROLES if who == "all" else (who,)
        kind = next(kind for kind in KINDS if resource.startswith(kind))
        names = re.findall(r"`([\w.]+)`", resource.replace("`P`", ""))
        for role in roles:
            for operation in operations.split(", "):
                yield from (
                    (KINDS[kind], name, pattern, role, OPERATIONS[operation])
                    for name, pattern in _named(kind, names, prefix)
                )


def _named(kind: str, names: list[str], prefix: str) -> list[tuple[str, int]]:
    if kind == "cluster":
        return [("kafka-cluster", LITERAL)]
    return [(f"{prefix}.{name}", PREFIXED) for name in names] or [(f"{prefix}.", PREFIXED)]


async def allow(options: dict[str, Any], prefix: str) -> int:
    """Put the table into force; how many entries it has."""
    entries = list(access(prefix))
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        for kind, name, pattern, role, operation in entries:
            request = CreateAclsRequest(kind, name, pattern, f"User:{role}", "*", operation, ALLOW)
            answer = await admin._send_request(request)
            assert answer.to_object()["creation_responses"][0]["error_code"] == 0, (name, role)
    finally:
        await admin.close()
    return len(entries)
