"""Everything that the sandbox carrier remembers."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from harness.sandbox.calls import Call
from harness.sandbox.clock import WritingTimes
from harness.sandbox.faults import Faults
from harness.sandbox.gateway import Gateway
from harness.sandbox.journal import Journal
from harness.sandbox.limits import MAX_WAITING_REQUESTS, MAX_WRITING_AHEAD_SECONDS, MAX_WRITING_PHONES
from harness.sandbox.message_lists import AccountMessages, MessageListsOfAccounts
from harness.sandbox.phones import Phones
from harness.sandbox.settings import SandboxSettings
from harness.sandbox.waiting import WaitingLimit

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=2048)]


class AccountUrls(BaseModel):
    """The URLs to which the gateway posts an account's replies and receipts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook_url: Url
    receipt_url: Url | None = None


@dataclass
class SandboxState:
    """The state that all handlers share."""

    settings: SandboxSettings
    phones: Phones
    calls: Journal[Call]
    gateway: Gateway
    accounts: dict[str, AccountUrls]
    faults: Faults
    waiting: WaitingLimit
    writing: WritingTimes
    lists: MessageListsOfAccounts


def new_state(settings: SandboxSettings) -> SandboxState:
    return SandboxState(
        settings,
        Phones(settings.sandbox_max_messages, settings.sandbox_max_messages_per_phone),
        Journal(settings.sandbox_max_calls),
        Gateway(settings.sandbox_max_webhooks),
        {},
        Faults(),
        WaitingLimit(MAX_WAITING_REQUESTS),
        WritingTimes(MAX_WRITING_PHONES, MAX_WRITING_AHEAD_SECONDS),
        defaultdict(AccountMessages),
    )
