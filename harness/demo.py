"""The end of `stopline demo`: four commands to try on the running stack."""

import random
import sys
from urllib.parse import quote
from uuid import uuid4

from harness.client import ApiClient, request_json
from harness.daemon.address_book import AddressBook
from harness.story.stage import INSTRUCTION, SENDER_NUMBER, any_phone
from shared.events.outbound import MessageRequested

PROGRAM = sys.argv[0] if sys.argv[0].endswith("stopline") else "stopline"
"""The command by which this program was called, which may not be on the path."""


async def commands_to_try(book: AddressBook) -> str:
    """Create a list with one phone on it, and return four commands that show its opt-out, ready to paste."""
    account = book.demo_account
    phone = any_phone()
    async with ApiClient(book.api_url, account) as api:
        list_id = await api.create_list(f"demo {random.randrange(10**6):06d}")  # noqa: S311 (no secret)
        await api.add_contacts(list_id, [phone])

    def produce(text: str) -> str:
        request = MessageRequested(
            account_id=account.account_id,
            message_id=f"demo-{uuid4().hex[:8]}",
            list_id=list_id,
            phone=phone,
            sender_number=SENDER_NUMBER,
            body=f"{text} {INSTRUCTION}",
        )
        return f"echo '{request_json(request)}' | {PROGRAM} kafka console-producer --topic outbound-messages"

    phone_url = f"{book.sandbox_url}/phones/{quote(phone)}"
    return "\n".join(
        (
            "",
            f"Try it, with the phone {phone} on list {list_id}:",
            "",
            "  1. produce a message:",
            f"     {produce('Hello.')}",
            "  2. look at the phone:",
            f"     curl -s {phone_url}/messages",
            "  3. reply STOP from the phone:",
            f"""     curl -s {phone_url}/replies -H 'content-type: application/json' -d '{{"body": "STOP"}}'""",
            "  4. produce another, look again: it did not arrive:",
            f"     {produce('Hello again.')}",
            "",
            f"`{PROGRAM} down` stops the stack.",
        )
    )
