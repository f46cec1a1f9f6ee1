"""Fixtures: a customer for each generation of ClickSend's client, on a real stack, with every answer judged."""

import subprocess
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from customer import FOLDER, Customer
from recording_proxy import RecordingProxy

from harness.client import create_account
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack


@pytest.fixture(scope="session")
def clients() -> None:
    """All clients, installed; a file with another hash than ours fails, an index out of reach skips."""
    installed = subprocess.run([FOLDER.parents[1] / "tools/test-clients"], capture_output=True, text=True, check=False)
    if installed.returncode != 0 and "HASH" not in installed.stderr:
        pytest.skip(f"the clients cannot be installed here: {installed.stderr.strip().splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr


@pytest.fixture(scope="session")
async def sandbox(stopline_stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stopline_stack.endpoints().sandbox_url) as client:
        yield client


@pytest.fixture(scope="session", params=[1, 2], ids=["generation-1", "generation-2"])
async def customer(
    clients: None,  # noqa: ARG001 (they must be there)
    stopline_stack: Stack,
    sandbox: SandboxClient,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Customer]:
    ends = stopline_stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"t-{uuid4().hex[:12]}")
    receipts = f"{account.webhook_url}/receipts"
    await sandbox.register_account(account.account_id, webhook_url=account.webhook_url, receipt_url=receipts)
    async with RecordingProxy(ends.api_url) as proxy, Customer(request.param, proxy, account) as program:
        yield program
