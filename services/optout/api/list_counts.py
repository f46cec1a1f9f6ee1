"""The numbers of contacts on lists, and of those of them who get nothing: counted when they are asked for."""

from collections.abc import Sequence
from typing import Any

from services.optout.api.errors import ApiError
from shared.postgres import Connection

_COUNT_SECONDS = 10.0

# The contacts of some lists that have a phone.
CONTACTS = """
SELECT list_id, count(*) AS contacts FROM contacts
WHERE list_id = ANY($1::bigint[]) AND removed_at IS NULL AND phone IS NOT NULL GROUP BY list_id
"""

# Of those, the ones who have opted out of the list or of the account, and those who are held.
STOPPED = """
SELECT list_id, count(*) FILTER (WHERE is_opted_out) AS opted_out, count(*) FILTER (WHERE NOT is_opted_out) AS held
FROM (
    SELECT c.list_id, c.contact_id, bool_or(s.state = 'opted_out') AS is_opted_out
    FROM suppressions s JOIN contacts c ON c.account_id = $1 AND c.phone = s.phone
    WHERE s.account_id = $1 AND s.state <> 'opted_in' AND c.list_id = ANY($2::bigint[]) AND c.removed_at IS NULL
        AND (s.scope = 'account' OR s.scope = 'list:' || c.list_id)
    GROUP BY c.list_id, c.contact_id
) AS stopped GROUP BY list_id
"""

# How many opt-outs the opt-out list shows.
OPT_OUTS = """
SELECT count(*) FILTER (WHERE state = 'opted_out') AS opted_out, count(*) FILTER (WHERE state = 'held') AS held
FROM suppressions WHERE account_id = $1 AND (is_opt_out OR state = 'held')
"""
_OPT_OUT_LIST = "SELECT list_id FROM contact_lists WHERE account_id = $1 AND kind = 'opt_outs'"


async def count_contacts(database: Connection, account_id: str, list_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return the counts of an account's lists; the opt-out list's are of its opt-outs.

    Raises:
        ApiError: there are too many contacts to count them now.
    """
    try:
        return await _counted(database, account_id, list_ids)
    except TimeoutError:
        message = "counts: there are too many contacts to count them now; leave it out"
        raise ApiError(422, "too_many", message, "counts") from None


async def _counted(database: Connection, account_id: str, list_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = {each: {"contacts": 0, "opted_out": 0, "held": 0} for each in list_ids}
    async with database.transaction(readonly=True):
        contacts = await database.fetch(CONTACTS, list_ids, timeout=_COUNT_SECONDS)
        stopped = await database.fetch(STOPPED, account_id, list_ids, timeout=_COUNT_SECONDS)
        opt_out_list = await database.fetchval(_OPT_OUT_LIST, account_id)
        if opt_out_list in counts:
            row: Any = await database.fetchrow(OPT_OUTS, account_id, timeout=_COUNT_SECONDS)
            counts[opt_out_list] = {"contacts": row["opted_out"] + row["held"], **row}
    for row in (*contacts, *stopped):
        if row["list_id"] != opt_out_list:
            counts[row["list_id"]] |= {name: value for name, value in row.items() if name != "list_id"}
    return counts
