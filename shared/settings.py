"""Settings come from the environment (`STOPLINE_…`); a missing or wrong one ends the start with one line."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import MisconfiguredError
from shared.kafka_connection import KafkaConnection, Login, SaslMechanism, SecurityProtocol, Tls
from shared.secret_files import WithSecretFiles
from shared.secret_rules import check_known_secrets
from shared.web.addresses import networks

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
PartT = TypeVar("PartT")

_SECURED_BY = {
    "sasl": ("kafka_sasl_username", "kafka_sasl_password"),
    "tls": ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_key_password"),
}


class KafkaSettings(WithSecretFiles):
    """The settings of Kafka: how to reach it, and what its topics must look like."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    kafka_bootstrap: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")]
    """`host:port`, several separated by commas."""
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    """Authorities that may sign a broker's certificate, as PEM; None: those of the system."""
    kafka_certificate_file: Path | None = None
    """The certificate that we show to a broker that asks for one (mTLS), as PEM."""
    kafka_key_file: Path | None = None
    """Its key; None: it is in the same file."""
    kafka_key_password: SecretStr | None = None
    kafka_check_hostname: bool = True

    partitions: Annotated[int, Field(ge=1, le=1000)] = 6
    """Partitions of every topic that is placed by phone; `stopline partitions change` makes more."""
    replication_factor: Annotated[int, Field(ge=1, le=7)] = 1
    """Copies of every record; 3 in production, which also sets `min.insync.replicas` to 2."""

    @cached_property
    def kafka(self) -> KafkaConnection:
        """How every client reaches Kafka; files are read once."""
        tls = self._tls()
        return KafkaConnection(self.kafka_bootstrap, self._login(), tls, None if tls is None else tls.context())

    def _login(self) -> Login | None:
        if not self.kafka_security_protocol.startswith("SASL_"):
            return None
        if not self.kafka_sasl_username or self.kafka_sasl_password is None:
            raise ValueError(
                f"STOPLINE_KAFKA_SECURITY_PROTOCOL is {self.kafka_security_protocol}, which needs"
                " STOPLINE_KAFKA_SASL_USERNAME and STOPLINE_KAFKA_SASL_PASSWORD"
            )
        return Login(self.kafka_sasl_mechanism, self.kafka_sasl_username, self.kafka_sasl_password.get_secret_value())

    def _tls(self) -> Tls | None:
        if not self.kafka_security_protocol.endswith("SSL"):
            return None
        password = self.kafka_key_password
        return Tls(
            self.kafka_ca_file,
            self.kafka_certificate_file,
            self.kafka_key_file,
            None if password is None else password.get_secret_value(),
            self.kafka_check_hostname,
        )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """Refuse also what would be ignored: whoever set it believes that it protects something."""
        used = {"sasl": self._login() is not None, "tls": self._tls() is not None}
        ignored = [
            f"STOPLINE_{name.upper()}"
            for part, names in _SECURED_BY.items()
            for name in names
            if not used[part] and getattr(self, name) is not None
        ]
        if ignored:
            raise ValueError(
                f"{', '.join(ignored)}: not used where STOPLINE_KAFKA_SECURITY_PROTOCOL is"
                f" {self.kafka_security_protocol}"
            )
        if self.kafka_certificate_file is None and (self.kafka_key_file or self.kafka_key_password):
            raise ValueError("STOPLINE_KAFKA_CERTIFICATE_FILE is missing: a key alone shows nothing")
        _ = self.kafka  # reads the files
        return self


def _networks(text: str) -> str:
    networks(text)
    return text


class HttpSettings(WithSecretFiles):
    """The settings of every process that serves HTTP, whether it uses Kafka or not."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)]
    http_connections: Annotated[int, Field(ge=10, le=100_000)] = 1_000
    """Open at once; above it, a connection that waits for its client makes room for the next."""
    http_connections_per_address: Annotated[int, Field(ge=0, le=100_000)] = 0
    """The same for one address, except those of `trusted_proxies`; 0: no limit, as behind a proxy of another kind."""
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    """Addresses or networks whose `X-Forwarded-For` names the client, separated by commas; empty: nobody's."""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Where `/metrics` is; unset: nowhere. Not to be reached from outside."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    traces_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    """Where traces go by OTLP over HTTP, the path included, such as http://collector:4318/v1/traces; empty: none."""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Of the traces that begin here."""

    @model_validator(mode="after")
    def _secrets_are_its_own(self) -> Self:
        secrets = {f"STOPLINE_{name.upper()}": getattr(self, name) for name in type(self).model_fields}
        check_known_secrets(self.http_host, secrets)
        return self


class ServiceSettings(KafkaSettings, HttpSettings):
    """The settings that every service of the pipeline has."""


def load(settings_type: type[SettingsT]) -> SettingsT:
    """Read the settings.

    Raises:
        MisconfiguredError: one line that names each setting that is missing or wrong.
    """
    try:
        return settings_type()
    except ValidationError as error:
        problems = "; ".join(map(_problem, error.errors(include_url=False, include_input=False)))
        raise MisconfiguredError(f"settings: {problems}") from None


def _problem(problem: Any) -> str:
    """Return a line for one problem; one of several settings together names them itself."""
    text = str(problem["msg"]).removeprefix("Value error, ")
    return f"STOPLINE_{'_'.join(map(str, problem['loc'])).upper()}: {text}" if problem["loc"] else text


def validated_part(where: str, validate: Callable[[Any], PartT], given: object) -> PartT:
    """Return what `validate` makes of a part of a setting that is JSON.

    Args:
        where: the setting and the part, such as "STOPLINE_GATEWAY_SECRETS: acme: twilio: ".
        validate: a method of pydantic's.
        given: the part.

    Raises:
        ValueError: names where and the field that is wrong, and shows no value.
    """
    try:
        return validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = "".join(f"{name}: " for name in first["loc"])
        raise ValueError(f"{where}{field}{first['msg']}") from None
