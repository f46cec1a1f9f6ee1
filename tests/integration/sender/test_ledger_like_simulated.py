"""The simulated ledger (`tests/simulation`) does what the real Postgres does: the same operations, the same results."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from simulation.alone import played
from simulation.sql_of_ledger import STATEMENTS

from services.sender.ledger.model import RowUpdate
from services.sender.ledger.rows import (
    find,
    lock_calls_without_result,
    lock_lost_calls,
    settle,
    settle_locked,
    write_rows,
)
from shared.events.outbound import MessageRequested
from shared.postgres import Pool, connection_from

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
OWNERS = (1, 2)
STATES = ("pending", "sent", "failed", "unknown")
Step = tuple[str, int, list[int], list[str], bool]
"""What is done, by which owner, to which messages, to which states, and whether it is undone."""


def steps_of(random: Random) -> list[Step]:
    kinds = ("claim", "claim", "drop", "settle", "settle", "settle", "lost", "receipt", "find")
    return [
        (
            random.choice(kinds),
            random.choice(OWNERS),
            random.sample(range(6), random.randrange(1, 4)),
            [random.choice(STATES) for _ in range(3)],
            random.random() < 0.2,
        )
        for _ in range(40)
    ]


async def play(pool: Any, account_id: str, steps: Sequence[Step]) -> list[Any]:
    """Return what each step returned, but for times."""
    results = []
    for step in steps:
        async with connection_from(pool) as connection:
            try:
                async with connection.transaction():
                    results.append(await do(connection, account_id, step))
                    undo(step)
            except LookupError:
                results.append("undone")
    return results


def undo(step: Step) -> None:
    if step[-1]:
        raise LookupError("undone")


async def do(connection: Any, account_id: str, step: Step) -> Any:
    kind, owner, numbers, states, _ = step
    messages = [message(account_id, number) for number in numbers]
    keys = [(account_id, each.message_id) for each in messages]
    match kind:
        case "claim" | "drop":
            state = "dispatching" if kind == "claim" else "suppressed"
            detail = None if kind == "claim" else "opted_out account"
            written = await write_rows(connection, owner, state, [(each, detail) for each in messages], AT)
            return sorted(written.not_ours)
        case "settle":
            updates = [
                RowUpdate(key, state, state, is_throttled=state == "pending" and owner == 1)
                for key, state in zip(keys, states, strict=False)
            ]
            found = await settle(connection, owner, updates, timedelta(hours=1))
            return sorted((key, each.state, each.detail) for key, each in found.items())
        case "lost":
            ago = timedelta(seconds=-1)
            rows = await lock_lost_calls(connection, owner, ago, ago, 10_000)
            rows = [row for row in rows if row.account_id == account_id]
            await settle_locked(connection, [RowUpdate(row.key, "unknown", "lost") for row in rows])
            return sorted(row[:7] for row in rows)
        case "receipt":
            rows = await lock_calls_without_result(connection, keys)
            await settle_locked(connection, [RowUpdate(row.key, "sent", "by receipt") for row in rows])
            return [row[:7] for row in rows]
    return sorted(row[:8] for row in (await find(connection, keys)).values())


def message(account_id: str, number: int) -> MessageRequested:
    return MessageRequested(
        account_id=account_id, message_id=f"m{number}", list_id=number + 1, phone=f"+3161234567{number}",
        sender_number="ACME", body="Hi. STOP to end",
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
async def test_the_same_steps_have_the_same_results_on_postgres_and_simulated(seed: int, pool: Pool) -> None:
    account_id, steps = f"like-{uuid4().hex[:12]}", steps_of(Random(seed))  # noqa: S311 (the same steps each time)
    real = await play(pool, account_id, steps)
    simulated, _ = played(STATEMENTS, lambda its: play(its, account_id, steps))
    assert simulated == real
