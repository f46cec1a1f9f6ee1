"""Whether messages may be sent, as the record is now: an early answer for whoever sends; the sender's fence decides.

A message of a list is forbidden by an opt-out of that list, of its sender number or of the account. One without a list
is the default list's, and forbidden by more (decision 34): by every opt-out of a list that is sent from its number, of
a list that nothing was sent to yet, and by every one that was written to its number. Where its number was not named,
any opt-out forbids it. What is held forbids like an opt-out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shared.postgres import Connection


class Asked(NamedTuple):
    """A message that is asked about."""

    phone: str
    sender_number: str
    list_id: int
    has_list: bool
    is_number_named: bool


# The first suppression that forbids each message; messages that may be sent have no row.
FORBIDDEN = """
SELECT DISTINCT ON (asked.place) asked.place, s.scope
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::boolean[]) WITH ORDINALITY
    AS asked (phone, sender_number, list_id, has_list, is_number_named, place)
JOIN suppressions s ON s.account_id = $1 AND s.phone = asked.phone AND s.state <> 'opted_in'
WHERE s.scope IN ('account', 'sender:' || asked.sender_number, 'list:' || asked.list_id)
    OR NOT asked.has_list AND (
        NOT asked.is_number_named
        OR s.sender_number = asked.sender_number
        OR s.scope LIKE 'list:%' AND (
            EXISTS (
                SELECT FROM lists_of_senders l WHERE l.account_id = $1 AND l.sender_number = asked.sender_number
                    AND s.scope = 'list:' || l.list_id)
            OR NOT EXISTS (
                SELECT FROM lists_of_senders l WHERE l.account_id = $1 AND s.scope = 'list:' || l.list_id)
        )
    )
ORDER BY asked.place, s.scope
"""


async def forbidden(connection: Connection, account_id: str, asked: Sequence[Asked]) -> dict[int, str]:
    """Return, by its place in `asked`, the scope of the opt-out that forbids a message."""
    if not asked:
        return {}
    rows = await connection.fetch(FORBIDDEN, account_id, *map(list, zip(*asked, strict=True)))
    return {row["place"] - 1: row["scope"] for row in rows}
