"""Reads the history of one account from a running stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from harness.checker.history import History, Outage
from harness.checker.read_http import read_answered, read_calls, read_received, read_record
from harness.checker.read_kafka import KafkaRecords, Positions, read_records
from harness.client import Account
from harness.sandbox.client import SandboxClient
from shared.kafka_connection import Kafka


@dataclass(frozen=True)
class Run:
    """Whose history it is, and where it begins: `since` is None for the beginning of all topics.

    `stamps` are the kernel's times of the calls by message id, where something in front of the carrier takes them.
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
    """Read everything about the account; `records`, where Kafka was read already, of a system that is at rest.

    Raises:
        TransientError: Kafka, the API or the sandbox carrier is away.
    """
    account_id = run.account.account_id
    # Effects before their causes, Kafka last: what is read first must have its reason in what is read later.
    received = await read_received(run.sandbox, account_id, run.phones)
    calls = await read_calls(run.sandbox, account_id, run.stamps)
    answered = await read_answered(run.sandbox, account_id)
    decided, states = await read_record(run.api_url, run.account, run.phones)
    records = _of_account(records or await read_records(run.kafka, run.since), account_id)
    return History(
        answered=tuple(answered),
        inbound=tuple(records.inbound),
        requested=tuple(records.requested),
        told=tuple(records.told),
        changed=tuple(records.changed),
        published=tuple(records.published),
        decided=tuple(decided),
        calls=tuple(calls),
        received=tuple(received),
        outages=tuple(run.outages),
        unreadable=tuple(records.unreadable),
        parked=tuple(records.parked),
        states=states,
        read_at=datetime.now(UTC),
    )


def _of_account(records: KafkaRecords, account_id: str) -> KafkaRecords:
    return KafkaRecords(
        inbound=[r for r in records.inbound if r.event.account_id == account_id],
        requested=[r for r in records.requested if r.request.account_id == account_id],
        told=[r for r in records.told if r.event.account_id == account_id],
        changed=[r for r in records.changed if r.event.account_id == account_id],
        published=[r for r in records.published if r.event.account_id == account_id],
        unreadable=records.unreadable,
        parked=records.parked,
    )
