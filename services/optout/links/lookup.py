"""The lookup of a link when its page is opened: whose message it was in, and what its recipient gets by now.

There is one query at a time; what is asked for meanwhile is in the next one. So a campaign's clicks cost Postgres one
query each few milliseconds, however many there are.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg

from services.optout.clicks import UNDO_WINDOW, may_be_undone
from services.optout.links.limits import DATABASE_CONNECTIONS, LOOKUP_SECONDS, LOOKUPS_WAITING
from services.optout.requests import BY_NOBODY
from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, DatabaseAddress, Pool, close_pool, connection_from, open_pool_to_read
from shared.scopes import ACCOUNT, is_of_sender

_LINKS = """
SELECT l.token, l.phone, coalesce(a.name, l.account_id) AS name,
    s.scope, s.state, s.source, s.sender_number, s.sent_at, s.untimed_at
FROM opt_out_links l
LEFT JOIN accounts a USING (account_id)
LEFT JOIN suppressions s ON s.account_id = l.account_id AND s.phone = l.phone
    AND s.scope IN ('account', 'list:' || l.list_id, 'sender:' || l.sender_number)
WHERE l.token = ANY($1::text[])
"""


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link that was sent: the account's name, and what its recipient has opted out of.

    That is the message's list, or the account. What may yet be released, what nobody asked for and what holds for one
    sender number does not count: whoever reads that it is done does not press the button. `may_undo`: that was done
    here, a short while ago. `phone` says where a click is appended, and is shown to nobody.
    """

    account_name: str
    is_out: bool = False
    is_out_of_all: bool = False
    may_undo: bool = False
    phone: str | None = field(default=None, repr=False, compare=False)


class LinkTable:
    """The links, read with short deadlines: a page without a name is better than none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: dict[str, asyncio.Future[KnownLink | Exception | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, token: str) -> KnownLink | None:
        """Return what is known; None: nobody was sent this link.

        Raises:
            TransientError: Postgres is unavailable, or too many wait for it.
        """
        if len(self._asked) >= LOOKUPS_WAITING:
            raise TransientError(f"{len(self._asked)} lookups wait for Postgres already")
        answer = self._asked.setdefault(token, asyncio.get_running_loop().create_future())
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="looking up links")
        found = await asyncio.shield(answer)  # others may wait for the same answer
        if isinstance(found, Exception):
            raise found
        return found

    async def _read(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            found = await self._found(list(asked))
            for token, answer in asked.items():
                answer.set_result(found if isinstance(found, Exception) else found.get(token))
        self._reading = None

    async def _found(self, tokens: Sequence[str]) -> dict[str, KnownLink] | Exception:
        try:
            async with asyncio.timeout(LOOKUP_SECONDS), connection_from(self._pool, LOOKUP_SECONDS) as connection:
                return known_links(await connection.fetch(_LINKS, tokens), datetime.now(UTC))
        except (TimeoutError, asyncpg.PostgresError, *POSTGRES_UNAVAILABLE) as error:
            return TransientError(f"Postgres: {error!r}")
        except Exception as error:  # noqa: BLE001 (everybody who waits gets it)
            return error


def known_links(rows: Iterable[asyncpg.Record], now: datetime) -> dict[str, KnownLink]:
    """Return what the rows say of each link, by token."""
    by_token: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        by_token.setdefault(row["token"], []).append(row)
    return {token: known_link(of_link, now) for token, of_link in by_token.items()}


def known_link(rows: Sequence[asyncpg.Record], now: datetime) -> KnownLink:
    """Return what the rows of one link say: its account's name, and each suppression of its recipient."""
    opted_out = [row for row in rows if row["state"] == "opted_out"]
    left = {row["scope"] for row in opted_out if row["source"] not in BY_NOBODY and not is_of_sender(row["scope"])}
    return KnownLink(
        rows[0]["name"],
        is_out=bool(left),
        is_out_of_all=ACCOUNT in left,
        may_undo=any(
            may_be_undone(
                is_opted_out=True,
                source=row["source"],
                sender_number=row["sender_number"],
                sent_at=row["sent_at"],
                asked_at=row["untimed_at"],
                since=now - UNDO_WINDOW,
            )
            for row in opted_out
        ),
        phone=rows[0]["phone"],
    )


@asynccontextmanager
async def opened_links(address: DatabaseAddress) -> AsyncIterator[LinkTable]:
    """Give the table; a database that is unavailable is tried again with each request.

    Raises:
        MisconfiguredError: the database, the role or a certificate is refused.
    """
    pool = await open_pool_to_read(address, DATABASE_CONNECTIONS, LOOKUP_SECONDS)
    try:
        yield LinkTable(pool)
    finally:
        await close_pool(pool)
