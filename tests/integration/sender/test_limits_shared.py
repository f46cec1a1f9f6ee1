"""Limits on a real Postgres: several senders keep one together, whatever they ask for at the same time."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from harness.stack.embedded import EmbeddedBackend
from services.sender.ledger.erasures import erase_some, note_erasures
from services.sender.ledger.model import key_of
from services.sender.limits.limiter import RESERVED_AT_ONCE, Limiter
from services.sender.limits.number_limits import LimitBook, SharedLimit
from services.sender.limits.number_use import burst_of
from services.sender.limits.rows import forget_some
from services.sender.links import WITHOUT_LINKS
from services.sender.report import Reporter
from services.sender.settings import sender_database
from shared.errors import TransientError
from shared.events.delivery import RecipientErased
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished, FrequencyCap
from shared.postgres import Pool, close_pool, connection_from, open_pool
from shared.suppressions.account_settings import AccountSettings

NUMBER, OTHER = "+14155550199", "+14155550188"


@pytest.fixture
async def second_pool(backend: EmbeddedBackend, pool: Pool) -> AsyncIterator[Pool]:
    """Connections of another process."""
    assert pool is not None
    opened = await open_pool(sender_database(backend.sender_database_url), 5)
    yield opened
    await close_pool(opened)


class Business:
    """An account of its own, with limits and perhaps a cap; `ask` takes one batch of messages to a limiter."""

    def __init__(self, *pools: Pool, limit: SharedLimit | None = None, cap: FrequencyCap | None = None) -> None:
        self.account_id = f"t-{uuid4().hex[:12]}"
        book = LimitBook({} if limit is None else {self.account_id: {"numbers": limit}}, {})
        self.limiters = [Limiter(each, book, lambda _: "generic", WITHOUT_LINKS) for each in pools]
        published = AccountSettingsPublished(
            account_id=self.account_id, epoch="e" * 16, policy="reject", exempts_conversational=False, words={},
            frequency_cap=cap,
        )  # fmt: skip
        self.accounts = {self.account_id: AccountSettings(published, MappingProxyType({}), "e" * 16)}

    def messages(self, count: int, **changes: str) -> list[MessageRequested]:
        fields = {"phone": "+14155550100", "sender_number": NUMBER, **changes}
        return [
            MessageRequested(
                account_id=self.account_id, message_id=uuid4().hex, list_id=7, body="Hi. STOP to end", **fields
            )
            for _ in range(count)
        ]

    async def allowed(self, which: int, messages: list[MessageRequested]) -> int:
        return len((await self.limiters[which].reserve(messages, self.accounts)).allowed)


async def test_a_days_cap_is_kept_to_the_message_by_two_senders_that_ask_at_once(pool: Pool, second_pool: Pool) -> None:
    shop = Business(pool, second_pool, limit=SharedLimit(numbers=(NUMBER, OTHER), per_day=100))
    asks = [shop.allowed(turn % 2, shop.messages(10, sender_number=(NUMBER, OTHER)[turn % 2])) for turn in range(40)]
    assert sum(await asyncio.gather(*asks)) == 100


async def test_a_rate_is_kept_by_two_senders_that_ask_all_the_time(pool: Pool, second_pool: Pool) -> None:
    shop = Business(pool, second_pool, limit=SharedLimit(numbers=(NUMBER,), per_second=40))
    woken = [limiter.of_woken() for limiter in shop.limiters]
    began, left = time.monotonic(), 0
    while time.monotonic() < began + 1.5:
        done = await asyncio.gather(*(each.reserve(shop.messages(10), shop.accounts) for each in woken))
        left += sum(len(each.allowed) for each in done)
    seconds = time.monotonic() - began
    assert 0.9 * 40 * seconds <= left <= burst_of(40) + 40 * (seconds + 0.1)


async def test_a_recipient_gets_no_more_than_the_cap_from_two_senders_at_once(pool: Pool, second_pool: Pool) -> None:
    shop = Business(pool, second_pool, cap=FrequencyCap(messages=3, hours=24))
    asks = [shop.allowed(turn % 2, shop.messages(2)) for turn in range(20)]
    assert sum(await asyncio.gather(*asks)) == 3
    assert await shop.allowed(0, shop.messages(1, phone="+14155550101")) == 1, "another recipient"


async def test_what_was_not_called_is_given_back_and_what_was_is_not(pool: Pool) -> None:
    shop = Business(
        pool, limit=SharedLimit(numbers=(NUMBER,), per_day=5), cap=FrequencyCap(messages=4, hours=24, policy="reject")
    )
    (limiter,), messages = shop.limiters, shop.messages(4)
    done = await limiter.reserve(messages, shop.accounts)
    assert len(done.allowed) == 4
    await limiter.release(done.reservation, {key_of(messages[0])})
    again = await limiter.reserve(shop.messages(5), shop.accounts)
    assert (len(again.allowed), len(again.refused)) == (3, 2)
    await limiter.release(again.reservation, {key_of(each) for each in again.allowed})
    assert await shop.allowed(0, shop.messages(9, phone="+14155550101")) == 1, "of the day's five, four were called"


async def test_what_could_not_be_given_back_is_before_the_same_messages_are_counted_again(pool: Pool) -> None:
    shop = Business(
        pool, limit=SharedLimit(numbers=(NUMBER,), per_day=2), cap=FrequencyCap(messages=2, hours=24, policy="reject")
    )
    (limiter,), messages = shop.limiters, shop.messages(2)
    done = await limiter.reserve(messages, shop.accounts)
    await replace(limiter, pool=await _closed_pool()).release(done.reservation, set())
    again = await limiter.reserve(messages, shop.accounts)
    assert (again.allowed, again.held, again.refused) == (messages, [], [])


async def _closed_pool() -> Pool:
    """Return what a pool is whose Postgres is unavailable."""
    closed = await asyncpg.create_pool("postgresql://127.0.0.1:1/nowhere", min_size=0)
    closed.terminate()
    return closed


async def test_many_messages_are_counted_in_parts_and_all_of_them_or_none(pool: Pool) -> None:
    count, per_day = 2 * RESERVED_AT_ONCE + 100, RESERVED_AT_ONCE + 50
    shop = Business(pool, limit=SharedLimit(numbers=(NUMBER,), per_day=per_day))
    asked = 0

    def carrier_of(_: str) -> str:
        nonlocal asked
        asked += 1
        if asked > RESERVED_AT_ONCE:
            raise TransientError("Postgres is unavailable")
        return "generic"

    with pytest.raises(TransientError):
        await replace(shop.limiters[0], carrier_of=carrier_of).reserve(shop.messages(count), shop.accounts)
    done = await shop.limiters[0].reserve(shop.messages(count), shop.accounts)
    assert (len(done.allowed), len(done.held), len(done.reservation.of_numbers)) == (per_day, count - per_day, per_day)


async def test_what_counts_for_a_recipient_goes_with_its_time_and_with_the_recipient(pool: Pool) -> None:
    shop = Business(pool, cap=FrequencyCap(messages=1, hours=24))
    for phone in ("+14155550100", "+14155550101"):
        assert await shop.allowed(0, shop.messages(1, phone=phone)) == 1
    erased = RecipientErased(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=shop.account_id, phone="+14155550100"
    )
    async with connection_from(pool) as connection:
        await note_erasures(connection, [erased])
        assert await _phones(pool, shop) == ["+14155550101"]
        assert await shop.allowed(0, shop.messages(1)) == 1, "decided before the erasure came"
        await connection.execute("UPDATE erasures SET next_step_at = 'epoch' WHERE account_id = $1", shop.account_id)
        assert await erase_some(connection, cast("Reporter", None))
        assert await _phones(pool, shop) == ["+14155550101"]
        await connection.execute(
            "UPDATE recipient_messages SET forget_at = $2 WHERE account_id = $1",
            shop.account_id,
            datetime.now(UTC) - timedelta(seconds=1),
        )
        assert await forget_some(connection, 1_000) >= 1
    assert await _phones(pool, shop) == []


async def _phones(pool: Pool, shop: Business) -> list[str]:
    async with connection_from(pool) as connection:
        rows = await connection.fetch("SELECT phone FROM recipient_messages WHERE account_id = $1", shop.account_id)
    return [row["phone"] for row in rows]
