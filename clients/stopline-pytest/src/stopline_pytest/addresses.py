"""The addresses of a stack: from `stopline status --json`, from a file, or from the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from stopline_pytest.errors import StoplineError

_REQUIRED = ("api_url", "inbound_url", "sandbox_url", "kafka_bootstrap")
_OPTIONAL = ("admin_token", "inbound_url_of_sandbox", "account_id", "api_key")


@dataclass(frozen=True)
class Addresses:
    """The addresses of a stack whose carrier is the sandbox, and what is needed to act on it.

    Args:
        api_url, inbound_url, sandbox_url: without a slash at the end.
        kafka_bootstrap: `host:port`, several separated by commas.
        kafka_settings: how to reach a secured Kafka: Stopline's settings (`STOPLINE_KAFKA_SECURITY_PROTOCOL`, …).
        admin_token: creates accounts. Without it, `account_id` and `api_key` are of one account for all tests.
        inbound_url_of_sandbox: `inbound_url` as the sandbox carrier reaches it, such as inside a container network.
    """

    api_url: str
    inbound_url: str
    sandbox_url: str
    kafka_bootstrap: str
    kafka_settings: Mapping[str, str] = field(default_factory=dict)
    admin_token: str = field(default="", repr=False)
    inbound_url_of_sandbox: str = ""
    account_id: str = ""
    api_key: str = field(default="", repr=False)

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> Self:
        """Return the addresses in what `stopline status --json` prints; other fields are ignored.

        Raises:
            StoplineError: one is missing.
        """
        missing = [name for name in _REQUIRED if not isinstance(written.get(name), str) or not written[name]]
        if missing:
            raise StoplineError(f"the addresses of the stack lack {', '.join(missing)}; see `stopline status --json`")
        texts = {name: str(written[name]) for name in (*_REQUIRED, *_OPTIONAL) if written.get(name)}
        return cls(**texts, kafka_settings=dict(written.get("kafka_settings") or {}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the addresses in a file that has the output of `stopline status --json`, or the same fields.

        Raises:
            StoplineError: it cannot be read.
        """
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoplineError(f"cannot read the addresses of the stack in {path}: {error}") from None
        if not isinstance(written, dict):
            raise StoplineError(f"{path} has no JSON object with the addresses of the stack")
        return cls.parse(written)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the addresses in `STOPLINE_API_URL`, `STOPLINE_INBOUND_URL` and so on.

        Raises:
            StoplineError: one is missing.
        """
        given = os.environ if environment is None else environment
        named = {name: given.get(f"STOPLINE_{name.upper()}", "") for name in (*_REQUIRED, *_OPTIONAL)}
        kafka = {name: value for name, value in given.items() if name.startswith("STOPLINE_KAFKA_")}
        kafka.pop("STOPLINE_KAFKA_BOOTSTRAP", None)
        missing = [f"STOPLINE_{name.upper()}" for name in _REQUIRED if not named[name]]
        if missing:
            raise StoplineError(
                f"an external stack needs its addresses: set {', '.join(missing)}, or name a file with the output of"
                " `stopline status --json` by --stopline-addresses"
            )
        return cls.parse({**named, "kafka_settings": kafka})

    def kafka_config(self) -> dict[str, Any]:
        """Return the settings of a confluent-kafka client, for your own producers and consumers, too."""
        given = {name.removeprefix("STOPLINE_KAFKA_").lower(): text for name, text in self.kafka_settings.items()}
        named = {name: given[ours] for ours, name in _LIBRDKAFKA.items() if ours in given}
        if given.get("check_hostname", "").lower() == "false":
            named["ssl.endpoint.identification.algorithm"] = "none"
        if "sasl.username" in named:
            named.setdefault("sasl.mechanism", "SCRAM-SHA-512")
        return {"bootstrap.servers": self.kafka_bootstrap, "log_level": _QUIET, **named}


_QUIET = 2
"""Of syslog's levels: librdkafka would write to the terminal that a stack which was stopped cannot be reached."""
_LIBRDKAFKA = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_username": "sasl.username",
    "sasl_password": "sasl.password",
    "ca_file": "ssl.ca.location",
    "certificate_file": "ssl.certificate.location",
    "key_file": "ssl.key.location",
    "key_password": "ssl.key.password",
}
