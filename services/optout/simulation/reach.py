"""Finds who would get less if opt-outs reached as far as policies say: from present opt-outs, lists and messages."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from services.optout.policies import PolicyReach, ReachPolicies
from shared.phones.country import country_of_phone
from shared.postgres import Connection

RECIPIENTS_AT_ONCE = 1_000

# The recipients who left lists by replies, or may have, in the order of their phones.
_LEFT = """
SELECT phone, (array_agg(scope ORDER BY scope))[1:100] AS scopes FROM suppressions
WHERE account_id = $1 AND phone > $2 AND state <> 'opted_in' AND source IS NULL AND scope LIKE 'list:%'
GROUP BY phone ORDER BY phone LIMIT $3
"""
# The lists that each still gets messages of, as a contact or by what was sent lately; those that a number sends that
# the recipient wrote to, or with `everything` all.
_WOULD_STOP = """
SELECT asked.phone, got.list_id, l.name
FROM unnest($2::text[], $3::boolean[]) AS asked (phone, everything)
CROSS JOIN LATERAL (
    SELECT list_id FROM contacts WHERE account_id = $1 AND phone = asked.phone AND removed_at IS NULL
    UNION SELECT list_id FROM sent_messages WHERE account_id = $1 AND phone = asked.phone AND outcome <> 'failed'
) got
LEFT JOIN contact_lists l ON l.account_id = $1 AND l.list_id = got.list_id
WHERE l.deleted_at IS NULL AND l.kind IS DISTINCT FROM 'opt_outs'
    AND NOT EXISTS (
        SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = asked.phone AND s.state <> 'opted_in'
            AND s.scope IN ('account', 'list:' || got.list_id))
    AND (asked.everything OR EXISTS (
        SELECT FROM suppressions s
        JOIN lists_of_senders o ON o.account_id = $1 AND o.sender_number = s.sender_number AND o.list_id = got.list_id
        WHERE s.account_id = $1 AND s.phone = asked.phone AND s.state <> 'opted_in' AND s.source IS NULL
            AND s.scope LIKE 'list:%'))
ORDER BY asked.phone, got.list_id
"""


class StoppedList(NamedTuple):
    """A list whose messages a recipient would not get any more; `name` is None where only its messages are known."""

    list_id: int
    name: str | None


@dataclass(frozen=True, slots=True)
class AffectedRecipient:
    """A recipient who would get less; `left` are the lists' scopes that they opted out of."""

    phone: str
    country: str | None
    left: tuple[str, ...]
    reach: PolicyReach
    stops: tuple[StoppedList, ...]


@dataclass(frozen=True, slots=True)
class ExaminedRecipients:
    """A number of recipients who have opted out, in the order of their phones; after the last, `last_phone` is None."""

    examined: int
    affected: tuple[AffectedRecipient, ...]
    last_phone: str | None


@dataclass(slots=True)
class AffectedCounts:
    """The counts of who would get less, over all recipients that were examined."""

    examined: int = 0
    recipients: int = 0
    of_lists: Counter[StoppedList] = field(default_factory=Counter)

    def add(self, found: ExaminedRecipients) -> None:
        self.examined += found.examined
        self.recipients += len(found.affected)
        self.of_lists.update(stopped for affected in found.affected for stopped in affected.stops)


async def examine(
    database: Connection, account_id: str, policies: ReachPolicies, at: datetime, after_phone: str
) -> ExaminedRecipients:
    """Return who of the next recipients would get less if replies `at` that time were decided by `policies`."""
    rows = await database.fetch(_LEFT, account_id, after_phone, RECIPIENTS_AT_ONCE)
    scopes = {row["phone"]: tuple(row["scopes"]) for row in rows}
    reaches = await asyncio.to_thread(_wider, policies, at, list(scopes))
    everything = [reach.reach == "account" for reach in reaches.values()]
    stopped = await database.fetch(_WOULD_STOP, account_id, list(reaches), everything) if reaches else []
    affected = tuple(
        AffectedRecipient(
            phone,
            country_of_phone(phone),
            scopes[phone],
            reaches[phone],
            tuple(StoppedList(row["list_id"], row["name"]) for row in of_phone),
        )
        for phone, of_phone in groupby(stopped, key=lambda row: str(row["phone"]))
    )
    return ExaminedRecipients(len(rows), affected, rows[-1]["phone"] if len(rows) == RECIPIENTS_AT_ONCE else None)


def _wider(policies: ReachPolicies, at: datetime, phones: Sequence[str]) -> dict[str, PolicyReach]:
    """Return the reach for each phone where it is more than the lists."""
    found = {phone: policies.reach_for(phone, at) for phone in phones}
    return {phone: reach for phone, reach in found.items() if reach.reach != "list"}
