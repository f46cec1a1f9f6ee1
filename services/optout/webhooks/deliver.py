"""Calls customers' addresses, beside the pipeline and never in its way; tried again, and given up visibly."""

import asyncio
import json
import logging
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import asyncpg

from services.optout import metrics
from services.optout.record.connection import AWAY, Connection, Pool, connection_of
from services.optout.webhooks.addresses import HTTPS_PORTS, PublicResolver, public_connector
from services.optout.webhooks.sign import signatures, signing_secret

log = logging.getLogger(__name__)

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 28_800, 86_400))
"""Then the delivery has failed."""
CALL_SECONDS = 15.0
AT_ONCE = 20
_EVERY_SECONDS = 1.0
_AFTER_A_BUG_SECONDS = 30.0
_GONE = 410
_OK = range(200, 300)
_CLAIMED_FOR = timedelta(seconds=60)

# Claims what is due: whoever calls has a minute; a process that dies in it leaves it to another.
CLAIM = """
UPDATE webhook_deliveries w SET attempts = w.attempts + 1, next_attempt_at = now() + $2
FROM (
    SELECT delivery_id FROM webhook_deliveries WHERE state = 'pending' AND next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due
WHERE w.delivery_id = due.delivery_id
RETURNING w.delivery_id, w.account_id, w.url, w.webhook_type, w.body, w.attempts
"""

# Notes how a call ended; `next_attempt_at` counts only where it is to be tried again.
NOTE = """
UPDATE webhook_deliveries SET state = $2, last_error = $3, next_attempt_at = now() + $4 WHERE delivery_id = $1
"""


class Deliverer:
    """Delivers what is due until cancelled.

    Args:
        pool: connections of the API.
        webhook_keys: of which accounts' signing secrets are derived; a call is signed with each.
        ports: that are called, and no other.
    """

    def __init__(self, pool: Pool, webhook_keys: Sequence[str], ports: Collection[int] = HTTPS_PORTS) -> None:
        self._pool = pool
        self._webhook_keys = webhook_keys
        self._ports = ports

    async def run(self) -> None:
        connector = public_connector(PublicResolver(), self._ports, AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            while True:
                try:
                    while await self.deliver_due(http) == AT_ONCE:
                        continue
                except AWAY as error:
                    log.info("webhooks wait for Postgres: %r", error)
                except Exception:  # what works beside the pipeline must not end it; who waits is called later
                    log.exception("webhooks are not delivered")
                    await asyncio.sleep(_AFTER_A_BUG_SECONDS)
                await asyncio.sleep(_EVERY_SECONDS)

    async def deliver_due(self, http: aiohttp.ClientSession) -> int:
        """Call what is due, `AT_ONCE` at most; return how many there were."""
        async with connection_of(self._pool) as connection:
            due = await connection.fetch(CLAIM, AT_ONCE, _CLAIMED_FOR)
        errors = await asyncio.gather(*(self._call(http, row) for row in due))
        async with connection_of(self._pool) as connection:
            for row, error in zip(due, errors, strict=True):
                await _note(connection, row, error)
        return len(due)

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
            told = f"{type(error).__name__}: {error.__cause__ or error}"[:500]
            # What a stranger's server answered may hold what Postgres cannot keep.
            return told.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")


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
