"""Messages without a result, found by what a receipt has in place of our id: its recipient and 16 bits of the id."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from services.sender.ledger.model import MessageKey
from shared.postgres import Connection
from shared.smpp.references import reference_of

_MOST_ROWS = 10_000
_WITHOUT_RESULT_OF_PHONES = f"""
SELECT account_id, phone, message_id FROM messages
JOIN unnest($1::text[], $2::text[]) AS wanted (account_id, phone) USING (account_id, phone)
WHERE state = 'unknown'
UNION ALL
SELECT account_id, phone, message_id FROM messages
JOIN unnest($1::text[], $2::text[]) AS wanted (account_id, phone) USING (account_id, phone)
WHERE state = 'dispatching'
LIMIT {_MOST_ROWS}
"""  # noqa: S608 (no value from outside)


class Referred(NamedTuple):
    """A message of a receipt's: its account, its recipient, and `shared.smpp.references.reference_of` it."""

    account_id: str
    phone: str
    reference: int


async def find_by_reference(connection: Connection, wanted: Sequence[Referred]) -> dict[Referred, MessageKey]:
    """Return the messages whose call has no result; none where several messages have the same reference."""
    recipients = list(dict.fromkeys((each.account_id, each.phone) for each in wanted))
    rows = await connection.fetch(
        _WITHOUT_RESULT_OF_PHONES, [account_id for account_id, _ in recipients], [phone for _, phone in recipients]
    )
    found: dict[Referred, list[MessageKey]] = defaultdict(list)
    for account_id, phone, message_id in rows:
        found[Referred(account_id, phone, reference_of(account_id, message_id))].append((account_id, message_id))
    return {each: found[each][0] for each in wanted if len(found[each]) == 1}
