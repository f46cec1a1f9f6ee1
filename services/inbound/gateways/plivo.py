"""Plivo: inbound messages and message statuses, as forms.

Messages are signed in its V2 scheme, over the URL without its query and a nonce: **the body is not signed**, and what
was once signed can be sent again with another body, so the secret in the address stays the proof that counts. Its V3
scheme, where the headers have it, covers the fields too and is checked instead. There is no timestamp; a repetition is
recognised by its `MessageUUID`. Plivo joins long texts itself, and writes numbers without a plus sign.
"""

from typing import ClassVar

from pydantic import Field

from services.inbound.fields import Fields
from services.inbound.gateways.credentials import CredentialType, GatewayCredential, SharedSecret
from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, Report, ReportedMessage, ReportedReceipt
from services.inbound.gateways.request import GatewayRequest
from services.inbound.gateways.signatures import form_pairs, hmac_base64, pairs, same

# plivo.com/docs/messaging/api/message/message-status-callbacks
_STATUS: dict[str, ReceiptStatus] = {
    "delivered": "delivered",
    "read": "delivered",
    "failed": "failed",
    "undelivered": "failed",
    "rejected": "failed",
}
_OPTED_OUT = "200"
"""Plivo's error 200: the source number is blocked by a STOP from the destination number."""


class PlivoCredential(GatewayCredential):
    """The auth token of a Plivo account or subaccount."""

    auth_token: SharedSecret

    async def has_signed(self, request: GatewayRequest) -> bool:
        token = self.auth_token.get_secret_value()
        for version, content in (("v3", _signed_v3), ("v2", _signed_v2)):
            given = _signatures(request, version)
            if given:
                nonce = request.headers.get(f"x-plivo-signature-{version}-nonce", "")
                signed = content(request, nonce)
                if signed is None:
                    return False
                expected = hmac_base64(token, signed.encode(), "sha256")
                return any(same(expected, each) for each in given)
        return False


def _signatures(request: GatewayRequest, version: str) -> list[str]:
    """Return those made with the token of the account, and of its main account; V3 may have several of each."""
    names = (f"x-plivo-signature-{version}", f"x-plivo-signature-ma-{version}")
    return [each.strip() for name in names for each in request.headers.get(name, "").split(",") if each.strip()]


def _signed_v2(request: GatewayRequest, nonce: str) -> str:
    return request.url.partition("?")[0] + nonce


def _signed_v3(request: GatewayRequest, nonce: str) -> str | None:
    """Return the URL with its sorted query, the sorted fields of the form, and the nonce; None where they are none."""
    url, _, text = request.url.partition("?")
    parameters, fields = pairs(text), form_pairs(request)
    if parameters is None or fields is None:
        return None
    query = "&".join(f"{name}={value}" for name, value in sorted(parameters))
    form = "".join(name + value for name, value in sorted(fields))
    question = "?" if query or form else ""
    dot = "." if query and form else ""
    return f"{url}{question}{query}{dot}{form}.{nonce}"


class PlivoMessage(ReportedMessage):
    gateway: ClassVar[str] = "plivo"
    always_international: ClassVar[bool] = True
    credential: ClassVar[CredentialType] = PlivoCredential
    answers_in_xml: ClassVar[bool] = True
    repeats_until_accepted: ClassVar[bool] = True

    from_text: str = Field(validation_alias="From")
    body: str = Field("", validation_alias="Text")
    to: str | None = Field(None, validation_alias="To")
    gateway_message_id: str | None = Field(None, validation_alias="MessageUUID")
    sent_at: str | None = None
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None

    @classmethod
    def reports(cls, fields: Fields) -> list[Report]:
        """Return the message; or the receipt, if that came to the address of messages: it has a status and no text."""
        return [Report(PlivoReceipt if "Status" in fields and "Text" not in fields else cls, fields)]


class PlivoReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "plivo"
    credential: ClassVar[CredentialType] = PlivoCredential
    answers_in_xml: ClassVar[bool] = True
    repeats_until_accepted: ClassVar[bool] = True

    carrier_message_id: str = Field(min_length=1, validation_alias="MessageUUID")
    status: str = Field(min_length=1, validation_alias="Status")
    error_code: str = Field("", validation_alias="ErrorCode")
    message_id: str | None = None
    to: str | None = Field(None, validation_alias="To")
    sender: str | None = Field(None, validation_alias="From")
    pool: str | None = Field(None, validation_alias="PowerpackUUID")

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status, self.error_code)))
        return _STATUS.get(self.status.lower(), "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        is_blocked = self.error_code == _OPTED_OUT and self.outcome()[0] == "failed"
        return CarrierBlock(self.error_code) if is_blocked else None
