"""The accounts' reach policies, read for each batch: they are few, and the next reply is decided by a new one."""

from collections import defaultdict
from collections.abc import Sequence

from services.optout.policies import SHIPPED, OwnPolicy, ReachPolicies, ShippedPolicy
from shared.postgres import Connection

MAX_POLICIES = 500
"""Versions of one account."""

_POLICIES = """
SELECT account_id, version, country, reach, valid_from, postpones, postponed_until FROM reach_policies
WHERE account_id = ANY($1::text[])
"""


async def load_policies(
    connection: Connection, account_ids: Sequence[str], shipped: Sequence[ShippedPolicy] = SHIPPED
) -> dict[str, ReachPolicies]:
    """Return each account's policies as they are now, with all versions that it ever made, and the `shipped` ones."""
    own: dict[str, list[OwnPolicy]] = defaultdict(list)
    for account_id, *fields in await connection.fetch(_POLICIES, account_ids):
        own[account_id].append(OwnPolicy(*fields))
    return {account_id: ReachPolicies(own[account_id], shipped) for account_id in account_ids}
