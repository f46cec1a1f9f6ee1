"""The setting by which the simulated account has its opt-outs confirmed, and a confirmation."""

from datetime import datetime
from uuid import UUID

from harness.checker.history import AccountSettingsRecord
from shared.events.inbound import MessageReceived
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished, PublishedConfirmation

CONFIRMATION = "Acme: you get no more messages."


def confirming_from(at: datetime, account_id: str) -> AccountSettingsRecord:
    event = AccountSettingsPublished(
        account_id=account_id,
        epoch="0" * 16,
        policy="reject",
        exempts_conversational=True,
        words={},
        opt_out_confirmations=(PublishedConfirmation(country="US", text=CONFIRMATION),),
    )
    return AccountSettingsRecord(at, event)


def request_to_confirm(event: MessageReceived, message_id: str, cause: UUID, list_id: int) -> MessageRequested:
    return MessageRequested(
        account_id=event.account_id,
        message_id=message_id,
        list_id=list_id,
        phone=event.phone,
        sender_number=event.sender_number or "",
        body=CONFIRMATION,
        confirms_opt_out=cause,
    )
