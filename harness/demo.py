"""The words of `stopline demo`: the pages to open, as soon as they are there, and in the end four commands to try."""

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


def pages_to_open(book: AddressBook, seconds: float) -> str:
    """Return the addresses of the pages of a stack that has started within `seconds`, the phones' first."""
    account = book.demo_account
    phones = _strong(book.phones_url) if book.phones_url else "not running; `stopline logs phones` says why"
    pages = [
        f"  Phones     {phones}",
        "             Open it first: six simulated phones. Reply STOP on one, send again, kill a service.",
    ]
    if book.dashboard_url:
        pages += [
            f"  Dashboard  {_strong(book.dashboard_url)}",
            f"             What a business looks at. Sign in as {account.account_id} with {account.api_key}",
        ]
    return "\n".join(
        (
            "",
            *pages,
            "",
            f"Ready after {seconds:.1f} s. Now the life of an opt-out is played, a line per claim, for half a minute.",
            "It stops and restarts services itself: send and reply meanwhile, and kill one when it has ended.",
            "",
        )
    )


def _strong(text: str) -> str:
    """Return the text in bold on a terminal, and as it is in a file or a pipe."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


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
            f"Or with your own hands, with the phone {phone} on list {list_id}:",
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
            f"The phones are at {_strong(book.phones_url or '-')}. `{PROGRAM} down` stops the stack.",
        )
    )
