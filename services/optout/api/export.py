"""A list as CSV: its members who have not opted out, read page by page when the file is fetched."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from services.optout.api.opt_out_entries import ENTRIES
from services.optout.contact_columns import COLUMNS
from shared.csv_cells import harmless
from shared.postgres import Pool, connection_from
from shared.scopes import ACCOUNT, list_scope

_ROWS = 2_000

# Members of the list after a given id who have not opted out of it or of the account; some of them may be held.
LEFT_AFTER = """
SELECT c.contact_id, c.phone, c.fields, EXISTS (
    SELECT FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = c.phone AND s.scope IN ($4, $5) AND s.state = 'held') AS is_held
FROM contacts c
WHERE c.list_id = $2 AND c.removed_at IS NULL AND c.contact_id > $3 AND NOT EXISTS (
    SELECT FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = c.phone AND s.scope IN ($4, $5) AND s.state = 'opted_out')
ORDER BY c.contact_id LIMIT $6
"""

OPT_OUTS_AFTER = f"{ENTRIES} AND s.suppression_id > $2 ORDER BY s.suppression_id LIMIT $3"
_KIND = "SELECT kind FROM contact_lists WHERE list_id = $1"


async def exported(pool: Pool, account_id: str, list_id: int, *, with_status: bool = False) -> AsyncIterator[bytes]:
    """Give the list as CSV: UTF-8 with a mark, which spreadsheets need.

    With `status` as its last column: `active`, `held` (to be messaged as little as who has opted out), `opted_out`.
    """
    columns = [*COLUMNS, "status"] if with_status else list(COLUMNS)
    yield b"\xef\xbb\xbf" + csv_lines([columns])
    async with connection_from(pool) as connection:
        is_opt_outs = await connection.fetchval(_KIND, list_id) == "opt_outs"
    after = 0
    while True:
        async with connection_from(pool) as connection:
            if is_opt_outs:
                rows = await connection.fetch(OPT_OUTS_AFTER, account_id, after, _ROWS)
            else:
                scopes = list_scope(list_id), ACCOUNT
                rows = await connection.fetch(LEFT_AFTER, account_id, list_id, after, *scopes, _ROWS)
        if not rows:
            return
        after = rows[-1]["contact_id"]
        yield csv_lines([_row(each, columns) for each in rows])


def _row(contact: Any, columns: Sequence[str]) -> list[str]:
    is_held = contact.get("is_held")
    status = "opted_out" if is_held is None else "held" if is_held else "active"
    fields = {**json.loads(contact["fields"]), "phone": contact["phone"], "status": status}
    return [harmless(str(value)) if (value := fields.get(name)) is not None else "" for name in columns]


def csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
