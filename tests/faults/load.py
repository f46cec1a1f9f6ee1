"""Traffic at a bounded rate: a business that sends, and people who reply STOP, START and other things."""

import asyncio
import random
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from aiokafka.errors import KafkaError

from faults.shop import Shop
from faults.waiting import until
from harness.sandbox.client import SandboxClient, SandboxError
from shared.events.codec import cloud_event_headers, encode
from shared.kafka import START_SECONDS, new_producer, stop_quietly, within
from shared.topics import OUTBOUND_MESSAGES

MESSAGES_A_SECOND = 40
REPLIES_A_SECOND = 12
_REPLIES_AT_ONCE = 16
_FLUSH_SECONDS = 45.0
_REPEATED = 0.03
_LATER = 0.3
_LATER_SECONDS = 1.5
_WITHOUT_POINTER = 0.15
_RECENT = 5
_WORDS = ("STOP", "Stop.", "stop please", "START", "unstop", "thanks", "Stopping by later")
_WEIGHTS = (25, 10, 10, 25, 8, 5, 2)


class Load:
    """Runs while inside the `async with` block; on the way out everything that was sent is acknowledged or given up."""

    def __init__(self, bootstrap: str, sandbox: SandboxClient, shop: Shop, seed: int = 0) -> None:
        self._sandbox = sandbox
        self._shop = shop
        self._random = random.Random(seed)  # noqa: S311 (a load, no secret)
        # Longer than any outage: for so long a message waits where the buffer is full.
        self._producer = new_producer(bootstrap, linger_ms=2, request_timeout_ms=60_000)
        self._tasks: list[asyncio.Task[None]] = []
        self._sent: list[str] = []
        self._replying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await within(START_SECONDS, self._producer.start(), "connecting the load to Kafka")
        self._tasks = [self._begin(self._send()), self._begin(self._reply())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._tasks, *self._replying):
            task.cancel()
        results = await asyncio.gather(*self._tasks, *self._replying, return_exceptions=True)
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._producer.flush()
        finally:
            await stop_quietly(self._producer)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def calls(self) -> int:
        return len(await self._sandbox.calls(self._shop.account.account_id))

    async def flows(self, more_calls: int = 10, timeout_seconds: float = 45.0) -> None:
        """Return when this many more messages have reached the carrier.

        Raises:
            AssertionError: they have not; nothing gets through.
        """
        before = await self.calls()

        async def grown() -> bool:
            return await self.calls() >= before + more_calls

        await until(f"{more_calls} more messages reach the carrier", grown, timeout_seconds, look_seconds=0.1)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    async def _send(self) -> None:
        bad = b'{"type": "message_requested", "version": 1, "message_id": "bad"}'
        await self._producer.send(OUTBOUND_MESSAGES, bad)
        while True:
            request = self._shop.request(
                self._random.choice(self._shop.phones), self._random.choice(self._shop.list_ids)
            )
            if self._random.random() < _LATER:
                ahead = timedelta(seconds=self._random.random() * _LATER_SECONDS)
                request = request.model_copy(update={"send_at": datetime.now(UTC) + ahead})
            for _ in range(2 if self._random.random() < _REPEATED else 1):
                headers = cloud_event_headers(request, "stopline/tests")
                (await self._producer.send(OUTBOUND_MESSAGES, encode(request), headers=headers)).add_done_callback(
                    _seen
                )
            await asyncio.sleep(1 / MESSAGES_A_SECOND)

    async def _reply(self) -> None:
        while True:
            if len(self._replying) < _REPLIES_AT_ONCE:
                task = self._begin(self._reply_once(self._random.choice(self._shop.phones)))
                self._replying.add(task)
                task.add_done_callback(self._replying.discard)
            await asyncio.sleep(1 / REPLIES_A_SECOND)

    async def _reply_once(self, phone: str) -> None:
        mine = [m for m in await self._sandbox.messages(phone) if m["account_id"] == self._shop.account.account_id]
        if not mine:
            return
        body = self._random.choices(_WORDS, _WEIGHTS)[0]
        try:
            if self._random.random() < _WITHOUT_POINTER:
                number = self._random.choice(list(self._shop.numbers.values()))
                await self._sandbox.reply(phone, body, to=number, in_reply_to=None, account_id=mine[0]["account_id"])
            else:
                answered = self._random.choice(mine[-_RECENT:])
                await self._sandbox.reply(phone, body, to=answered["from"], in_reply_to=answered["carrier_message_id"])
        except SandboxError:
            return  # it has given up waiting; the sandbox goes on posting


def _seen(sent: "asyncio.Future[Any]") -> None:
    """What was not acknowledged may be in Kafka all the same; the checker reads what is."""
    if not sent.cancelled() and sent.exception() is not None and not isinstance(sent.exception(), KafkaError):
        raise AssertionError from sent.exception()
