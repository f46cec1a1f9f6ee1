"""Which errors of Postgres are worth another try, and how the deadlines fit together."""

import asyncpg
import pytest

from services.optout.settings import optout_database
from services.sender.settings import sender_database
from shared.errors import MisconfiguredError, TransientError
from shared.kafka import SEND_SECONDS
from shared.postgres import IDLE_TRANSACTION_SECONDS, connection_from, until_available


class BrokenPool:
    """A pool whose connections fail with one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def acquire(self, *, timeout: float) -> "BrokenPool":
        assert timeout > 0
        return self

    async def __aenter__(self) -> None:
        raise self._error

    async def __aexit__(self, *_: object) -> None: ...


def test_whoever_waits_for_kafka_inside_a_transaction_is_not_ended_as_asleep() -> None:
    assert IDLE_TRANSACTION_SECONDS > SEND_SECONDS


@pytest.mark.parametrize("address", [optout_database("u"), sender_database("u")])
def test_a_statement_outlives_the_sleeper_whose_row_it_waits_for(address: object) -> None:
    assert address.statement_seconds > IDLE_TRANSACTION_SECONDS  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.IdleInTransactionSessionTimeoutError("asleep"),
        asyncpg.ReadOnlySQLTransactionError("a standby now"),
        asyncpg.InterfaceError("the connection is closed"),
    ],
)
async def test_an_unavailable_postgres_is_transient(error: Exception) -> None:
    with pytest.raises(TransientError):
        async with connection_from(BrokenPool(error)):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize(
    "error", [asyncpg.InFailedSQLTransactionError("ours"), asyncpg.DataError("ours"), asyncpg.UniqueViolationError("")]
)
async def test_a_mistake_of_ours_is_not(error: Exception) -> None:
    with pytest.raises(type(error)):
        async with connection_from(BrokenPool(error)):  # type: ignore[arg-type]
            pass


async def test_a_start_that_is_refused_is_not_tried_again() -> None:
    attempts = []

    async def prepare() -> None:
        attempts.append(len(attempts))
        raise MisconfiguredError("wrong") if len(attempts) > 1 else TransientError("not yet")

    with pytest.raises(MisconfiguredError, match="wrong"):
        await until_available(prepare, "STOPLINE_SOME_URL")
    assert attempts == [0, 1]
