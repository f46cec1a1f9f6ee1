"""A campaign as it is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from services.optout.campaigns.members import Audience
from shared.events.outbound import Purpose

CampaignState = Literal["scheduled", "running", "paused", "cancelled", "done"]

COLUMNS = """
c.campaign_id, c.account_id, c.subaccount_id, c.list_id, c.name, c.sender_number, c.body, c.given, c.state,
c.scheduled_at, c.created_at, c.started_at, c.ended_at, c.total_count, c.until_contact_id, c.last_contact_id,
c.requested_count, c.skipped_count, c.purpose
"""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A text to everybody on a list.

    Attributes:
        given: what ClickSend's clients send along and get back.
        total_count: how many members it is for: as of its making, then of its start.
        until_contact_id: members when it started have no greater id; None before.
        last_contact_id: who has a greater id is still to come.
        requested_count: of messages that were published to the sender.
        skipped_count: of members whose personalised text was empty or too long.
        purpose: for the hours at which its messages may leave.
    """

    campaign_id: int
    account_id: str
    subaccount_id: int | None
    list_id: int
    name: str
    sender_number: str
    body: str
    given: Mapping[str, Any]
    state: CampaignState
    scheduled_at: datetime
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    total_count: int
    until_contact_id: int | None
    last_contact_id: int
    requested_count: int
    skipped_count: int
    purpose: Purpose

    @classmethod
    def of(cls, row: Any) -> Self:
        fields = {name: row[name] for name in cls.__slots__}
        return cls(**fields | {"given": json.loads(row["given"])})

    @property
    def audience(self) -> Audience:
        return Audience(self.account_id, self.list_id, self.sender_number)
