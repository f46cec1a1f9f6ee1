"""The frequency caps of accounts, as they are now: how often an account messages one recipient."""

from collections.abc import Sequence

from shared.events.suppression import FrequencyCap
from shared.postgres import Connection

_CAPS = """
SELECT account_id, frequency_cap FROM accounts WHERE account_id = ANY($1::text[]) AND frequency_cap IS NOT NULL
"""


async def load_frequency_caps(connection: Connection, account_ids: Sequence[str]) -> dict[str, FrequencyCap]:
    """Return the cap of each of the accounts that has one."""
    rows = await connection.fetch(_CAPS, list(account_ids))
    return {row["account_id"]: FrequencyCap.model_validate_json(row["frequency_cap"]) for row in rows}
