"""The gate before a batch's messages: what each offers, then what its account's settings say of that; no I/O."""

from collections.abc import Sequence

from shared.events.outbound import MessageRequested
from shared.gate import GateSettings, Offered, Rejection, judge, no_links, unknown_list
from shared.opt_out_links import has_placeholder
from shared.suppressions.account_settings import AccountSettings, SettingsByAccount
from shared.suppressions.placement import partitions_of

Judged = MessageRequested | Rejection
"""A message as it may be sent, or why it must not be."""


def accounts_of(requests: Sequence[MessageRequested]) -> frozenset[str]:
    """Return the accounts whose messages these are."""
    return frozenset([request.account_id for request in requests])


def partitions_of_accounts(account_ids: frozenset[str], partitions: int) -> frozenset[int]:
    """Return the partitions that have the settings of these accounts."""
    return frozenset(partitions_of([account_id.encode() for account_id in account_ids], partitions))


def gate_settings_of(accounts: SettingsByAccount) -> dict[str, GateSettings]:
    """Return what the gate asks of each account."""
    return {account_id: _gate_settings(account) for account_id, account in accounts.items()}


def judge_all(
    requests: Sequence[MessageRequested], offers: Sequence[Offered], accounts: SettingsByAccount, *, makes_links: bool
) -> list[Judged]:
    """Return what the gate says of each message; `makes_links`: this deployment puts links into messages."""
    gate_settings = gate_settings_of(accounts)
    return [
        _judged(
            request, offered, accounts[request.account_id], gate_settings[request.account_id], makes_links=makes_links
        )
        for request, offered in zip(requests, offers, strict=True)
    ]


def _judged(
    request: MessageRequested,
    offered: Offered,
    account: AccountSettings,
    gate_settings: GateSettings,
    *,
    makes_links: bool,
) -> Judged:
    if not account.has_list(request.list_id):
        return unknown_list(request.list_id)
    text = judge(
        request.body,
        offered,
        request.sender_number,
        gate_settings,
        conversational=request.conversational,
        makes_links=makes_links,
    )
    if isinstance(text, Rejection):
        return text
    if not makes_links and has_placeholder(text):
        return no_links()
    return request if text == request.body else request.model_copy(update={"body": text})


def _gate_settings(account: AccountSettings) -> GateSettings:
    found = account.published
    if found is None:
        return GateSettings()
    return GateSettings(found.policy, found.instruction, found.exempts_conversational, found.words)
