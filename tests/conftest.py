"""What all tests share: no shipped reach policy, so that their claims about lists do not depend on the date.

`stopline_stack` is one real stack per session, and `stopline_account` a new account per test. They drive the harness
from inside; other projects have `stopline-pytest` (clients/stopline-pytest), which needs nothing of this tree.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import settings

if TYPE_CHECKING:
    from harness.account import Account
    from harness.stack.stack import Stack

os.environ["STOPLINE_REACH_POLICIES_FILE"] = str(Path(__file__).parent / "data" / "policies" / "none.toml")

settings.register_profile("stopline", settings(), deadline=None)
settings.load_profile("stopline")
"""As slow as the machine is just now: a time limit on an example has a busy machine fail a right test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stopline")
    group.addoption(
        "--stopline-backend",
        choices=("embedded", "containers", "external"),
        help="where Kafka and Postgres come from (default: STOPLINE_BACKEND, else what the machine can do)",
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stopline_stack(request: pytest.FixtureRequest) -> "AsyncIterator[Stack]":
    """A whole stack, started once per session: Kafka, Postgres, the services, the sandbox carrier."""
    from harness.say import say_aside  # noqa: PLC0415 (unit tests need none of it)
    from harness.stack.stack import Stack  # noqa: PLC0415 (unit tests need none of it)

    backend = request.config.getoption("--stopline-backend")
    async with Stack(backend=backend, say=say_aside) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stopline_account(stopline_stack: "Stack") -> "Account":
    """A new account whose replies the sandbox carrier posts to the stack's webhooks."""
    from harness.client import create_account  # noqa: PLC0415 (unit tests need none of it)
    from harness.sandbox.client import SandboxClient  # noqa: PLC0415 (unit tests need none of it)

    ends = stopline_stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"t-{uuid4().hex[:12]}")
    async with SandboxClient(ends.sandbox_url) as sandbox:
        await sandbox.register_account(
            account.account_id, webhook_url=account.webhook_url, receipt_url=f"{account.webhook_url}/receipts"
        )
    return account
