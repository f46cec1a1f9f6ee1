"""ClickSend: inbound SMS (the "URL" action of an inbound rule) and SMS delivery receipts, as form or JSON.

Fields as ClickSend posts them, its older names beside the newer: `from` (`sms`), `to`, `body` (`message`),
`message_id`, `timestamp` (Unix seconds), `original_message_id` (`originalmessageid`), `original_body`
(`originalmessage`), `custom_string` (`customstring`), `originalsenderid`, `user_id`, `subaccount_id`; of receipts
`message_id`, `status_code`, `status_text`, `error_code`, `error_text`, `custom_string`, `timestamp`,
`timestamp_send`, `message_type`, `user_id`, `subaccount_id`.

| ClickSend's             | in the model of a reply      | in the model of a receipt |
|-------------------------|------------------------------|---------------------------|
| `message_id`            | `gateway_message_id`         | `carrier_message_id`      |
| `original_message_id`   | `replied_carrier_message_id` |                           |
| `custom_string`         | `replied_message_id`: ours   | `message_id`: ours        |

A message of ours is sent with our `message_id` as its `custom_string`.
"""

from typing import ClassVar

from pydantic import AliasChoices, Field

from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, ReportedMessage, ReportedReceipt

# help.clicksend.com, "List of SMS gateway error codes": 200 is queued or sent, 201 delivered to the handset, 300 failed
# for now and tried again by ClickSend, 301 failed or cancelled; 302 is a failure in the older list.
_FAILED = "301"
_STATUS: dict[str, ReceiptStatus] = {"201": "delivered", _FAILED: "failed", "302": "failed"}
_UNSUBSCRIBED = "21610"  # the code that ClickSend passes on from a network that has an opt-out on record
_CUSTOM_STRING = AliasChoices("custom_string", "customstring")


class ClickSendMessage(ReportedMessage):
    gateway: ClassVar[str] = "clicksend"
    # ClickSend writes a plus sign; digits alone are what a customer's own number or a relay wrote.
    always_international: ClassVar[bool] = False

    from_text: str = Field(validation_alias=AliasChoices("from", "sms"))
    body: str = Field("", validation_alias=AliasChoices("body", "message"))
    to: str | None = Field(None, validation_alias=AliasChoices("to", "originalsenderid"))
    gateway_message_id: str | None = Field(None, validation_alias="message_id")
    sent_at: str | None = Field(None, validation_alias="timestamp")
    replied_message_id: str | None = Field(None, validation_alias=_CUSTOM_STRING)
    replied_carrier_message_id: str | None = Field(
        None, validation_alias=AliasChoices("original_message_id", "originalmessageid")
    )
    replied_body: str | None = Field(None, validation_alias=AliasChoices("original_body", "originalmessage"))


class ClickSendReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "clicksend"

    carrier_message_id: str = Field(min_length=1, validation_alias="message_id")
    status_code: str = Field(min_length=1)
    error_code: str = ""
    status_text: str = ""
    error_text: str = ""
    message_id: str | None = Field(None, validation_alias=_CUSTOM_STRING)
    to: str | None = None

    def carrier_block(self) -> CarrierBlock | None:
        is_blocked = self.status_code == _FAILED and self.error_code == _UNSUBSCRIBED
        return CarrierBlock(self.error_code) if is_blocked else None

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = " ".join(filter(None, (self.status_code, self.error_code, self.status_text, self.error_text)))
        return _STATUS.get(self.status_code, "pending"), words
