"""Connections to a simulated Postgres, as the services use those of asyncpg."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from simulation.database import Database, DatabaseSession, MustWaitError
from simulation.network import settle
from simulation.virtual_loop import process_now

LOST_ANSWER_SHARE = 0.5


class SimulatedConnection:
    """A connection; its requests are answered in their order, after the time that they take on their way."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.session = DatabaseSession(database, process_now.get())
        self._free_at = 0.0
        self._asked: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._ways: dict[str, Callable[..., Any]] = dict(database.statements)

    def is_closed(self) -> bool:
        return self.session.ended is not None

    def terminate(self) -> None:
        self.session.end("closed")

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        found: list[Any] = await self._statement(sql, arguments)
        return found

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        found = await self._statement(sql, arguments)
        return found[0] if found else None

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        found = await self._statement(sql, arguments)
        return found[0][0] if found else None

    async def cursor(self, sql: str, *arguments: Any) -> "SimulatedCursor":
        return SimulatedCursor(await self._statement(sql, arguments))

    async def execute(self, sql: str, *arguments: Any) -> Any:
        return await self._statement(sql, arguments)

    async def copy_records_to_table(self, table: str, *, records: Any, columns: Any) -> None:
        rows = [dict(zip(columns, each, strict=True)) for each in records]
        await self._statement(f"COPY {table}", (rows,))

    @asynccontextmanager
    async def transaction(self, **_: Any) -> AsyncIterator[None]:
        await self._ask(self.session.begin)
        try:
            yield
        except BaseException:
            if self.session.ended is None:
                await asyncio.shield(self._ask(self.session.roll_back))
            raise
        await self._ask(self.session.commit)

    async def _statement(self, sql: str, arguments: Any) -> Any:
        way = self._ways.get(sql)
        if way is None:
            raise AssertionError(f"the simulated Postgres does not know: {sql}")
        return await self._ask(lambda: self.session.run(lambda session: way(session, *arguments)))

    async def _ask(self, serve: Callable[[], Any]) -> Any:
        self.session.check()
        network = self.database.network
        answer: asyncio.Future[Any] = network.loop.create_future()
        arrives = max(self._free_at, network.loop._now + network.delay())
        self._free_at = arrives
        self._asked.append((serve, answer))
        network.outside(arrives - network.loop._now, self._serve_next)
        return await answer

    def _serve_next(self) -> None:
        """Serve what was asked first: a roll-back comes after the statement that was given up."""
        network = self.database.network
        if self.session.process.is_dead:
            return
        if wait := network.until_up(self.database.name):
            network.outside(wait + network.delay(), self._serve_next)
            return
        self._serve(*self._asked.popleft())

    def _serve(self, serve: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
        network = self.database.network
        result, error = None, None
        try:
            result = serve()
        except MustWaitError as waiting:
            self._wait(waiting.holder, serve, answer)
            return
        except Exception as raised:  # Postgres' refusal, whatever it is
            error = raised
        self.session.waits_for = None
        delay = network.delay()
        if error is None and delay > 0.6 and network.random.random() < LOST_ANSWER_SHARE:
            # The connection breaks with the answer: what was done is done.
            network.note(f"{self.database.name}: an answer to {self.session.process.name} is lost")
            self.session.end("the connection is lost")
            result, error = None, asyncpg.ConnectionDoesNotExistError("the connection is lost")
        network.outside(delay, settle, answer, result, error)

    def _wait(self, holder: DatabaseSession, serve: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
        """Run it again once the holder has ended; a circle of waiting ends here, as Postgres ends it."""
        self.session.waits_for = holder
        each: DatabaseSession | None = holder
        while each is not None:
            if each is self.session:
                self.session.waits_for = None
                self.session.roll_back()
                settle(answer, None, asyncpg.DeadlockDetectedError("deadlock detected"))
                return
            each = each.waits_for
        holder.after(lambda: self._serve_again(serve, answer))

    def _serve_again(self, serve: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
        self.session.waits_for = None
        if answer.cancelled() or self.session.ended is not None:
            if self.session.ended is not None:
                settle(answer, None, asyncpg.ConnectionDoesNotExistError(self.session.ended))
            return
        self._serve(serve, answer)


class SimulatedCursor:
    """The rows of a query, as they were when it was made."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    async def fetch(self, limit: int) -> list[Any]:
        found, self._rows = self._rows[:limit], self._rows[limit:]
        return found


class SimulatedPool:
    """A pool of connections of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: list[SimulatedConnection] = []

    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncIterator[SimulatedConnection]:
        connection = self._free.pop() if self._free else SimulatedConnection(self._database)
        while connection.is_closed():
            connection = self._free.pop() if self._free else SimulatedConnection(self._database)
        try:
            yield connection
        finally:
            if not connection.is_closed() and not connection.session.in_transaction:
                self._free.append(connection)
            elif not connection.is_closed():
                connection.terminate()

    async def close(self) -> None:
        return

    def terminate(self) -> None:
        for each in self._free:
            each.terminate()
