"""An account in figures, from bounded queries, remembered for some seconds.

Of a large account only the newest decisions, lists and campaigns are looked at: what a page shows must not cost more
the longer an account exists.
"""

import asyncio
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.postgres import Pool, connection_from

MAX_DECISIONS = 2_000
MAX_LISTS = 10
MAX_CAMPAIGNS = 10
MAX_COUNTED = 1_000_000
KEPT_SECONDS = 10.0
_SHARE = 0.05
"""Of the time, at most, that the database counts for an account whose figures somebody looks at all the time."""
_FAILED_SECONDS = 1.0
_FAILED_SHARE = 0.2
_MOST_SECONDS = 300.0
_MAX_KEPT = 1_000
_QUERY_SECONDS = 10.0

# The newest decisions of an account: how long opt-outs by reply took, and which campaigns they answered.
NEWEST = f"""
WITH newest AS MATERIALIZED (
    SELECT decided_at, CASE WHEN entry LIKE '%"answer":"opt_out"%'
        THEN replace(entry, '\\u0000', '\\ufffd')::jsonb END AS entry
    FROM (
        SELECT decided_at, entry FROM decisions WHERE account_id = $1 AND erasure_id IS NULL
        ORDER BY decided_at DESC, event_id DESC LIMIT {MAX_DECISIONS}
    ) AS of_account
), replies AS (
    SELECT entry ->> 'message_id' AS message_id,
        1000 * extract(epoch FROM decided_at - (entry ->> 'received_at')::timestamptz) AS milliseconds
    FROM newest WHERE entry IS NOT NULL AND entry -> 'request' = 'null'
), of_campaigns AS (
    SELECT m.campaign_id, count(*) AS opted_out FROM replies r
    JOIN messages m ON m.account_id = $1 AND m.message_id = r.message_id AND m.campaign_id IS NOT NULL
    GROUP BY m.campaign_id
)
SELECT (SELECT count(*) FROM newest) AS decisions, (SELECT count(*) FROM replies) AS replies,
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) FROM replies) AS p50_ms,
    (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY milliseconds) FROM replies) AS p99_ms,
    (SELECT coalesce(json_object_agg(campaign_id, opted_out), '{{}}') FROM of_campaigns) AS of_campaigns
"""  # noqa: S608 (no value from outside)

# The newest lists, each counted up to a limit, from indexes alone. `gone`: who opted out and is no longer on the list.
LISTS = f"""
SELECT l.list_id, l.name, stopped.opted_out, stopped.gone,
    (SELECT count(*) FROM (
        SELECT FROM contacts c WHERE c.list_id = l.list_id AND c.removed_at IS NULL LIMIT {MAX_COUNTED}) AS present
    ) AS contacts
FROM contact_lists l CROSS JOIN LATERAL (
    SELECT count(*) AS opted_out, count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM contacts c WHERE c.list_id = l.list_id AND c.phone = s.phone AND c.removed_at IS NULL)) AS gone
    FROM (
        SELECT phone FROM suppressions
        WHERE account_id = $1 AND scope = 'list:' || l.list_id AND state <> 'opted_in' LIMIT {MAX_COUNTED}
    ) AS s
) AS stopped
WHERE l.account_id = $1 AND l.kind = 'contacts' AND l.deleted_at IS NULL
ORDER BY l.list_id DESC LIMIT {MAX_LISTS}
"""  # noqa: S608 (no value from outside)
CAMPAIGNS = f"""
SELECT campaign_id, name, state, requested_count FROM campaigns
WHERE account_id = $1 ORDER BY campaign_id DESC LIMIT {MAX_CAMPAIGNS}
"""  # noqa: S608 (no value from outside)
HELD = """
SELECT count(*) FROM (SELECT FROM suppressions WHERE account_id = $1 AND state = 'held' LIMIT 1000) AS held
"""


@dataclass(slots=True)
class _Kept:
    """The figures of an account, or the error of reading them, until they are read again."""

    reading: "asyncio.Future[dict[str, Any]]"
    until: float = math.inf

    def keep(self, began: float, now: float) -> None:
        """Note that they were read, and keep them for longer the longer that took."""
        failed = self.reading.cancelled() or self.reading.exception() is not None
        least, share = (_FAILED_SECONDS, _FAILED_SHARE) if failed else (KEPT_SECONDS, _SHARE)
        self.until = now + min(max(least, (now - began) / share), _MOST_SECONDS)


class StatisticsCache:
    """The figures of accounts, each read by one query at a time, whoever asks."""

    def __init__(self, pool: Pool, seconds: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._seconds = seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def find(self, account_id: str) -> dict[str, Any]:
        """Return the figures, which are a few seconds old; of an account that takes long to count, older."""
        kept = self._kept.get(account_id)
        if kept is None or kept.until < self._seconds():
            kept = self._begin(account_id)
        return await asyncio.shield(kept.reading)

    def _begin(self, account_id: str) -> _Kept:
        began = self._seconds()
        kept = _Kept(asyncio.ensure_future(self._read(account_id)))
        kept.reading.add_done_callback(lambda _: kept.keep(began, self._seconds()))
        self._kept[account_id] = kept
        self._kept.move_to_end(account_id)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _read(self, account_id: str) -> dict[str, Any]:
        async with connection_from(self._pool, _QUERY_SECONDS) as database, database.transaction(readonly=True):
            newest = await database.fetchrow(NEWEST, account_id, timeout=_QUERY_SECONDS)
            lists = await database.fetch(LISTS, account_id, timeout=_QUERY_SECONDS)
            campaigns = await database.fetch(CAMPAIGNS, account_id, timeout=_QUERY_SECONDS)
            held = await database.fetchval(HELD, account_id, timeout=_QUERY_SECONDS)
        return shown_statistics(newest, lists, campaigns, held)


def shown_statistics(newest: Any, lists: Sequence[Any], campaigns: Sequence[Any], held: int) -> dict[str, Any]:
    """Return the figures as they are answered, without the partitions, which are not the account's."""
    answered = json.loads(newest["of_campaigns"])
    return {
        "decisions": newest["decisions"],
        "held": held,
        "effect": {
            "replies": newest["replies"],
            "p50_ms": _rounded(newest["p50_ms"]),
            "p99_ms": _rounded(newest["p99_ms"]),
        },
        "lists": [dict(row) for row in lists],
        "campaigns": [
            {
                "campaign_id": row["campaign_id"],
                "name": row["name"],
                "state": row["state"],
                "requested": row["requested_count"],
                "opted_out": answered.get(str(row["campaign_id"]), 0),
            }
            for row in campaigns
        ],
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(float(milliseconds), 1)
