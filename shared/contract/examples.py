"""One example of each event, with every field filled: the golden files are made from these."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.confirmations import confirmation_digest, confirmation_id
from shared.contract.examples_of_many import examples_of_many
from shared.events.anchor import AnchorPublished
from shared.events.base import Event
from shared.events.delivery import (
    DeliveryReceiptReceived,
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
    MessageWaiting,
    RecipientErased,
    delivery_event_id,
)
from shared.events.inbound import CarrierBlocked, ErasureRequested, FenceMarkerAppended, LinkConfirmed, LinkUndone, MessageReceived, OptInRequested, OptOutRequested, ReviewDecided
from shared.events.opt_out import AnyOptOutEvent, HeldReleased, OptedIn, OptedOut, OptOutHeld
from shared.events.outbound import MessageCancelRequested, MessageRequested
from shared.events.reception import CatchUpCompleted, ReceptionConfirmed
from shared.fair_hours.sending_hours import SendingHours
from shared.events.suppression import (
    AccountSettingsPublished,
    CheckpointPublished,
    FrequencyCap,
    ListPublished,
    AllowedConfirmation,
    MarkersPassed,
    PublishedConfirmation,
    SuppressionChanged,
    WatermarkAdvanced,
)

_ACCOUNT, _MESSAGE, _CARRIER_MESSAGE = "acme", "order-4711", "4A1C9E52-3F7B-4E2A-9B57-0A4E6D1C2B33"
_FOR_HOURS = {"purpose": "transactional", "recipient_state": "US-CA", "recipient_zone": "America/Los_Angeles"}
_OFFER = {"instruction": "Your order has shipped. Reply STOP to opt out", "link_token": "4fQz0Yb7TnK", "segments": 1}
_CONFIRMATION = "Acme: you get no more messages from us. Reply LIST if you meant only these"
_TOKEN, _EPOCH = "4fQz0Yb7TnK", "3b9e1f7a2c40d586"
_LIST, _SCOPE, _PHONE, _SENDER_NUMBER = 12, "list:12", "+14155550100", "+18335550123"
_REPLY = UUID("57182351-7b4a-522c-8678-da4cc9957788")
_WROTE, _HEARD, _CHANGED = (datetime(2026, 11, 24, 11, 13, second, 250_000, tzinfo=UTC) for second in (0, 2, 3))


def examples() -> list[Event]:
    """Return the examples, of one message, the STOP that answers it and what follows."""
    messages = [*_outbound(), *_delivery(), *_undelivered()]
    return [*_inbound(), *_opt_out(), *_suppressions(), *examples_of_many(), *messages, *_others()]


def _inbound() -> list[Event]:
    return [
        MessageReceived(
            event_id=_REPLY,
            occurred_at=_HEARD,
            account_id=_ACCOUNT,
            gateway="clicksend",
            gateway_message_id="9D0C7E21-6B1E-4C55-8B0C-5E0B2B7B7A10",
            phone=_PHONE,
            readings=(_PHONE, "+414155550100"),
            written_phone="4155550100",
            sender_number=_SENDER_NUMBER,
            body="Stop, s'il vous plaît",
            replied_message_id=_MESSAGE,
            replied_carrier_message_id=_CARRIER_MESSAGE,
            replied_body="Your order has shipped. Reply STOP to opt out",
            sent_at=_WROTE,
            unusable_sent_at="24/11/2026 11:13",  # never beside a time, but an example has every field
            part="2/3 of 173",
            listed_sent_at=_WROTE,
            taken_by_carrier=True, carrier="twilio",
        ),  # fmt: skip
        ReviewDecided(
            event_id=UUID(int=5, version=5),
            occurred_at=_CHANGED,
            account_id=_ACCOUNT,
            phone=_PHONE,
            held_event_id=_REPLY,
            decision="release",
            by="ada@acme.example",
        ),
        *_requests(),
        LinkConfirmed(event_id=UUID(int=11, version=5), occurred_at=_HEARD, token=_TOKEN, all_lists=True),
        LinkUndone(event_id=UUID(int=12, version=5), occurred_at=_CHANGED, token=_TOKEN),
        FenceMarkerAppended(marker_id=UUID("0b0f2c86-6a5e-4c59-9f51-2f6f0ad5a0c4")),
    ]


def _requests() -> list[Event]:
    return [
        OptOutRequested(
            event_id=UUID(int=6, version=5),
            occurred_at=_CHANGED,
            account_id=_ACCOUNT,
            phone=_PHONE,
            scopes=(_SCOPE,),
            by="ada@acme.example",
            job_id=UUID(int=8, version=5),
            source="phone_call",
            statement="Called our hotline and asked not to be texted about offers",
            asked_at=_WROTE,
        ),
        OptInRequested(
            event_id=UUID(int=7, version=5),
            occurred_at=_CHANGED,
            account_id=_ACCOUNT,
            phone=_PHONE,
            scopes=(_SCOPE,),
            by="ada@acme.example",
            job_id=UUID(int=8, version=5),
            source="web_form",
            statement="Yes, text me offers again. Reply STOP at any time",
            consented_at=_HEARD,
            lifts=UUID(int=6, version=5),
        ),
        ErasureRequested(
            event_id=UUID(int=9, version=5),
            occurred_at=_CHANGED,
            account_id=_ACCOUNT,
            phone=_PHONE,
            pseudonym=f"erased:0f1e2d3c:{'4b' * 16}",
            reason="The recipient asked for it",
            by="ada@acme.example",
        ),
        _block(),
    ]


def _block() -> CarrierBlocked:
    return CarrierBlocked(
        event_id=UUID(int=10, version=5),
        occurred_at=_CHANGED,
        account_id=_ACCOUNT,
        gateway="twilio",
        phone=_PHONE,
        sender_numbers=(_SENDER_NUMBER, "+18335550124"),
        code="21610",
        reason="Attempt to send to unsubscribed recipient",
        message_id=_MESSAGE,
        carrier_message_id=_CARRIER_MESSAGE,
        opt_out_list="Marketing",
    )


def _opt_out() -> list[Event]:
    kinds: list[tuple[type[AnyOptOutEvent], str, str, dict[str, Any]]] = [
        (OptedOut, "", "named", {"rule_version": 0, "source": "by_hand"}),
        (OptedIn, "", "named", {"rule_version": 0, "source": "web_form"}),
        (OptOutHeld, "Somebody else's number", "last_message", {"reason": "wrong_person"}),
        (HeldReleased, "review", "account", {"by": "ada@acme.example"}),
    ]
    return [
        kind.model_validate(
            {
                "event_id": UUID(int=number, version=5),
                "occurred_at": _CHANGED,
                "account_id": _ACCOUNT,
                "phone": _PHONE,
                "scope": _SCOPE,
                "list_id": _LIST,
                "sender_number": _SENDER_NUMBER,
                "cause_event_id": _REPLY,
                "rule": rule,
                "rule_version": 1,
                "attribution": attribution,
                **more,
            }
        )
        for number, (kind, rule, attribution, more) in zip((1, 2, 21, 22), kinds, strict=True)
    ]


def _suppressions() -> list[Event]:
    return [
        SuppressionChanged(
            account_id=_ACCOUNT,
            scope=_SCOPE,
            phone=_PHONE,
            state="opted_out",
            cause_event_id=_REPLY,
            changed_at=_CHANGED,
            confirmation=AllowedConfirmation(
                message_id=confirmation_id(_REPLY),
                list_id=_LIST,
                sender_number=_SENDER_NUMBER,
                body_sha256=confirmation_digest(_CONFIRMATION),
                received_at=_HEARD,
            ),
        ),
        AccountSettingsPublished(
            account_id=_ACCOUNT,
            epoch=_EPOCH,
            policy="append",
            instruction="Reply STOP to opt out",
            exempts_conversational=False,
            words={"*": ("stop", "stop all"), _SENDER_NUMBER: ("alto",)},
            opt_out_confirmations=(
                PublishedConfirmation(
                    country="US", sender_number=_SENDER_NUMBER, text=_CONFIRMATION, asks_scope=True, list_word="list", carrier_is_silent=True
                ),
            ),
            sending_hours=SendingHours(applies_to="marketing", own={"mon-fri": "09:00-18:00"}),
            frequency_cap=FrequencyCap(messages=3, hours=24),
        ),
        ListPublished(account_id=_ACCOUNT, list_id=_LIST, epoch=_EPOCH, exists=True),
        WatermarkAdvanced(next_offset=104_730, settings_epoch=_EPOCH, settings_digest="51d0c2e98f3ab764"),
        MarkersPassed(next_offset=104_732, settings_epoch=_EPOCH),
        CheckpointPublished(next_offset=104_730, suppressed_count=1207, digest="9f3c52d1a07be846"),
    ]


def _outbound() -> list[Event]:
    return [
        MessageRequested.model_validate({
            **_about("message_requested"),
            "body": "Your order has shipped. Reply STOP to opt out",
            "requested_at": _WROTE,
            "send_at": _HEARD,
            "valid_until": _CHANGED,
            "confirms_opt_out": _REPLY,  # never in what a producer writes, but an example has every field
            **_FOR_HOURS,
        }),
        MessageCancelRequested(account_id=_ACCOUNT, message_id=_MESSAGE, requested_at=_CHANGED),
    ]


def _about(event_type: str) -> dict[str, object]:
    return {
        "event_id": delivery_event_id(_ACCOUNT, _MESSAGE, event_type),
        "occurred_at": _WROTE,
        "account_id": _ACCOUNT,
        "message_id": _MESSAGE,
        "list_id": _LIST,
        "phone": _PHONE,
        "sender_number": _SENDER_NUMBER,
    }


def _delivery() -> list[Event]:
    return [
        MessageDispatching.model_validate({**_about("message_dispatching"), "decision_started_at": _WROTE, **_OFFER, "confirms_opt_out": _REPLY}),
        MessageSent.model_validate({**_about("message_sent"), "carrier_message_id": _CARRIER_MESSAGE}),
        DeliveryReceiptReceived(
            event_id=UUID(int=3, version=5),
            occurred_at=_HEARD,
            account_id=_ACCOUNT,
            gateway="clicksend",
            carrier_message_id=_CARRIER_MESSAGE,
            message_id=_MESSAGE,
            phone=_PHONE,
            status="delivered",
            gateway_status="201 Success: Message received on handset.",
            message_reference=0x1A2B,
            block_code="21610",  # never of one that was delivered, but an example has every field
        ),
        RecipientErased(event_id=UUID(int=10, version=5), occurred_at=_HEARD, account_id=_ACCOUNT, phone=_PHONE),
    ]


def _undelivered() -> list[Event]:
    suppressed = {"scope": _SCOPE, "state": "opted_out", "decision_started_at": _CHANGED}
    return [
        MessageSuppressed.model_validate({**_about("message_suppressed"), **suppressed}),
        MessageFailed.model_validate({**_about("message_failed"), "reason": "invalid_number"}),
        MessageOutcomeUnknown.model_validate(_about("message_outcome_unknown")),
        MessageWaiting.model_validate({**_about("message_waiting"), "until": _HEARD, "reason": "send_at"}),
        MessageRejected(
            event_id=delivery_event_id(_ACCOUNT, _MESSAGE, "message_rejected"),
            occurred_at=_HEARD,
            account_id=_ACCOUNT,
            message_id=_MESSAGE,
            phone=_PHONE,
            reason="invalid",
            detail="list_id: Input should be a valid integer",
        ),
    ]


def _others() -> list[Event]:
    head_hash = "9f2d7a0c4be1865530c2f0f3ad67e2115ad0a3d5cb0c2f7d1a84b6e9007d31cc"
    return [
        AnchorPublished(partition=3, sequence=4711, head_hash=head_hash, next_offset=90210, anchored_at=_CHANGED),
        ReceptionConfirmed(instance_id="inbound-1-5f0c2e1a", since=_WROTE, confirmed_at=_HEARD),
        CatchUpCompleted(account_id=_ACCOUNT, gateway="clicksend", complete_to=_WROTE, completed_at=_HEARD),
    ]
