"""AWS End User Messaging SMS, version 2: `SendTextMessage`; `Context` brings our id back in its events.

An opt-out of its own covers every number that uses the same opt-out list.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import (
    Blocked,
    CallResult,
    CarrierAdapter,
    CarrierResponse,
    HttpCall,
    Refused,
)
from services.sender.carriers.requests import given
from services.sender.carriers.responses import (
    NOT_ALLOWED_SECONDS,
    fields_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast,
)
from shared.aws_signature import AwsKey, signed_headers
from shared.events.outbound import MessageRequested

_OPTED_OUT = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
# Its API answers all of these with the status 400: what is wrong is in the type alone.
_NOT_ALLOWED = (
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "ServiceQuotaExceededException",
    "UnrecognizedClientException",
)
_THROTTLED = "ThrottlingException"
"""The request was denied for its pace; AWS's own clients repeat it."""


class AwsAdapter(CarrierAdapter):
    """The adapter of AWS End User Messaging."""

    answers_stop_itself: ClassVar[bool] = True

    aws_region: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    aws_url: Annotated[str, Field(pattern="^(https?://.*)?$")] = ""
    aws_access_key_id: Annotated[str, Field(min_length=1)]
    aws_secret_access_key: Annotated[SecretStr, Field(min_length=8)]
    aws_message_type: Literal["PROMOTIONAL", "TRANSACTIONAL"] = "PROMOTIONAL"
    aws_configuration_set: str = ""
    aws_opt_out_list: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        url = self.aws_url.rstrip("/") or f"https://sms-voice.{self.aws_region}.amazonaws.com"
        message = {
            "DestinationPhoneNumber": request.phone,
            "OriginationIdentity": request.sender_number,
            "MessageBody": request.body,
            "MessageType": self.aws_message_type,
            "ConfigurationSetName": self.aws_configuration_set,
            "Context": {"message_id": request.message_id},
        }
        body = json.dumps(given(message)).encode()
        headers = {
            "Host": urlsplit(url).netloc,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage",
        }
        secret = self.aws_secret_access_key.get_secret_value()
        key = AwsKey(self.aws_access_key_id, secret, self.aws_region, "sms-voice")
        return HttpCall(f"{url}/", signed_headers(key, headers, body, datetime.now(UTC)), body)

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if is_success(response):
            return taken(response, fields.get("MessageId"))
        kind = text_of(fields.get("__type")).rpartition("#")[2]
        reason = text_of(fields.get("Message") or fields.get("message"))
        if fields.get("Reason") == _OPTED_OUT:
            return Blocked(_OPTED_OUT, reason, self.aws_opt_out_list or None)
        result = result_by_status(response, kind, reason)
        if kind == _THROTTLED:
            return too_fast(result)
        if kind in _NOT_ALLOWED and isinstance(result, Refused):
            return Refused(result.reason, NOT_ALLOWED_SECONDS)
        return result
