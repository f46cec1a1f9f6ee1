"""A real broker with TLS, logins and an authorizer: what it lets whom do is decided by its ACLs alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import Authority
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from harness.kafka import KafkaCluster
from harness.kafka.prepare import prepare_kafka
from harness.kafka.properties import NodePorts
from harness.machine.ports import free_ports, release_ports
from shared.access import roles

ADMIN = "admin"
USERS = (ADMIN, "nobody", *(role.name for role in roles()))
_ITERATIONS = 4096
_SECONDS = 30.0


def password(user: str) -> str:
    return f"the password of {user}"


@dataclass(frozen=True)
class SecuredKafka:
    """`logins` takes SCRAM and PLAIN over TLS, `certified` client certificates, `clear` SCRAM and PLAIN without TLS."""

    authority: Authority
    logins: str
    certified: str
    clear: str

    def settings(self, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """Return the environment of a service that logs in as `user`."""
        return {
            "STOPLINE_KAFKA_BOOTSTRAP": self.logins,
            "STOPLINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "STOPLINE_KAFKA_SASL_MECHANISM": mechanism,
            "STOPLINE_KAFKA_SASL_USERNAME": user,
            "STOPLINE_KAFKA_SASL_PASSWORD": password(user),
            "STOPLINE_KAFKA_CA_FILE": str(self.authority.certificate),
        }

    def librdkafka(self, user: str, **more: Any) -> dict[str, Any]:
        """Return the settings of a client that shares no code with ours."""
        return {
            "bootstrap.servers": self.logins,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password(user),
            "ssl.ca.location": str(self.authority.certificate),
            **more,
        }


@asynccontextmanager
async def secured_kafka(folder: Path) -> AsyncIterator[SecuredKafka]:
    """Run one, with a login for every role and none of the ACLs."""
    ports = free_ports(5)
    (folder / "logs").mkdir(parents=True)
    authority = Authority(folder / "certificates")
    logins, certified, clear = (f"127.0.0.1:{port}" for port in ports[2:])
    inside = NodePorts(ports[0], ports[1])
    cluster = KafkaCluster(
        await prepare_kafka(print), folder, [inside],
        more_settings=_settings(authority, inside, logins, certified, clear),
    )  # fmt: skip
    try:
        await cluster.start()
        _make_logins(cluster.bootstrap)
        yield SecuredKafka(authority, logins, certified, clear)
    finally:
        await cluster.kill()
        release_ports(ports)


def _settings(authority: Authority, inside: NodePorts, logins: str, certified: str, clear: str) -> dict[str, str]:
    plain = " ".join(f'user_{user}="{password(user)}"' for user in USERS)
    named = {"LOGINS": logins, "CERTIFIED": certified, "CLEAR": clear, "PLAINTEXT": f"127.0.0.1:{inside.broker}"}
    listeners = ",".join(f"{name}://{address}" for name, address in named.items())
    by_login = {
        key: value
        for name in ("logins", "clear")
        for key, value in {
            f"listener.name.{name}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
            f"listener.name.{name}.plain.sasl.jaas.config": f"{_PLAIN} required {plain};",
            f"listener.name.{name}.scram-sha-256.sasl.jaas.config": f"{_SCRAM} required;",
            f"listener.name.{name}.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
        }.items()
    }
    return {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{inside.controller}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": (
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOGINS:SASL_SSL,CERTIFIED:SSL,CLEAR:SASL_PLAINTEXT"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The broker itself, on a listener that nobody else knows, and whoever sets the deployment up.
        "super.users": f"User:ANONYMOUS;User:{ADMIN}",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.sign("broker").bundle),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listener.name.certified.ssl.client.auth": "required",
        "listener.name.certified.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        **by_login,
    }


_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


def _make_logins(bootstrap: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):  # a user once a request
        about = ScramCredentialInfo(mechanism, _ITERATIONS)
        wanted = [UserScramCredentialUpsertion(user, about, password(user).encode()) for user in USERS]
        for made in client.alter_user_scram_credentials(wanted).values():
            made.result(_SECONDS)
