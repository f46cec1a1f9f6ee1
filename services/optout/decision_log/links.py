"""The messages that opt-out links were sent with."""

from collections.abc import Sequence

from services.optout.clicks import SentLink
from shared.postgres import Connection

_LINKS = """
SELECT token, account_id, message_id, list_id, phone, sender_number FROM opt_out_links WHERE token = ANY($1::text[])
"""


async def load_links(connection: Connection, tokens: Sequence[str]) -> dict[str, SentLink]:
    """Return the links that are known, by their tokens."""
    return {token: SentLink(*rest) for token, *rest in await connection.fetch(_LINKS, list(set(tokens)))}
