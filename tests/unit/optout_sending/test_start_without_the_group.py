"""The API serves before Kafka lets it into the group that reads delivery events: after a crash that takes a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from unittest.mock import patch

from services.optout.api.message_parts import message_parts
from services.optout.api.settings import ApiSettings
from services.optout.sending.outbound import OutboundRequests
from services.optout.sending.publish import DueMessages
from shared.errors import MisconfiguredError
from shared.postgres import Pool
from shared.subscription import Subscription

SETTINGS = ApiSettings.model_validate(
    {
        "kafka_bootstrap": "127.0.0.1:1",
        "http_port": 1,
        "optout_database_url": "postgresql://nobody@127.0.0.1:1/nothing",
        "admin_token": "the-admin-token-of-these-tests-only",
        "webhook_key": "the-webhook-key-of-these-tests-only",
        "api_cache_dir": "/nowhere",
    }
)


class Start:
    """A start that waits for its place in the group until `ends`, and then fails with it."""

    def __init__(self) -> None:
        self.ends: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> None:
        await self.ends


async def _forever(_: DueMessages) -> None:
    await asyncio.Event().wait()


async def test_it_serves_while_it_waits_for_the_group_and_gives_up_where_it_is_refused() -> None:
    start, given_up = Start(), asyncio.Queue[BaseException]()
    async with _parts(start, given_up):
        assert given_up.empty()
        start.ends.set_exception(MisconfiguredError("Kafka refuses the login"))
        assert isinstance(await given_up.get(), MisconfiguredError)


async def test_its_end_does_not_wait_for_the_group() -> None:
    start, given_up = Start(), asyncio.Queue[BaseException]()
    async with _parts(start, given_up):
        await asyncio.sleep(0)  # its tasks begin
    assert start.ends.cancelled()
    assert given_up.empty()


@asynccontextmanager
async def _parts(start: Start, given_up: "asyncio.Queue[BaseException]") -> AsyncIterator[None]:
    pool, outbound = cast("Pool", None), cast("OutboundRequests", None)
    with patch.object(Subscription, "start", start), patch.object(DueMessages, "run", _forever):
        async with asyncio.timeout(5), message_parts(SETTINGS, pool, outbound, given_up.put_nowait):
            yield
