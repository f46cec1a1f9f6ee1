"""The answers of `/v1` about gateways."""

from collections.abc import Sequence
from typing import Literal

from services.optout.api.answers import ShownTime, V1Answer


class ShownGateway(V1Answer):
    """A gateway that was heard from at `heard_at`.

    `answers_stop_itself` is `by_default` where its company answers STOP unless that is switched off there; in
    `took_stop_itself_at` it last reported that it had taken a reply as an opt-out by itself, at `blocked_at` that it
    blocks a number. What it lists by `caught_up_to` is here, null where nobody reads its list.
    """

    gateway: str
    heard_at: ShownTime
    answers_stop_itself: Literal["by_default", "not_known"]
    took_stop_itself_at: ShownTime | None
    blocked_at: ShownTime | None
    caught_up_to: ShownTime | None
    how_to_switch_it_off: str | None
    documentation: str


class GatewayAddress(V1Answer):
    """The addresses to set in a gateway's console; `receipts_url` is null where both kinds come to one address."""

    gateway: str
    title: str
    console: str
    webhook_url: str
    receipts_console: str | None
    receipts_url: str | None


class ShownReception(V1Answer):
    """The heartbeats of the inbound service: whether webhooks can be received, by what Kafka has acknowledged.

    `since` is when it last began to receive, null where no downtime is known.
    """

    state: Literal["receiving", "silent", "not_known"]
    confirmed_at: ShownTime | None
    since: ShownTime | None


class ShownGateways(V1Answer):
    """The gateways that were heard from; `addresses` is null for a user who may not set them."""

    gateways: Sequence[ShownGateway]
    addresses: Sequence[GatewayAddress] | None
    reception: ShownReception
