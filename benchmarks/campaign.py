"""A campaign: how fast a list becomes messages, next to how fast the sender sends them."""

import time
from uuid import uuid4

import asyncpg

from benchmarks.rows import Row, row
from benchmarks.sender import outcome_rate
from harness.client import ApiClient, create_account
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from services.optout.campaigns import expand
from services.optout.sending.outbound import OutboundRequests

_NUMBER = "+18335550123"
_LATENCY_SECONDS = 0.05
_ADD = """
INSERT INTO contacts (account_id, list_id, phone, fields)
SELECT $1, $2, '+1' || (6000000000 + n), jsonb_build_object('first_name', 'N' || n) FROM generate_series(1, $3) AS n
"""
_CAMPAIGN = """
INSERT INTO campaigns (account_id, list_id, name, sender_number, body, state, scheduled_at, next_step_at, total_count)
VALUES ($1, $2, 'Sale', $3, 'Hi (First Name), our offer. Reply STOP to opt out', 'scheduled', now(), now(), 0)
"""


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the rows; 100,000 recipients (3,000 in the quick form). The sender begins when all are requested."""
    count = 3_000 if quick else 100_000
    api, sender = stack.services["api"], stack.services["sender"]
    await _add_campaign(stack, count)
    await sender.stop()
    expanded = await _expanded_per_second(stack, count)
    async with SandboxClient(stack.services["sandbox"].url) as sandbox:
        await sandbox.set_faults(latency_seconds=_LATENCY_SECONDS, forget=True)
        await sender.start()
        sent = await outcome_rate(sender, "sent", count)
        await sandbox.set_faults()
    await api.start()
    return [
        row(f"a campaign to {count:,}, recipients a second", expanded, "/s", sent.per_second, "≥ 2 x the sender's pace")
    ]


async def _add_campaign(stack: Stack, count: int) -> None:
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    async with ApiClient(ends.api_url, account) as client:
        list_id = await client.create_list("everybody")
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    await stack.services["api"].stop()  # nobody else takes a step
    await connection.execute(_ADD, account.account_id, list_id, count)
    await connection.execute(_CAMPAIGN, account.account_id, list_id, _NUMBER)
    await connection.close()


async def _expanded_per_second(stack: Stack, count: int) -> float:
    """Return the pace of the steps alone: nothing settles meanwhile, so that the limit of the backlog is lifted."""
    pool = await asyncpg.create_pool(stack.backend.optout_database_url, min_size=1, max_size=2)
    settings = stack.kafka_settings()
    outbound = OutboundRequests(settings.kafka, settings.partitions)
    backlog, expand.BACKLOG = expand.BACKLOG, 2 * count
    began = time.perf_counter()
    while await expand.step(pool, outbound):
        continue
    seconds = time.perf_counter() - began
    expand.BACKLOG = backlog
    await outbound.close()
    await pool.close()
    return count / seconds
