"""An account under test: its lists, each with a number to send from, and the people on them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from harness.account import Account
from harness.client import ApiClient, create_account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from shared.events.outbound import MessageRequested
from shared.partitions import partition_of

NUMBERS = ("+18335550101", "+18335550102", "+18335550102")
"""One number for the first list, one that the other two share."""
PHONES_PER_PARTITION = 2
_numbered = count()


@dataclass(frozen=True)
class Shop:
    """`numbers` has the number that each list sends from."""

    account: Account
    numbers: dict[int, str]
    phones: tuple[str, ...]

    @property
    def list_ids(self) -> list[int]:
        return list(self.numbers)

    def request(self, phone: str, list_id: int, message_id: str | None = None) -> MessageRequested:
        return MessageRequested(
            account_id=self.account.account_id,
            message_id=message_id or f"m-{uuid4()}",
            list_id=list_id,
            phone=phone,
            sender_number=self.numbers[list_id],
            body=f"News {next(_numbered)} of list {list_id}. Reply STOP to opt out",
        )


async def open_shop(ends: Endpoints, sandbox: SandboxClient, partitions: int) -> Shop:
    """Make a new account with three lists and two people in every partition, its webhooks known to the sandbox."""
    return await open_shop_of(ends, sandbox, tuple(_some_of_each_partition(partitions)))


async def open_shop_of(ends: Endpoints, sandbox: SandboxClient, phones: tuple[str, ...]) -> Shop:
    """Make a new account with three lists of these people, its webhooks known to the sandbox."""
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"faults-{uuid4().hex[:12]}")
    await sandbox.register_account(
        account.account_id, webhook_url=account.webhook_url, receipt_url=f"{account.webhook_url}/receipts"
    )
    async with ApiClient(ends.api_url, account) as api:
        lists = [await api.create_list(f"list {index}") for index in range(len(NUMBERS))]
        for list_id in lists:
            await api.add_contacts(list_id, phones)
    return Shop(account, dict(zip(lists, NUMBERS, strict=True)), phones)


def _some_of_each_partition(partitions: int) -> Iterator[str]:
    """Yield phones that no other shop of this session has, as many in every partition."""
    there: defaultdict[int, int] = defaultdict(int)
    while sum(there.values()) < partitions * PHONES_PER_PARTITION:
        phone = f"+1415{next(_numbered) % 10_000_000:07d}"
        partition = partition_of(phone, partitions)
        if there[partition] < PHONES_PER_PARTITION:
            there[partition] += 1
            yield phone
