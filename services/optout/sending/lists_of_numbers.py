"""Which lists are sent from which number: noted before a message is published, and from what every producer sends.

An opt-out of one of them forbids a message without a list from that number (decision 34).
"""

from collections.abc import Iterable
from typing import NamedTuple

from shared.postgres import Connection

ADD = """
INSERT INTO lists_of_senders (account_id, sender_number, list_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ON CONFLICT DO NOTHING
"""


class ListOfNumber(NamedTuple):
    """A list that is sent from a number of the account."""

    account_id: str
    sender_number: str
    list_id: int


async def add_lists(connection: Connection, lists: Iterable[ListOfNumber]) -> None:
    """Note the lists; in one order for all, so that two that do so at once wait for each other and no more."""
    ordered = sorted(set(lists))
    if ordered:
        await connection.execute(ADD, *zip(*ordered, strict=True))
