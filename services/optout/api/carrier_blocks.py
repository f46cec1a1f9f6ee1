"""Opt-ins that the API refuses, because a carrier blocks the sender number itself."""

from collections.abc import Sequence

from services.optout.api.errors import ApiError
from services.optout.carrier_blocks import BY_CARRIER
from shared.postgres import Connection

# Those of the named scopes in which a carrier blocks the phone.
BLOCKED = """
SELECT scope, gateway FROM suppressions
WHERE account_id = $1 AND phone = $2 AND scope = ANY($3::text[]) AND state = 'opted_out' AND source = $4
ORDER BY scope LIMIT 1
"""


async def refuse_blocked(
    connection: Connection, account_id: str, phone: str, scopes: Sequence[str], field: str = "scopes"
) -> None:
    """Refuse to lift what a carrier blocks; `field` is where the request names the scopes.

    Raises:
        ApiError: 409 `blocked_by_carrier`; nothing was changed.
    """
    row = await connection.fetchrow(BLOCKED, account_id, phone, list(scopes), BY_CARRIER)
    if row is None:
        return
    number = row["scope"].removeprefix("sender:")
    message = (
        f"{field}: the carrier ({row['gateway']}) itself refuses messages from {number} to this phone; only the"
        f" recipient can end that, by texting START to {number}: leave {row['scope']} out"
    )
    raise ApiError(409, "blocked_by_carrier", message, field)
