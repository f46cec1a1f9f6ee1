"""What the inbound service needs to know."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class InboundSettings(ServiceSettings):
    """Settings of `services/inbound`."""

    webhook_key: Annotated[SecretStr, Field(min_length=16)]
    """The key that all webhook secrets are derived from; the same as the opt-out service's."""
