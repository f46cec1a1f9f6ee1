"""What delivery events say of the messages that a reply may answer, without a database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from services.optout.decision_log.deliveries import record_deliveries
from shared.events.delivery import AnyDeliveryEvent, MessageDispatching, MessageRejected, delivery_event_id
from shared.postgres import Connection

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PHONE = "+14155550123"


class Statements:
    """A connection that keeps what it is given."""

    def __init__(self) -> None:
        self.executed: list[tuple[str, tuple[Any, ...]]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def fetchval(self, _statement: str, *_values: Any) -> int:
        return 1

    async def execute(self, statement: str, *values: Any) -> None:
        self.executed.append((statement, values))


async def recorded(events: Sequence[AnyDeliveryEvent]) -> list[tuple[str, tuple[Any, ...]]]:
    statements = Statements()
    await record_deliveries(cast("Connection", statements), 0, 0, len(events), events)
    return statements.executed


def dispatching(instruction: str, at: datetime = NOON) -> MessageDispatching:
    return MessageDispatching(
        event_id=delivery_event_id("demo", "m-1", "message_dispatching"),
        occurred_at=at,
        account_id="demo",
        message_id="m-1",
        list_id=7,
        phone=PHONE,
        sender_number="+18335550101",
        decision_started_at=at,
        instruction=instruction,
    )


def rejected(*, by_gate: bool) -> MessageRejected:
    return MessageRejected(
        event_id=delivery_event_id("demo", "m-1", "message_rejected") if by_gate else uuid4(),
        occurred_at=NOON,
        account_id="demo",
        message_id="m-1",
        phone=PHONE,
        reason="no_way_out",
        detail="body: it does not say how to opt out",
    )


async def test_a_message_that_the_gate_rejected_is_answered_by_nobody() -> None:
    (statement, values), (kept, dropped) = await recorded([rejected(by_gate=True)])
    assert "UPDATE sent_messages" in statement
    assert values == (["demo"], ["m-1"], ["failed"])
    assert "INSERT INTO dropped_messages" in kept
    assert [column[0] for column in dropped[:3]] == ["demo", "m-1", PHONE]


async def test_a_parked_record_with_the_id_of_a_message_says_nothing_of_that() -> None:
    assert await recorded([rejected(by_gate=False)]) == []


async def test_a_message_that_is_announced_again_has_the_instruction_that_it_left_with() -> None:
    first, second = (
        dispatching("Reply STOP to opt out"),
        dispatching("Reply END to opt out", NOON + timedelta(seconds=5)),
    )
    ((statement, values),) = await recorded([first, second])
    assert values[-3:] == ([NOON], ["Reply END to opt out"], [None])
    assert "instruction = coalesce(excluded.instruction, m.instruction)" in statement
