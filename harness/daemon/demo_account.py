"""The account `demo` of a background stack: made once, its credentials kept with the data."""

from dataclasses import asdict
from pathlib import Path

from harness.account import DEMO_ACCOUNT_ID, Account
from harness.client import create_account
from harness.machine.private_file import read_private, write_private
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack


async def demo_account(stack: Stack, credentials: Path) -> Account:
    """Return the demo account, made at the first start; the sandbox carrier learns its webhooks at every start."""
    ends = stack.endpoints()
    if credentials.exists():
        kept = read_private(credentials)
        path = kept["webhook_url"].split("/webhooks/", 1)[1]
        account = Account(DEMO_ACCOUNT_ID, kept["api_key"], f"{ends.inbound_url}/webhooks/{path}")
    else:
        account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, DEMO_ACCOUNT_ID)
    write_private(credentials, asdict(account))
    async with SandboxClient(ends.sandbox_url) as sandbox:
        await sandbox.register_account(
            account.account_id, webhook_url=account.webhook_url, receipt_url=f"{account.webhook_url}/receipts"
        )
    return account
