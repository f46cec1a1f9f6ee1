"""The sandbox carrier as the page reads it: what arrives on phones, and the replies that its gateway posts."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from harness.phones.json_client import JsonAnswer, JsonClient
from harness.phones.limits import FIRST_ATTEMPT_SECONDS, RETRY_SECONDS
from shared.errors import TransientError

_log = logging.getLogger(__name__)

TakeEntry = Callable[[JsonAnswer], None]


class SandboxCarrier:
    """A reader of the sandbox's journals, and the way to reply from a phone."""

    def __init__(self, client: JsonClient, account_id: str) -> None:
        self._client = client
        self._account_id = account_id

    async def register(self, webhook_url: str) -> None:
        """Set where replies to the account, and receipts of its messages, are posted."""
        urls = {"webhook_url": webhook_url, "receipt_url": f"{webhook_url}/receipts"}
        await self._client.call("PUT", f"/accounts/{self._account_id}", urls)

    async def reply(self, phone: str, words: str, message_id: str, sender_number: str) -> JsonAnswer:
        """Have the phone reply to the last message that it has from the number; return what the gateway got for it."""
        body = {"body": words, "to": sender_number, "account_id": self._account_id, "message_id": message_id}
        timeout = aiohttp.ClientTimeout(total=FIRST_ATTEMPT_SECONDS)
        return await self._client.call("POST", f"/phones/{phone.lstrip('+')}/replies", body, timeout=timeout)

    async def follow(
        self, journal: str, take: TakeEntry, when_new: Callable[[], None], when_back: Callable[[], None] = lambda: None
    ) -> None:
        """Give each entry of the account to `take`, until cancelled.

        Call `when_new` where the sandbox forgot what it had, and `when_back` where it answers again: one that started
        again before it had anything is the same as one that was only silent.
        """
        after, was_silent = 0, False
        while True:
            try:
                page = await self._client.long_poll(f"/{journal}", after)
            except TransientError as error:
                _log.info("the sandbox's %s are not followed: %s", journal, error)
                was_silent = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if was_silent:
                was_silent = False
                when_back()
            if page["total"] < after:
                after = 0
                when_new()
                continue
            for entry in page[journal]:
                if entry["account_id"] == self._account_id:
                    take(entry)
            after = max(after, page["forgotten"]) + len(page[journal])
