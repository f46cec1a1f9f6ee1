"""What goes on beside the work that is measured: people who leave, messages that go out, and fences that are timed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp

from benchmarks.fence import following, new_fence, percentile
from harness.account import Account
from shared.events import codec
from shared.events.outbound import MessageRequested
from shared.kafka import new_producer
from shared.suppressions.fence import Fence
from shared.topics import OUTBOUND_MESSAGES

STOPS_PER_SECOND, SENDS_PER_SECOND = 20, 50
_NUMBER = "+18335550123"
_FIRST_STOP, _FIRST_SEND = 12_125_550_000, 12_135_550_000
_PHONES = 10_000
_FENCE_PAUSE_SECONDS = 0.02


class Fences:
    """The fences of all partitions in turn, with a pause: without one they take most of a core themselves."""

    def __init__(self, fence: Fence, partitions: int) -> None:
        self._fence = fence
        self._partitions = partitions
        self.seconds: list[float] = []

    async def pass_for(self, seconds: float) -> "Fences":
        """Pass fences for this long and return them; how long each took is in `seconds`."""
        found = Fences(self._fence, self._partitions)
        ends_at = time.perf_counter() + seconds
        while time.perf_counter() < ends_at:
            await found.pass_one()
            await asyncio.sleep(_FENCE_PAUSE_SECONDS)
        return found

    async def pass_one(self) -> None:
        started = time.perf_counter()
        await self._fence.wait({len(self.seconds) % self._partitions})
        self.seconds.append(time.perf_counter() - started)

    @asynccontextmanager
    async def passing(self) -> AsyncIterator["Fences"]:
        """Pass fences inside the `with` block."""
        found = Fences(self._fence, self._partitions)

        async def again() -> None:
            while True:
                await found.pass_one()
                await asyncio.sleep(_FENCE_PAUSE_SECONDS)

        task = asyncio.create_task(again())
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self._fence.wait(range(self._partitions))  # the one under way ends too

    def percentile(self, percent: int) -> float:
        """Return a percentile in milliseconds."""
        return percentile(self.seconds, percent)


@asynccontextmanager
async def fences(bootstrap: str) -> AsyncIterator[Fences]:
    """Lend the fences of a cache and a producer of their own, as a sender has them."""
    async with following(bootstrap) as (cache, producer):
        yield Fences(new_fence(cache, producer), cache.partitions)


@asynccontextmanager
async def stops_and_sends(bootstrap: str, account: Account, list_id: int) -> AsyncIterator[None]:
    """Have people leave by webhook, and messages go out, inside the `with` block."""
    async with aiohttp.ClientSession() as http, new_producer(bootstrap) as producer:

        async def stop(n: int) -> None:
            phone = f"+{_FIRST_STOP + n % _PHONES}"
            fields = {"from": phone, "to": _NUMBER, "body": "STOP", "message_id": str(uuid4())}
            async with http.post(account.webhook_url, data=fields) as answer:
                assert answer.status == 200, await answer.text()

        async def send(n: int) -> None:
            request = MessageRequested(
                account_id=account.account_id,
                message_id=str(uuid4()),
                list_id=list_id,
                phone=f"+{_FIRST_SEND + n % _PHONES}",
                sender_number=_NUMBER,
                body="Our offer of the week. Reply STOP to opt out",
            )
            await producer.send_and_wait(OUTBOUND_MESSAGES, codec.encode(request), key=request.phone.encode())

        async def again() -> None:
            number = 0
            async with asyncio.TaskGroup() as group:
                while True:
                    group.create_task(send(number))
                    if number % SENDS_PER_SECOND < STOPS_PER_SECOND:
                        group.create_task(stop(number))
                    number += 1
                    await asyncio.sleep(1 / SENDS_PER_SECOND)

        task = asyncio.create_task(again())
        try:
            yield
            if task.done():
                await task
        finally:
            task.cancel()
            await asyncio.wait([task])
