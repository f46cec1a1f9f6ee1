"""SMPP 3.4: the settings of an SMSC that messages are submitted to; `services.sender.carriers.smpp_client` calls it."""

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, Json, ValidationError, model_validator

from services.sender.carriers.carrier import CarrierSettings
from shared.secret_rules import none_where_empty
from shared.smpp.address import EnquireSeconds, Host, Port, SmppAddress, SmppPassword, SystemId, SystemType
from shared.smpp.alphabets import DefaultAlphabet
from shared.smpp.message_ids import WrittenAs

_OCTET = Field(ge=0, le=255)
_Statuses = Annotated[
    Json[frozenset[Annotated[int, Field(ge=1, le=0xFFFFFFFF)]]],
    BeforeValidator(lambda given: given if isinstance(given, str) else json.dumps(given)),  # of an account: no text
]
MOST_SEGMENTS = 255


class SmppSettings(CarrierSettings):
    """The settings of an SMSC."""

    smpp_host: Host
    smpp_port: Port = 2775
    smpp_system_id: SystemId
    smpp_password: SmppPassword
    smpp_system_type: SystemType = ""
    smpp_tls: bool = False
    smpp_tls_ca_file: Annotated[Path | None, BeforeValidator(none_where_empty)] = None
    smpp_tls_check_hostname: bool = True
    smpp_enquire_link_seconds: EnquireSeconds = 30
    smpp_window: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Messages that wait for their response at once: what the SMSC allows for a bind."""
    smpp_default_alphabet: DefaultAlphabet = "gsm"
    """What the SMSC takes `data_coding` 0 for."""
    smpp_max_segments: Annotated[int, Field(ge=1, le=MOST_SEGMENTS)] = 10
    smpp_service_type: Annotated[str, Field(max_length=5, pattern=r"^[\x21-\x7e]*$")] = ""
    smpp_short_code_ton: Annotated[int, _OCTET] = 3
    """Network specific, as most SMSCs want it."""
    smpp_short_code_npi: Annotated[int, _OCTET] = 0
    smpp_message_ids: WrittenAs = "text"
    """How the ids in responses are written."""
    smpp_opted_out_statuses: _Statuses = Field(default="[]", validate_default=True)
    """The SMSC's own statuses for a recipient who has opted out with it, as JSON."""

    @cached_property
    def address(self) -> SmppAddress:
        """Where the SMSC is, with the credentials."""
        return SmppAddress(
            host=self.smpp_host,
            port=self.smpp_port,
            system_id=self.smpp_system_id,
            password=self.smpp_password,
            system_type=self.smpp_system_type,
            tls=self.smpp_tls,
            tls_ca_file=self.smpp_tls_ca_file,
            tls_check_hostname=self.smpp_tls_check_hostname,
            enquire_link_seconds=self.smpp_enquire_link_seconds,
        )

    @model_validator(mode="after")
    def _address_can_be_used(self) -> Self:
        try:
            _ = self.address
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise ValueError(f"STOPLINE_SMPP: {first['msg'].removeprefix('Value error, ')}") from None
        return self
