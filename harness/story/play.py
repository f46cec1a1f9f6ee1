"""Sets the world up on a running stack and plays the story, twice: the second time on restarted services."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from harness.client import Account, ApiClient, follow_delivery_events
from harness.sandbox.client import SandboxClient
from harness.stack.kafka_address import connection_of
from harness.story.claims import Claims
from harness.story.script import play
from harness.story.world import Control, World

_SERVICES = ("inbound", "optout", "api", "sender")


async def play_story(book: dict[str, Any], control: Control, say: Callable[[str], None]) -> int:
    """Play the story on the stack that the address book describes; return how many claims failed."""
    claims = Claims(say)
    account, kafka = Account(**book["demo_account"]), connection_of(book)
    async with (
        ApiClient(book["api_url"], account) as api,
        SandboxClient(book["sandbox_url"]) as sandbox,
        follow_delivery_events(kafka) as events,
    ):
        run = uuid4().hex[:8]
        newsletter, receipts = [await api.create_list(f"{name} {run}") for name in ("newsletter", "receipts")]
        world = World(kafka, account, api, sandbox, events, control, newsletter, receipts)
        for list_id in (newsletter, receipts):
            await api.add_contacts(list_id, [world.phone])
        await play(claims, world)
        async with claims.claim("the services restart"):
            for service in _SERVICES:
                await control("restart", service)
        await play(claims, world)
    say(f"{claims.shown} claims hold, {claims.failed} do not")
    return claims.failed
