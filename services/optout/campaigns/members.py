"""The members of a list that a campaign is for: active ones, each phone once, those who were there when it started."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.postgres import Connection

MAX_RECIPIENTS = 1_000_000

# Contact `c` of list $2 of account $1 may be messaged from number $3: it is not opted out or held for the list, the
# number or the account. The sender's fence decides it again, for every message.
_MAY_GET = """
c.list_id = $2 AND c.removed_at IS NULL AND c.phone IS NOT NULL AND NOT EXISTS (
    SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone AND s.state <> 'opted_in'
        AND s.scope IN ('account', 'list:' || $2::bigint, 'sender:' || $3::text))
AND EXISTS (SELECT FROM contact_lists l WHERE l.list_id = $2 AND l.deleted_at IS NULL)
"""

COUNT = f"""
SELECT count(*) FROM (SELECT DISTINCT c.phone FROM contacts c WHERE {_MAY_GET} LIMIT {MAX_RECIPIENTS + 1}) AS phones
"""  # noqa: S608 (no value from outside)

# The list, locked against those who add to it: none comes back while somebody does. Ids are given before contacts can
# be seen, so that an import which ends later could have smaller ids than what the list has now.
LOCK_LIST = "SELECT list_id FROM contact_lists WHERE list_id = $1 FOR UPDATE SKIP LOCKED"
LAST = "SELECT coalesce(max(contact_id), 0) FROM contacts WHERE list_id = $1 AND removed_at IS NULL"

# Members after a given one, up to another; of several contacts with one phone the first.
NEXT = f"""
SELECT c.contact_id, c.phone, c.fields FROM contacts c
WHERE {_MAY_GET} AND c.contact_id > $4 AND c.contact_id <= $5 AND NOT EXISTS (
    SELECT FROM contacts before
    WHERE before.list_id = $2 AND before.phone = c.phone AND before.removed_at IS NULL
        AND before.contact_id < c.contact_id)
ORDER BY c.contact_id LIMIT $6
"""  # noqa: S608 (no value from outside)


class Audience(NamedTuple):
    """A list, and the number from which it is messaged."""

    account_id: str
    list_id: int
    sender_number: str


class Member(NamedTuple):
    """A contact that a campaign is for."""

    contact_id: int
    phone: str
    fields: Mapping[str, Any]


async def count_members(connection: Connection, audience: Audience) -> int:
    """Return how many phones would get a message now, counted up to one more than `MAX_RECIPIENTS`."""
    count: int = await connection.fetchval(COUNT, *audience)
    return count


async def last_contact_id(connection: Connection, list_id: int) -> int | None:
    """Return the greatest id of the list's contacts; None while an import or somebody else adds to the list."""
    if await connection.fetchval(LOCK_LIST, list_id) is None:
        return None
    last: int = await connection.fetchval(LAST, list_id)
    return last


async def next_members(connection: Connection, audience: Audience, after: int, until: int, limit: int) -> list[Member]:
    """Return up to `limit` members with ids after `after` and up to `until`, by id."""
    rows = await connection.fetch(NEXT, *audience, after, until, limit)
    return [Member(row["contact_id"], row["phone"], json.loads(row["fields"])) for row in rows]
