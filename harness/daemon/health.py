"""The health of each part of a background stack, checked from outside at the addresses that clients use."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import asyncpg
import httpx

from harness.daemon.address_book import AddressBook
from harness.kafka.wait import answers

_SECONDS = 3.0
_MAX_TEXT = 400


@dataclass(frozen=True)
class Health:
    """The health of a part: whether it can do its work, and if not, why."""

    ok: bool
    detail: str = ""


async def look_at(book: AddressBook, states: Mapping[str, str]) -> dict[str, Health]:
    """Return the health of every part of the stack that the address book describes.

    Args:
        book: the running stack's.
        states: what the stack itself reports of parts that do not run, which explains more than "no answer".
    """
    asked: dict[str, Awaitable[Health]] = {
        "kafka": _kafka(book.kafka_bootstrap),
        "postgres": _postgres([book.optout_database_url, book.sender_database_url]),
        **{name: _service(url) for name, url in book.services.items()},
    }
    found = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
    return {name: Health(False, states[name]) if name in states else health for name, health in found.items()}


async def _kafka(bootstrap: str) -> Health:
    for address in bootstrap.split(","):
        host, _, port = address.rpartition(":")
        if not await answers((host, int(port)), _SECONDS):
            return Health(False, f"Kafka does not answer at {address}")
    return Health(True)


async def _postgres(urls: list[str]) -> Health:
    for url in urls:
        try:
            async with asyncio.timeout(_SECONDS):
                connection = await asyncpg.connect(url)
                try:
                    await connection.fetchval("SELECT 1")
                finally:
                    connection.terminate()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return Health(False, _shortened(f"database {url.rpartition('/')[2]}: {error or 'no answer'}"))
    return Health(True)


async def _service(url: str) -> Health:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            answer = await http.get(f"{url}/health/ready")
    except httpx.HTTPError as error:
        return Health(False, f"no answer at {url}: {error or type(error).__name__}")
    return Health(answer.is_success, "" if answer.is_success else _shortened(answer.text))


def _shortened(text: str) -> str:
    return " ".join(text.split())[:_MAX_TEXT]
