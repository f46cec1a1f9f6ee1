"""The evidence (G8): the record's own entries about a phone, each with what is needed to check it."""

import hashlib
from typing import Any

from fastapi import APIRouter

from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import SPELLINGS, PhoneFilter
from services.optout.api.request_limits import GuardedRoute
from services.optout.record.entry import Entry, entries
from services.optout.record.link import follows

# A phone's entries after a given place, under all its spellings, each with the hash of the entry before it in its
# partition.
EVIDENCE = f"""
SELECT d.partition, d.sequence, d.phone, d.body, d.entry, d.hash, coalesce((
    SELECT p.hash FROM decisions p WHERE p.partition = d.partition AND p.inbound_offset < d.inbound_offset
    ORDER BY p.inbound_offset DESC LIMIT 1), '') AS previous_hash
FROM decisions d
WHERE d.account_id = $1 AND d.phone IN ({SPELLINGS}) AND (d.sequence, d.partition) > ($3, $4)
ORDER BY d.sequence, d.partition LIMIT $5
"""  # noqa: S608 (no value from outside)

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/evidence", dependencies=[Fresh])
async def read_evidence(
    account_id: CallerAccountId,
    database: Database,
    phone: PhoneFilter,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    if phone is None:
        raise ApiError(422, "invalid", "phone: say whose evidence, such as ?phone=%2B14155550100", "phone")
    sequence, partition = keys_after(after, 0, 0)
    rows, shown = await fetch_page(database, EVIDENCE, account_id, phone, sequence, partition, limit=limit)
    return {"phone": phone, **page("entries", rows, shown, _shown, "sequence", "partition")}


def _shown(row: Any) -> dict[str, Any]:
    """Return an entry as it is chained: `hash` is the SHA-256 of `previous_hash` and the SHA-256 of `entry`."""
    entry = entries.validate_json(row["entry"])
    return {
        "partition": row["partition"],
        "sequence": row["sequence"],
        "entry": row["entry"],
        "body": row["body"],
        "previous_hash": row["previous_hash"].hex(),
        "hash": row["hash"].hex(),
        "previous_sequence": entry.previous_sequence,
        "intact": _is_intact(row, entry),
    }


def _is_intact(row: Any, entry: Entry) -> bool:
    recorded = (entry.phone, entry.body_sha256)
    return bool(
        follows(row["hash"], row["previous_hash"], row["entry"])
        and recorded == (row["phone"], hashlib.sha256(row["body"].encode()).hexdigest())
    )
