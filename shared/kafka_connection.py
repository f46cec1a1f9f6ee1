"""How a client reaches Kafka: the address, who we say we are, and whom we trust. Every client is made from one."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

SecurityProtocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True)
class Login:
    """A user name and password for SASL."""

    mechanism: SaslMechanism
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Tls:
    """The trusted authorities and the certificate that is shown: PEM files. `ca_file` is the system's by default."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    check_hostname: bool = True

    def context(self) -> ssl.SSLContext:
        """Read the files.

        Raises:
            ValueError: a file cannot be read, or is not what it must be; names its setting.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise ValueError(f"STOPLINE_KAFKA_CA_FILE: {self.ca_file}: {_reason(error)}") from None
        context.check_hostname = self.check_hostname
        if self.certificate_file is not None:
            self._show_certificate(context, self.certificate_file)
        return context

    def _show_certificate(self, context: ssl.SSLContext, certificate: Path) -> None:
        password = self.key_password or ""  # never the prompt on the terminal that None would bring
        try:
            context.load_cert_chain(certificate, self.key_file, lambda: password)
        except (OSError, ValueError) as error:
            raise ValueError(
                "STOPLINE_KAFKA_CERTIFICATE_FILE, STOPLINE_KAFKA_KEY_FILE or STOPLINE_KAFKA_KEY_PASSWORD:"
                f" {certificate}, {self.key_file or 'key in the same file'}: {_reason(error)}"
            ) from None


@dataclass(frozen=True)
class KafkaConnection:
    """The settings that all Kafka clients of a process share.

    Args:
        bootstrap: `host:port`, several separated by commas.
        login: for SASL.
        tls: None for a connection that is not encrypted.
        context: `tls`, read.
    """

    bootstrap: str
    login: Login | None = None
    tls: Tls | None = None
    context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    @property
    def is_secured(self) -> bool:
        return self.protocol != "PLAINTEXT"

    @property
    def protocol(self) -> SecurityProtocol:
        if self.login is None:
            return "PLAINTEXT" if self.tls is None else "SSL"
        return "SASL_PLAINTEXT" if self.tls is None else "SASL_SSL"

    def options(self) -> dict[str, Any]:
        """Return the options of an aiokafka client."""
        found: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protocol}
        if self.tls is not None:
            found["ssl_context"] = self.context or self.tls.context()
        if self.login is not None:
            found["sasl_mechanism"] = self.login.mechanism
            found["sasl_plain_username"] = self.login.username
            found["sasl_plain_password"] = self.login.password
        return found


Kafka: TypeAlias = KafkaConnection | str
"""A connection, or a bare address that is reached without security."""


def connection(kafka: Kafka) -> KafkaConnection:
    return kafka if isinstance(kafka, KafkaConnection) else KafkaConnection(kafka)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).replace("\n", " ")
