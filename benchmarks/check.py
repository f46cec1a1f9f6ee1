"""`POST /v1/check` over HTTP, idle and with many at once, next to a plain look-up in Postgres, and to a sender's fence.

The look-up knows only what is decided already: a STOP that Kafka has and the pipeline has not decided is missed.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from benchmarks.fence import following, new_fence
from benchmarks.rows import Row, row
from harness.client import ApiClient, create_account
from harness.stack.stack import Stack
from shared.suppressions.placement import partitions_of

_NUMBER = "+18335550123"
_FIRST_PHONE = 14_155_550_000
_MESSAGES = 1_000
_AT_ONCE = 16
_LOOK_UP = "SELECT phone, scope FROM suppressions WHERE account_id = $1 AND phone = ANY ($2) AND state <> 'opted_in'"

Ask = Callable[[Sequence[str]], Awaitable[Any]]


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the waits for one message, and the messages a second where each request asks about 1,000."""
    times, rounds = (50, 2) if quick else (1_000, 15)
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    async with ApiClient(ends.api_url, account) as api:
        list_id = await api.create_list("check")
    login = aiohttp.BasicAuth(account.account_id, account.api_key)
    async with (
        aiohttp.ClientSession(auth=login) as http,
        asyncpg.create_pool(ends.optout_database_url, min_size=_AT_ONCE, max_size=_AT_ONCE) as pool,
    ):

        async def check(phones: Sequence[str]) -> None:
            messages = [{"phone": phone, "list_id": list_id, "sender_number": _NUMBER} for phone in phones]
            async with http.post(f"{ends.api_url}/v1/check", json={"messages": messages}) as response:
                assert response.status == 200, await response.text()
                assert len((await response.json())["decisions"]) == len(phones)

        async def look_up(phones: Sequence[str]) -> None:
            await pool.fetch(_LOOK_UP, account.account_id, phones)

        async with following(ends.kafka_bootstrap) as (cache, producer):
            fence = new_fence(cache, producer)

            async def pass_fence(phones: Sequence[str]) -> None:
                await fence.wait(partitions_of([phone.encode() for phone in phones], cache.partitions))

            checks, fences = await _waits(check, times), await _waits(pass_fence, times)
        look_ups = await _waits(look_up, times)
        many, many_look_ups = await _a_second(check, rounds), await _a_second(look_up, rounds)
    return [
        row("check of one message over HTTP, p50 (baseline: a sender's fence)", checks[49], "ms", fences[49], "≤ 10"),
        row("check of one message over HTTP, p99 (baseline: a sender's fence)", checks[98], "ms", fences[98], "≤ 30"),
        row("the same, p50 (baseline: a Postgres look-up)", checks[49], "ms", look_ups[49]),
        row("messages checked, 1,000 a request (a Postgres look-up)", many, "/s", many_look_ups),
    ]


async def _waits(ask: Ask, times: int) -> list[float]:
    """Return the percentiles in milliseconds, one after the other, after some that nobody counts."""
    waits = []
    for number in range(times + 20):
        started = time.perf_counter()
        await ask([f"+{_FIRST_PHONE + number}"])
        waits.append((time.perf_counter() - started) * 1000)
    return statistics.quantiles(waits[20:], n=100, method="inclusive")


async def _a_second(ask: Ask, times: int) -> float:
    phones = [f"+{_FIRST_PHONE + number}" for number in range(_MESSAGES)]

    async def again() -> None:
        for _ in range(times):
            await ask(phones)

    await ask(phones)
    started = time.perf_counter()
    await asyncio.gather(*(again() for _ in range(_AT_ONCE)))
    return times * _AT_ONCE * _MESSAGES / (time.perf_counter() - started)
