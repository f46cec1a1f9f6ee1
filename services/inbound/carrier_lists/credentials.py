"""Credentials of carriers whose API is of use for their opt-outs alone."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from services.inbound.poll.api_keys import ApiCredential, ApiUrl


class TelnyxApiCredential(ApiCredential):
    """An API key of a Telnyx account."""

    base_url: ApiUrl = "https://api.telnyx.com"
    api_key: Annotated[SecretStr, Field(min_length=8)]

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.api_key.get_secret_value()}"}


class AwsApiCredential(ApiCredential):
    """An access key of an AWS account with rights to the opt-out lists of one region."""

    access_key_id: Annotated[str, Field(min_length=1)]
    secret_access_key: Annotated[SecretStr, Field(min_length=8)]
    region: Annotated[str, Field(pattern="^[a-z0-9-]+$")]

    @model_validator(mode="before")
    @classmethod
    def _is_of_a_region(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "base_url" in given:
            return given
        return {**given, "base_url": f"https://sms-voice.{given.get('region')}.amazonaws.com"}

    def headers(self) -> Mapping[str, str]:
        """Return none: each request is signed by itself."""
        return {}
