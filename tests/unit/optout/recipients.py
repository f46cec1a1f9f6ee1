"""Makes events and persons for the tests of decisions, with sensible values for all that a test leaves out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from services.optout.recipient import Outcome, Recipient, SentMessage
from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from shared.events.inbound import MessageReceived

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PHONE = "+14155550100"
NUMBER = "+18335550123"
OTHER_NUMBER = "+18335550999"
WINDOW = timedelta(days=30)
RULES = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES)])


def reply(body: str = "STOP", **fields: Any) -> MessageReceived:
    given = {
        "event_id": uuid4(),
        "occurred_at": NOON,
        "account_id": "demo",
        "gateway": "clicksend",
        "phone": PHONE,
        "sender_number": NUMBER,
        "body": body,
    }
    return MessageReceived(**{**given, **fields})


def sent(
    list_id: int,
    minutes_ago: float = 1,
    outcome: Outcome = "sent",
    number: str = NUMBER,
    carrier_message_id: str | None = None,
) -> SentMessage:
    return SentMessage(
        f"m-{list_id}-{minutes_ago}",
        list_id,
        number,
        carrier_message_id,
        outcome,
        NOON - timedelta(minutes=minutes_ago),
    )


def who_was_sent(*messages: SentMessage) -> Recipient:
    newest_first = sorted(messages, key=lambda message: message.dispatched_at, reverse=True)
    return Recipient(sent=newest_first, window_starts_at=NOON - WINDOW)
