"""Sets the stage on a running stack and plays the story twice, the second time on restarted services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

from harness.client import ApiClient, follow_delivery_events
from harness.daemon.address_book import AddressBook
from harness.daemon.health import Health
from harness.sandbox.client import SandboxClient
from harness.story.claims import StoryClaims, StoryOverError, require
from harness.story.script import play
from harness.story.stage import Control, Stage

_SERVICES = ("inbound", "optout", "api", "links", "poll", "sender")
_HEALTHY_SECONDS = 15.0  # on a busy machine a health check alone may take its three
_LOOK_SECONDS = 0.5

LookAtHealth = Callable[[], Awaitable[Mapping[str, Health]]]


async def play_story(book: AddressBook, control: Control, look: LookAtHealth, say: Callable[[str], None]) -> int:
    """Play the story on the stack that the address book describes; return how many claims failed."""

    async def what_is_down() -> list[str]:
        return [f"DOWN  {name}: {health.detail}" for name, health in (await look()).items() if not health.ok]

    claims = StoryClaims(say, what_is_down)
    try:
        async with claims.claim("every part of the stack is up", is_needed=True):
            await _all_up(what_is_down)
        async with AsyncExitStack() as stack:
            async with claims.claim("an account makes two lists with one phone on both", is_needed=True):
                stage = await stack.enter_async_context(_new_stage(book, control))
            await _play_twice(claims, stage)
    except StoryOverError as over:
        say(f"the story ends here: {over}")
        say(
            "`stopline status` and `stopline logs` say more; `stopline up` starts the parts that are down,"
            " `stopline reset` deletes all data"
        )
    say(f"{claims.shown} claims hold, {claims.failed} do not")
    return claims.failed


async def _all_up(what_is_down: Callable[[], Awaitable[list[str]]]) -> None:
    try:
        async with asyncio.timeout(_HEALTHY_SECONDS):
            while await what_is_down():  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        require(False, f"a part that was not up within {_HEALTHY_SECONDS:.0f} s")


@asynccontextmanager
async def _new_stage(book: AddressBook, control: Control) -> AsyncIterator[Stage]:
    account, kafka = book.demo_account, book.kafka_connection()
    async with (
        ApiClient(book.api_url, account) as api,
        SandboxClient(book.sandbox_url) as sandbox,
        follow_delivery_events(kafka) as events,
    ):
        run = uuid4().hex[:8]
        newsletter, receipts = [await api.create_list(f"{name} {run}") for name in ("newsletter", "receipts")]
        record = book.optout_database_url, book.kafka()
        stage = Stage(kafka, account, api, sandbox, events, control, newsletter, receipts, *record)
        for list_id in (newsletter, receipts):
            await api.add_contacts(list_id, [stage.phone])
        yield stage


async def _play_twice(claims: StoryClaims, stage: Stage) -> None:
    await play(claims, stage)
    async with claims.claim("the services restart", is_needed=True):
        for service in _SERVICES:
            await stage.control("restart", service)
    await play(claims, stage)
