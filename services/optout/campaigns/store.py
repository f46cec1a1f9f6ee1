"""Campaigns in Postgres. Whoever changes one locks its row: nothing is published once a pause was answered."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.optout.campaigns.campaign import COLUMNS, Campaign, CampaignState
from shared.events.outbound import Purpose
from shared.postgres import Connection

MAX_UNFINISHED = 1_000
"""Of one account."""

# Locks the account: of two requests with one key, the second finds the campaign of the first.
_LOCK_ACCOUNT = "SELECT FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE"
_BY_KEY = f"""
SELECT {COLUMNS}, c.request_sha256 FROM campaigns c WHERE c.account_id = $1 AND c.idempotency_key = $2
"""  # noqa: S608 (no value from outside)
_UNFINISHED = """
SELECT count(*) FROM campaigns WHERE account_id = $1 AND state IN ('scheduled', 'running', 'paused')
"""
_ADD = f"""
INSERT INTO campaigns AS c (account_id, subaccount_id, list_id, name, sender_number, body, given, idempotency_key,
    request_sha256, state, scheduled_at, next_step_at, total_count, purpose)
VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, 'scheduled', coalesce($10, now()), coalesce($10, now()), $11, $12)
RETURNING {COLUMNS}
"""  # noqa: S608 (no value from outside)
_ONE = f"""
SELECT {COLUMNS} FROM campaigns c WHERE c.account_id = $1 AND c.campaign_id = $2
"""  # noqa: S608 (no value from outside)
_AFTER = f"""
SELECT {COLUMNS} FROM campaigns c WHERE c.account_id = $1 AND c.campaign_id > $2 ORDER BY c.campaign_id LIMIT $3
"""  # noqa: S608 (no value from outside)
_BEFORE = f"""
SELECT {COLUMNS} FROM campaigns c WHERE c.account_id = $1 AND c.campaign_id < $2 ORDER BY c.campaign_id DESC LIMIT $3
"""  # noqa: S608 (no value from outside)
_SET_STATE = f"""
UPDATE campaigns AS c SET state = $2, updated_at = now(), next_step_at = greatest(c.scheduled_at, now()),
    ended_at = CASE WHEN $2 IN ('cancelled', 'done') THEN now() END
WHERE c.campaign_id = $1 RETURNING {COLUMNS}
"""  # noqa: S608 (no value from outside)
_CHANGE = f"""
UPDATE campaigns AS c SET list_id = $2, name = $3, sender_number = $4, body = $5, scheduled_at = coalesce($6, now()),
    next_step_at = coalesce($6, now()), total_count = $7, purpose = $8, updated_at = now()
WHERE c.campaign_id = $1 RETURNING {COLUMNS}
"""  # noqa: S608 (no value from outside)


class OtherRequestError(Exception):
    """The idempotency key belongs to a campaign with other content."""


class TooManyCampaignsError(Exception):
    """The account has as many unfinished campaigns as it may."""


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign to be added, or what one that is scheduled is changed to."""

    account_id: str
    subaccount_id: int
    list_id: int
    name: str
    sender_number: str
    body: str
    scheduled_at: datetime | None
    """None: at once."""
    given: Mapping[str, Any]
    purpose: Purpose = "marketing"

    def sha256(self) -> bytes:
        """Return what distinguishes it from a request with other content."""
        when = self.scheduled_at and self.scheduled_at.isoformat()
        asked = [self.list_id, self.name, self.sender_number, self.body, when, self.given]
        if self.purpose != "marketing":  # else as before the field existed: older keys keep their meaning
            asked.append(self.purpose)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()


async def find(connection: Connection, new: NewCampaign, key: str) -> Campaign | None:
    """Return the campaign that was made with this idempotency key; locks the account until the transaction ends.

    Raises:
        OtherRequestError: it was made for another request.
    """
    await connection.execute(_LOCK_ACCOUNT, new.account_id)
    row = await connection.fetchrow(_BY_KEY, new.account_id, key)
    if row is None:
        return None
    if row["request_sha256"] != new.sha256():
        raise OtherRequestError
    return Campaign.of(row)


async def add(connection: Connection, new: NewCampaign, total_count: int, key: str | None) -> Campaign:
    """Add a campaign; it starts when its time has come.

    Raises:
        TooManyCampaignsError: the account has `MAX_UNFINISHED`.
    """
    if await connection.fetchval(_UNFINISHED, new.account_id) >= MAX_UNFINISHED:
        raise TooManyCampaignsError
    what = new.list_id, new.name, new.sender_number, new.body, json.dumps(new.given)
    keyed = key, new.sha256(), new.scheduled_at, total_count, new.purpose
    return Campaign.of(await connection.fetchrow(_ADD, new.account_id, new.subaccount_id, *what, *keyed))


async def read(connection: Connection, account_id: str, campaign_id: int, *, lock: bool = False) -> Campaign | None:
    """Return a campaign of the account; with `lock`, nobody else changes it until the transaction ends."""
    row = await connection.fetchrow(f"{_ONE} FOR UPDATE" if lock else _ONE, account_id, campaign_id)
    return None if row is None else Campaign.of(row)


async def set_state(connection: Connection, campaign: Campaign, state: CampaignState) -> Campaign:
    """Return the campaign in its new state."""
    return Campaign.of(await connection.fetchrow(_SET_STATE, campaign.campaign_id, state))


async def change(connection: Connection, campaign_id: int, new: NewCampaign, total_count: int) -> Campaign:
    """Return the campaign with other content."""
    what = new.list_id, new.name, new.sender_number, new.body, new.scheduled_at, total_count, new.purpose
    return Campaign.of(await connection.fetchrow(_CHANGE, campaign_id, *what))


async def read_after(connection: Connection, account_id: str, campaign_id: int, limit: int) -> Sequence[Any]:
    """Return the rows of the account's campaigns after one."""
    return await connection.fetch(_AFTER, account_id, campaign_id, limit)


async def read_before(connection: Connection, account_id: str, campaign_id: int, limit: int) -> Sequence[Any]:
    """Return the rows of the account's campaigns before one, newest first."""
    return await connection.fetch(_BEFORE, account_id, campaign_id, limit)


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """A choice of an account's campaigns: conditions in SQL about `c`, with their values from $2 on, and an order."""

    account_id: str
    where: str
    values: Sequence[object]
    order: str


async def read_page(
    connection: Connection, chosen: CampaignFilter, offset: int, limit: int
) -> tuple[list[Campaign], int]:
    """Return a page of campaigns, and how many there are."""
    where = f"FROM campaigns c WHERE c.account_id = $1{chosen.where}"
    page = f"SELECT {COLUMNS} {where} ORDER BY {chosen.order}, c.campaign_id OFFSET {offset} LIMIT {limit}"
    values = chosen.account_id, *chosen.values
    rows = await connection.fetch(page, *values)
    return [Campaign.of(row) for row in rows], await connection.fetchval(f"SELECT count(*) {where}", *values)
