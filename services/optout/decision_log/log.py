"""The decision log of one partition: what the pipeline needs of it, and how Postgres provides it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from services.optout.decision_log.batch import Batch, record_batch
from services.optout.decision_log.entry import Entry
from services.optout.decision_log.load import load_entries
from services.optout.decision_log.merged import SuppressionKey, count_merged, load_merged, note_published
from services.optout.decision_log.position import Position, move_position, read_position
from services.optout.decision_log.stored_rules import StoredRules
from shared.events.suppression import SuppressionChanged
from shared.postgres import Pool, connection_from


class DecisionLog(Protocol):
    """A decision log. Positions only move forward, from where the caller knows them to be: of two writers one loses."""

    async def position(self) -> Position:
        """Return where the partition is."""

    async def entries(self, from_offset: int, to_offset: int) -> list[Entry]:
        """Return what was decided for the offsets from `from_offset` up to, not with, `to_offset`."""

    async def decide(self, batch: Batch) -> tuple[list[Entry], Position]:
        """Decide and record the batch, all or nothing; return the new entries and the new position.

        Raises:
            PositionMovedError: the position is not at the batch's `expected`.
        """

    async def move(self, expected: int, next_offset: int) -> Position:
        """Move the position over what needs no decision.

        Raises:
            PositionMovedError: the position is not at `expected`.
        """

    async def merged(self) -> tuple[list[SuppressionKey], Position]:
        """Return the keys whose states a merge of spellings has changed and that are not published, and the position.

        The position counts them.
        """

    async def states(self, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
        """Return their states as they are now."""

    async def note_published(self, keys: list[SuppressionKey]) -> None:
        """Note that they are published."""


class PostgresDecisionLog:
    """The decision log in the database `optout`; all partitions of a process share the `rules` that it keeps."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with)
        self,
        pool: Pool,
        rules: StoredRules,
        partition: int,
        partitions: int,
        window: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._rules = rules
        self._partition = partition
        self._partitions = partitions
        self._window = window
        self._now = now

    async def position(self) -> Position:
        async with connection_from(self._pool) as connection:
            return await read_position(connection, self._partition)

    async def entries(self, from_offset: int, to_offset: int) -> list[Entry]:
        async with connection_from(self._pool) as connection:
            return await load_entries(connection, self._partition, from_offset, to_offset)

    async def decide(self, batch: Batch) -> tuple[list[Entry], Position]:
        async with connection_from(self._pool) as connection:
            return await record_batch(connection, batch, self._rules, self._now(), self._window)

    async def move(self, expected: int, next_offset: int) -> Position:
        async with connection_from(self._pool) as connection:
            return await move_position(connection, self._partition, expected, next_offset)

    async def merged(self) -> tuple[list[SuppressionKey], Position]:
        async with connection_from(self._pool) as connection:
            return await count_merged(connection, self._partition, self._partitions)

    async def states(self, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
        async with connection_from(self._pool) as connection:
            return await load_merged(connection, keys)

    async def note_published(self, keys: list[SuppressionKey]) -> None:
        async with connection_from(self._pool) as connection:
            await note_published(connection, keys)
