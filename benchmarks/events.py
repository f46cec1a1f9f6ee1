"""Events without their models, against their models: what the sender publishes, and the suppressions that it reads.

Both are the CPU time of one event, of the best round.

    python -m benchmarks.events [--quick]
"""

import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from benchmarks.rows import Row, row, table
from services.sender.ledger.model import Row as LedgerRow
from services.sender.report import SOURCE, outcome_event
from shared.events.codec import cloud_event_headers, encode
from shared.events.delivery import MessageSuppressed, delivery_event_id
from shared.events.suppression import SuppressionChanged
from shared.producer import OutgoingRecord
from shared.suppressions import read
from shared.suppressions.placement import partitions_of

_ROUNDS = 5
_NOW = datetime.now(UTC)
_CAUSE = UUID("24b6fe34-41a8-4052-aa12-0343c57102c9")


async def run(_: str, quick: bool) -> list[Row]:
    return _rows(10_000 if quick else 100_000)


def _rows(events: int) -> list[Row]:
    rows = [
        LedgerRow("bench", f"m-{n}", 7, f"+1415{n:07}", "ACME", "suppressed", "opted_out list:7", _NOW, _NOW)
        for n in range(events)
    ]
    records = _suppressions(events)
    quickly = _microseconds(lambda: [*read.PartitionReader(0, 1).steps(records)], events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "_CANONICAL", re.compile(rb"(?!)"))  # matches nothing
        validated = _microseconds(lambda: [*read.PartitionReader(0, 1).steps(records)], events)
    return [
        row(
            "sender, an event without its model",
            _microseconds(lambda: [*map(outcome_event, rows)], events),
            "µs",
            _microseconds(lambda: [*map(_by_model, rows)], events),
            "≤ 0.6",
        ),
        row("cache, a suppression read by its pattern", quickly, "µs", validated, "≤ 0.6"),
    ]


def _suppressions(count: int) -> list[Any]:
    phones = [f"+1415{n:07}" for n in range(count)]
    events = [
        SuppressionChanged(
            account_id="bench", scope="list:1", phone=phone, state="opted_out", cause_event_id=_CAUSE, changed_at=_NOW
        )
        for phone in phones
    ]
    assert set(partitions_of([phone.encode() for phone in phones], 1)) == {0}
    return [SimpleNamespace(key=event.key(), value=encode(event), offset=n) for n, event in enumerate(events)]


def _by_model(row: LedgerRow) -> OutgoingRecord:
    event = MessageSuppressed(
        event_id=delivery_event_id(row.account_id, row.message_id, "message_suppressed"),
        occurred_at=row.changed_at,
        account_id=row.account_id,
        message_id=row.message_id,
        list_id=row.list_id,
        phone=row.phone,
        sender_number=row.sender_number,
        scope="list:7",
        state="opted_out",
        decision_started_at=row.decision_started_at,
    )
    return OutgoingRecord(event.phone.encode(), encode(event), cloud_event_headers(event, SOURCE))


def _microseconds(work: Callable[[], Any], events: int) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        rounds.append(time.process_time() - started)
    return min(rounds) / events * 1e6


if __name__ == "__main__":
    print(table(_rows(10_000 if "--quick" in sys.argv else 100_000)))
