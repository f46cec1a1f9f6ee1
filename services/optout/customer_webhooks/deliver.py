"""Calls customers' addresses; tried again, and given up visibly. A slow address of one account holds up no other's."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import asyncpg

from services.optout.api import metrics
from services.optout.customer_webhooks.addresses import HTTPS_PORTS, PublicResolver, public_connector
from services.optout.customer_webhooks.sign import signatures, signing_secret
from shared.errors import TransientError
from shared.postgres import Connection, Pool, connection_from

log = logging.getLogger(__name__)

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 28_800, 86_400))
"""Then the delivery has failed."""
CALL_SECONDS = 15.0
AT_ONCE = 200
PER_ACCOUNT = 4
SLOW_SECONDS = 5.0
"""Whose address took longer last time has one call at a time, until it is quick again."""
_MAX_SLOW = 10_000
_EVERY_SECONDS = 1.0
_AFTER_A_BUG_SECONDS = 30.0
_GONE = 410
_OK = range(200, 300)
_CLAIMED_FOR = timedelta(seconds=60)

# Claims what is due, of every account its first before any account's second: who has a backlog holds up nobody. Of
# an account, calls about replies come before those about receipts, of which a campaign makes many. An account is found
# by its first row, without reading the others. Whoever calls has a minute; a process that dies in it leaves it to
# another.
CLAIM = """
WITH RECURSIVE waiting AS (
    SELECT (SELECT min(account_id) FROM webhook_deliveries WHERE state = 'pending') AS account_id
    UNION ALL
    SELECT (SELECT min(w.account_id) FROM webhook_deliveries w
            WHERE w.state = 'pending' AND w.account_id > waiting.account_id)
    FROM waiting WHERE account_id IS NOT NULL
), due AS (
    SELECT first.delivery_id FROM waiting
    LEFT JOIN unnest($3::text[], $4::int[]) AS known (account_id, allowed) USING (account_id)
    CROSS JOIN LATERAL (
        SELECT delivery_id, next_attempt_at, row_number() OVER (ORDER BY is_receipt, next_attempt_at) AS place
        FROM (VALUES (false), (true)) AS kind (is_receipt) CROSS JOIN LATERAL (
            SELECT delivery_id, next_attempt_at FROM webhook_deliveries w
            WHERE w.account_id = waiting.account_id AND w.is_receipt = kind.is_receipt
                AND state = 'pending' AND next_attempt_at <= now()
            ORDER BY next_attempt_at LIMIT coalesce(known.allowed, $5)
        ) due_of_kind
        ORDER BY place LIMIT coalesce(known.allowed, $5)
    ) first
    ORDER BY first.place, first.next_attempt_at LIMIT $1
)
UPDATE webhook_deliveries w SET attempts = w.attempts + 1, next_attempt_at = now() + $2
FROM due WHERE w.delivery_id = due.delivery_id AND w.state = 'pending' AND w.next_attempt_at <= now()
RETURNING w.delivery_id, w.account_id, w.url, w.webhook_type, w.body, w.attempts
"""

# Notes how a call ended; `next_attempt_at` counts only where it is to be tried again.
NOTE = """
UPDATE webhook_deliveries SET state = $2, last_error = $3, next_attempt_at = now() + $4 WHERE delivery_id = $1
"""


class Deliverer:
    """The calls of this process: `AT_ONCE` at most, and of one account `PER_ACCOUNT`.

    Args:
        pool: connections of the API.
        webhook_keys: of which accounts' signing secrets are derived; a call is signed with each.
        ports: that are called, and no other.
    """

    def __init__(self, pool: Pool, webhook_keys: Sequence[str], ports: Collection[int] = HTTPS_PORTS) -> None:
        self._pool = pool
        self._webhook_keys = webhook_keys
        self._ports = ports
        self._calls: set[asyncio.Task[None]] = set()
        self._under_way: Counter[str] = Counter()
        self._slow: set[str] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        connector = public_connector(PublicResolver(), self._ports, AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            try:
                while True:
                    await self._start_due(http)
                    await self._wait()
            finally:
                for call in self._calls:
                    call.cancel()

    async def _start_due(self, http: aiohttp.ClientSession) -> None:
        try:
            while await self.start_due(http):
                continue
        except TransientError as error:
            log.info("webhooks wait for Postgres: %r", error)
        except Exception:  # what works beside the API must not end it; who waits is called later
            log.exception("webhooks are not delivered")
            await asyncio.sleep(_AFTER_A_BUG_SECONDS)

    async def _wait(self) -> None:
        """Wait until a call has ended, which makes room, or until it is time to look again."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(_EVERY_SECONDS)

    async def deliver_due(self, http: aiohttp.ClientSession) -> int:
        """Call what is due and there is room for, wait for the answers, and return how many there were."""
        started = await self.start_due(http)
        await asyncio.gather(*started)
        return len(started)

    async def start_due(self, http: aiohttp.ClientSession) -> list["asyncio.Task[None]"]:
        """Begin to call what is due and there is room for."""
        room = AT_ONCE - len(self._calls)
        if room <= 0:
            return []
        known = {*self._under_way, *self._slow}
        allowed = [max(0, self._limit(account_id) - self._under_way[account_id]) for account_id in known]
        async with connection_from(self._pool) as connection:
            due = await connection.fetch(CLAIM, room, _CLAIMED_FOR, list(known), allowed, PER_ACCOUNT)
        return [self._start(http, row) for row in due]

    def _limit(self, account_id: str) -> int:
        return 1 if account_id in self._slow else PER_ACCOUNT

    def _start(self, http: aiohttp.ClientSession, row: asyncpg.Record) -> "asyncio.Task[None]":
        self._under_way[row["account_id"]] += 1
        call = asyncio.create_task(self._deliver(http, row), name="webhook")
        self._calls.add(call)
        call.add_done_callback(lambda ended: self._end(ended, row["account_id"]))
        return call

    def _end(self, call: "asyncio.Task[None]", account_id: str) -> None:
        self._calls.discard(call)
        self._under_way[account_id] -= 1
        if not self._under_way[account_id]:
            del self._under_way[account_id]
        error = None if call.cancelled() else call.exception()
        if error is not None:
            log.warning("a webhook's outcome could not be noted, it is called again: %r", error)

    async def _deliver(self, http: aiohttp.ClientSession, row: asyncpg.Record) -> None:
        began = time.monotonic()
        error = await self._call(http, row)
        if time.monotonic() - began > SLOW_SECONDS and len(self._slow) < _MAX_SLOW:
            self._slow.add(row["account_id"])
        else:
            self._slow.discard(row["account_id"])
        async with connection_from(self._pool) as connection:
            await _note(connection, row, error)

    async def _call(self, http: aiohttp.ClientSession, row: asyncpg.Record) -> str | None:
        """Return why it did not work; None if it did."""
        body, content_type = _encoded(row["webhook_type"], json.loads(row["body"]))
        webhook_id, timestamp = str(row["delivery_id"]), int(time.time())
        secrets = [signing_secret(key, row["account_id"]) for key in self._webhook_keys]
        headers = {
            "content-type": content_type,
            "user-agent": "Stopline",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(secrets, webhook_id, timestamp, body),
        }
        try:
            async with http.post(row["url"], data=body, headers=headers, allow_redirects=False) as answer:
                return None if answer.status in _OK else f"answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = f"{type(error).__name__}: {error.__cause__ or error}"[:500]
            # What a stranger's server answered may hold what Postgres cannot keep.
            return failure.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")


def _encoded(webhook_type: str, fields: dict[str, Any]) -> tuple[bytes, str]:
    if webhook_type == "json":
        return json.dumps(fields).encode(), "application/json"
    given = {name: value for name, value in fields.items() if value is not None}
    return urlencode(given).encode(), "application/x-www-form-urlencoded"


async def _note(connection: Connection, row: asyncpg.Record, error: str | None) -> None:
    if error is None:
        state, after = "delivered", timedelta(0)
    elif row["attempts"] > len(RETRY_AFTER) or error == f"answered {_GONE}":
        state, after = "failed", timedelta(0)
    else:
        state, after = "pending", RETRY_AFTER[row["attempts"] - 1]
    metrics.WEBHOOKS.labels("delivered" if error is None else "failed" if state == "failed" else "retried").inc()
    await connection.execute(NOTE, row["delivery_id"], state, error, after)
