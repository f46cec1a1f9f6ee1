"""The events of each topic, read from the unions that the services read with."""

from dataclasses import dataclass
from typing import get_args

from shared.events.anchor import AnchorPublished
from shared.events.base import Event
from shared.events.delivery import AnyDeliveryEvent
from shared.events.inbound import AnyInboundEvent
from shared.events.opt_out import AnyOptOutEvent
from shared.events.outbound import AnyOutboundEvent
from shared.events.reception import AnyReceptionEvent
from shared.events.suppression import AnySuppressionEvent
from shared.topics import (
    DELIVERY_EVENTS,
    EVIDENCE_ANCHORS,
    INBOUND_MESSAGES,
    INBOUND_STATUS,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    SUPPRESSIONS,
)

PHONE_KEY = "the phone in E.164"


@dataclass(frozen=True)
class TopicContract:
    """The events of a topic, and how they are keyed."""

    name: str
    description: str
    key: str
    events: tuple[type[Event], ...]
    ours_to_write: bool
    """False where producers of others write it, and Stopline reads."""


CONTRACTS = (
    TopicContract(
        INBOUND_MESSAGES,
        "What recipients, gateways and reviewers say, and the sender's fence markers. Placed by Java's murmur2 of the phone."
        " A link's events have no phone: they are in the partition that their token names. All phones of a record for many"
        " are of its partition.",
        f"{PHONE_KEY}, of many the first; the token for those of links; none for fence_marker_appended",
        get_args(AnyInboundEvent),
        ours_to_write=True,
    ),
    TopicContract(
        OPT_OUT_EVENTS,
        "Who left which list or came back, and why; for anyone to follow. Written in transactions: read committed.",
        PHONE_KEY,
        get_args(AnyOptOutEvent),
        ours_to_write=True,
    ),
    TopicContract(
        SUPPRESSIONS,
        "Whom a sender may not message, and what its gate asks of messages; compacted. Written in transactions: read"
        " committed.",
        "account_id|scope|phone for suppression_changed; !changes|cause_event_id|scope for suppressions_changed; !settings|account_id and !list|account_id|list_id for what the"
        " gate asks; !watermark and !checkpoint for the two others",
        get_args(AnySuppressionEvent),
        ours_to_write=True,
    ),
    TopicContract(
        OUTBOUND_MESSAGES,
        "What a business asks to be sent, or not to be sent any more, from any Kafka client, with any partitioner and with"
        " or without a key.",
        f"{PHONE_KEY}, or none",
        get_args(AnyOutboundEvent),
        ours_to_write=False,
    ),
    TopicContract(
        DELIVERY_EVENTS,
        "What became of each outbound message; for anyone to follow. Placed by Java's murmur2 of the key.",
        f"{PHONE_KEY}; the carrier's or our id of the message where no phone is known",
        get_args(AnyDeliveryEvent),
        ours_to_write=True,
    ),
    TopicContract(
        INBOUND_STATUS,
        "Whether what recipients write reaches Stopline: heartbeats of the inbound service, and how far accounts are caught up"
        " with at their gateways; compacted.",
        "reception|instance_id for reception_confirmed, catch-up|account_id|gateway for catch_up_completed",
        get_args(AnyReceptionEvent),
        ours_to_write=True,
    ),
    TopicContract(
        EVIDENCE_ANCHORS,
        "The ends of the record's hash chains, to compare the record with. Written in transactions: read committed.",
        "none; partition p is about the chain of partition p",
        (AnchorPublished,),
        ours_to_write=True,
    ),
)


def event_name(event: type[Event]) -> str:
    """Return the name of the event's files and messages, such as `message_requested.v1`."""
    return f"{event.model_fields['type'].default}.v{event.model_fields['version'].default}"


def all_events() -> list[type[Event]]:
    return [event for contract in CONTRACTS for event in contract.events]
