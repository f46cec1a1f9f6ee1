"""Which errors of Postgres are worth another try, and how the deadlines fit together."""

from typing import Any

import asyncpg
import pytest

from services.optout.settings import optout_database
from services.sender.settings import sender_database
from shared.errors import MisconfiguredError, TransientError
from shared.kafka import SEND_SECONDS
from shared.postgres import (
    IDLE_TRANSACTION_SECONDS,
    DatabaseAddress,
    connection_from,
    open_pool_to_read,
    until_available,
)


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


ADDRESS = DatabaseAddress("postgresql://links@db.example/optout", "STOPLINE_SOME_URL", 15)


def opening(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    """Have connections that are opened fail with the error; return how many each pool was to open."""
    opened: list[int] = []

    async def create(*_: object, min_size: int, **__: Any) -> str:
        opened.append(min_size)
        if min_size:
            raise error
        return "a pool"

    monkeypatch.setattr(asyncpg, "create_pool", create)
    return opened


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError('password authentication failed for user "links"'),
        asyncpg.InvalidAuthorizationSpecificationError('role "links" does not exist'),
        asyncpg.InvalidCatalogNameError('database "optout" does not exist'),
    ],
)
async def test_a_pool_that_could_do_without_postgres_refuses_a_wrong_login(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    opening(monkeypatch, error)
    with pytest.raises(MisconfiguredError, match="STOPLINE_SOME_URL: "):
        await open_pool_to_read(ADDRESS, 4, 1)


async def test_a_pool_that_can_do_without_postgres_connects_later(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = opening(monkeypatch, ConnectionRefusedError())
    assert await open_pool_to_read(ADDRESS, 4, 1) == "a pool"  # type: ignore[comparison-overlap]
    assert opened == [4, 0]
