"""Where an SMSC is, and who binds to it."""

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

MAX_PASSWORD_CHARACTERS = 64
"""The standard has 8; many SMSCs take more."""
_ASCII = r"^[\x21-\x7e]*$"
SystemId = Annotated[str, Field(min_length=1, max_length=15, pattern=_ASCII)]
SmppPassword = Annotated[SecretStr, Field(max_length=MAX_PASSWORD_CHARACTERS)]
SystemType = Annotated[str, Field(max_length=12, pattern=_ASCII)]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
EnquireSeconds = Annotated[float, Field(ge=1, le=600)]


class SmppAddress(BaseModel):
    """The address of an SMSC, and the credentials of a bind; `password` has the characters of ASCII."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host
    port: Port = 2775
    system_id: SystemId
    password: SmppPassword
    system_type: SystemType = ""
    tls: bool = False
    """Whether the connection is TLS from its first byte; SMPP has nothing that turns it on later."""
    tls_ca_file: Path | None = None
    """Authorities that may sign the SMSC's certificate, as PEM; None: those of the system."""
    tls_check_hostname: bool = True
    enquire_link_seconds: EnquireSeconds = 30
    """How often the connection is checked."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not self.password.get_secret_value().isascii() or "\0" in self.password.get_secret_value():
            raise ValueError("password: SMPP carries ASCII only")
        if self.tls_ca_file is not None and not self.tls:
            raise ValueError("tls_ca_file: not used without tls")
        _ = self.tls_context()
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context of a new connection; None without TLS.

        Raises:
            ValueError: the file cannot be read, or has no certificate.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=None if self.tls_ca_file is None else str(self.tls_ca_file))
        except OSError as error:
            raise ValueError(f"tls_ca_file: {self.tls_ca_file}: {error.strerror or error}") from None
        context.check_hostname = self.tls_check_hostname
        return context
