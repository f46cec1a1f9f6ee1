"""SMPP 3.4: what an SMSC delivers, as the process `services.inbound.smpp` has read it; there is no webhook.

A recipient's message has no time, and no id but where the SMSC adds `receipted_message_id`. A receipt names the message
in `receipted_message_id`, or in its text: `id:… stat:DELIVRD err:000`.
"""

from typing import ClassVar

from pydantic import Field

from services.inbound.gateways.reported import CarrierBlock, ReceiptStatus, ReportedMessage, ReportedReceipt

# SMPP 3.4, section 5.2.28: by number in the parameter `message_state`, by word in the text of appendix B.
_STATES: dict[str, ReceiptStatus] = {
    **dict.fromkeys(("2", "DELIVRD"), "delivered"),
    **dict.fromkeys(("3", "EXPIRED", "4", "DELETED", "5", "UNDELIV", "8", "REJECTD"), "failed"),
}


class SmppMessage(ReportedMessage):
    gateway: ClassVar[str] = "smpp"
    always_international: ClassVar[bool] = False  # the type of number says so, where the SMSC gives it

    from_text: str = Field(validation_alias="writer")
    body: str = ""
    to: str | None = None
    gateway_message_id: str | None = Field(None, validation_alias="message_id")
    sent_at: str | None = None
    replied_message_id: str | None = None
    replied_carrier_message_id: str | None = None
    replied_body: str | None = None
    part: str | None = None

    def part_of_text(self) -> str | None:
        return self.part


class SmppReceipt(ReportedReceipt):
    gateway: ClassVar[str] = "smpp"

    carrier_message_id: str = Field(min_length=1)
    state: str = ""
    error: str = ""
    message_id: str | None = None
    to: str | None = None
    sender: str | None = None
    is_opted_out: bool = False
    """Whether the SMSC's error is one of those that the settings name."""

    def outcome(self) -> tuple[ReceiptStatus, str]:
        words = f"{self.state} err:{self.error}" if self.error else self.state
        return _STATES.get(self.state.upper(), "pending"), words

    def carrier_block(self) -> CarrierBlock | None:
        return CarrierBlock(self.error) if self.is_opted_out and self.outcome()[0] == "failed" else None
