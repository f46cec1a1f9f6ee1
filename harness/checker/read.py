"""Reads the history of one account from a running stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from harness.account import Account
from harness.checker.history import History, Outage
from harness.checker.read_http import read_accepted, read_calls, read_decision_log, read_phones
from harness.checker.read_kafka import KafkaRecords, Positions, read_records
from harness.checker.read_policies import read_policies
from harness.sandbox.client import SandboxClient
from shared.kafka_connection import Kafka


@dataclass(frozen=True)
class Run:
    """A run whose history is read: the stack, the account, its phones, and the positions `since` which; None is all.

    `stamps` are the kernel's times of the calls by message id, if a proxy in front of the carrier takes them.
    """

    kafka: Kafka
    api_url: str
    sandbox: SandboxClient
    account: Account
    phones: Sequence[str]
    since: Positions | None = None
    outages: Sequence[Outage] = ()
    stamps: Mapping[str, Sequence[datetime]] = field(default_factory=lambda: MappingProxyType({}))


async def read_history(run: Run, records: KafkaRecords | None = None) -> History:
    """Read everything about the account; `records` are Kafka's, if they have been read and the stack is idle.

    Raises:
        TransientError: Kafka, the API or the sandbox carrier is unavailable.
    """
    account_id = run.account.account_id
    # Effects are read before their causes, and Kafka last, so that the cause of every effect is in the history.
    phone_messages = await read_phones(run.sandbox, account_id, run.phones)
    calls = await read_calls(run.sandbox, account_id, run.stamps)
    accepted = await read_accepted(run.sandbox, account_id)
    entries, states = await read_decision_log(run.api_url, run.account, run.phones)
    policies = await read_policies(run.api_url, run.account)
    records = _of_account(records or await read_records(run.kafka, run.since), account_id)
    return History(
        accepted=tuple(accepted),
        replies=tuple(records.replies),
        requests=tuple(records.requests),
        deliveries=tuple(records.deliveries),
        changes=tuple(records.changes),
        suppressions=tuple(records.suppressions),
        account_settings=tuple(records.account_settings),
        entries=tuple(entries),
        calls=tuple(calls),
        phone_messages=tuple(phone_messages),
        outages=tuple(run.outages),
        unreadable=tuple(records.unreadable),
        parked=tuple(records.parked),
        states=states,
        policies=policies,
        read_at=datetime.now(UTC),
    )


def _of_account(records: KafkaRecords, account_id: str) -> KafkaRecords:
    return KafkaRecords(
        replies=[r for r in records.replies if r.event.account_id == account_id],
        requests=[r for r in records.requests if r.request.account_id == account_id],
        deliveries=[r for r in records.deliveries if r.event.account_id == account_id],
        changes=[r for r in records.changes if r.event.account_id == account_id],
        suppressions=[r for r in records.suppressions if r.event.account_id == account_id],
        account_settings=[r for r in records.account_settings if r.event.account_id == account_id],
        unreadable=records.unreadable,
        parked=records.parked,
    )
