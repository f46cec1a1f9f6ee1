"""A simulated Postgres: rows with locks, transactions that read what is committed, and sessions that can be ended.

It knows no SQL. A statement is looked up by its text, which the services keep in constants, and runs as a function over
the tables (`sql_of_decision_log.py`, `sql_of_ledger.py`). A statement that has none here fails loudly.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import asyncpg

from simulation.network import Network
from simulation.virtual_loop import SimulatedProcess

IDLE_IN_TRANSACTION_SECONDS = 12.0
TableRow = dict[str, Any]
Key = tuple[Any, ...]


class MustWaitError(Exception):
    """A row that the statement changes is locked by another transaction."""

    def __init__(self, holder: "DatabaseSession") -> None:
        super().__init__("a row is locked")
        self.holder = holder


class Database:
    """The tables, each by its primary key; rows are replaced, never changed."""

    def __init__(self, network: Network, statements: Mapping[str, Callable[..., Any]], name: str) -> None:
        self.network = network
        self.name = name
        self.statements = statements
        self.tables: dict[str, dict[Key, TableRow]] = {}
        self.before: dict[tuple[str, Key], tuple[DatabaseSession, TableRow | None]] = {}
        """What others read of rows that a transaction has changed."""
        self.locks: dict[tuple[str, Key], DatabaseSession] = {}
        self.advisory: dict[int, DatabaseSession] = {}
        self.sessions: list[DatabaseSession] = []

    def table(self, name: str) -> dict[Key, TableRow]:
        return self.tables.setdefault(name, {})

    def committed(self, name: str) -> dict[Key, TableRow]:
        """Return a table as it is without what is not committed."""
        found = dict(self.table(name))
        for (table, key), (_, row) in self.before.items():
            if table == name and row is None:
                found.pop(key, None)
            elif table == name and row is not None:
                found[key] = row
        return found

    def backup(self) -> dict[str, dict[Key, TableRow]]:
        return {name: self.committed(name) for name in self.tables}

    def restore(self, tables: dict[str, dict[Key, TableRow]]) -> None:
        """Become what a backup was; every session ends."""
        for each in list(self.sessions):
            each.end("the database was restored")
        self.tables = {name: dict(rows) for name, rows in tables.items()}
        self.network.note(f"{self.name} is restored")


class DatabaseSession:
    """A session: at most one transaction, the rows it has locked, and how to undo what it has written."""

    def __init__(self, database: Database, process: SimulatedProcess) -> None:
        self.database = database
        self.process = process
        self.ended: str | None = None
        self.in_transaction = False
        self.started_at = 0.0
        self.waits_for: DatabaseSession | None = None
        self._undo: list[tuple[str, Key, TableRow | None]] = []
        self._locked: list[tuple[str, Key]] = []
        self._waiting: list[Callable[[], None]] = []
        self._statements = 0
        database.sessions.append(self)
        process.when_dead.append(lambda: self.end("the client is gone"))

    # What statements use.

    def get(self, table: str, key: Key) -> TableRow | None:
        changed = self.database.before.get((table, key))
        if changed is not None and changed[0] is not self:
            return changed[1]
        return self.database.table(table).get(key)

    def rows(self, table: str) -> Iterator[TableRow]:
        for key in list(self.database.table(table)):
            row = self.get(table, key)
            if row is not None:
                yield row

    def lock(self, table: str, key: Key) -> None:
        """Lock a row until the transaction ends; a statement locks all before it changes any."""
        holder = self.database.locks.get((table, key))
        if holder is None:
            self.database.locks[table, key] = self
            self._locked.append((table, key))
        elif holder is not self:
            raise MustWaitError(holder)

    def is_locked_by_another(self, table: str, key: Key) -> bool:
        return self.database.locks.get((table, key), self) is not self

    def put(self, table: str, key: Key, row: TableRow) -> None:
        self._note_before(table, key)
        self.database.table(table)[key] = row

    def delete(self, table: str, key: Key) -> None:
        self._note_before(table, key)
        self.database.table(table).pop(key, None)

    def _note_before(self, table: str, key: Key) -> None:
        self.lock(table, key)
        before = self.database.table(table).get(key)
        self._undo.append((table, key, before))
        self.database.before.setdefault((table, key), (self, before))

    # What connections use.

    def begin(self) -> None:
        self.check()
        self.in_transaction = True
        self.started_at = self.database.network.loop._now
        self._watch_idleness()

    def run(self, statement: Callable[["DatabaseSession"], Any]) -> Any:
        """Run a statement; outside of a transaction it is one by itself.

        Raises:
            MustWaitError: nothing has happened; run it again when the holder has ended.
        """
        self.check()
        self._statements += 1
        if not self.in_transaction:
            self.started_at = self.database.network.loop._now
        undone_to, locked_to = len(self._undo), len(self._locked)
        try:
            result = statement(self)
        except MustWaitError:
            self._roll_back_to(undone_to, locked_to if not self.in_transaction else None)
            raise
        except Exception:
            self._roll_back_to(undone_to, None)
            if not self.in_transaction:
                self._finish()
            raise
        if not self.in_transaction:
            self._finish()
        elif self.in_transaction:
            self._watch_idleness()
        return result

    def commit(self) -> None:
        self.check()
        self.in_transaction = False
        self._finish()

    def roll_back(self) -> None:
        if self.ended is None:
            self._roll_back_to(0, None)
            self.in_transaction = False
            self._finish()

    def end(self, why: str) -> None:
        """End the session as Postgres does where its client is gone, or an administrator says so."""
        if self.ended is not None:
            return
        self.roll_back()
        self.ended = why
        self.database.sessions.remove(self)
        for number in [each for each, holder in self.database.advisory.items() if holder is self]:
            del self.database.advisory[number]

    def check(self) -> None:
        if self.ended == "idle in transaction":
            raise asyncpg.IdleInTransactionSessionTimeoutError(self.ended)
        if self.ended is not None:
            raise asyncpg.ConnectionDoesNotExistError(self.ended)

    def after(self, callback: Callable[[], None]) -> None:
        """Call back once the transaction has ended."""
        self._waiting.append(callback)

    def _roll_back_to(self, undone_to: int, locked_to: int | None) -> None:
        while len(self._undo) > undone_to:
            table, key, before = self._undo.pop()
            if before is None:
                self.database.table(table).pop(key, None)
            else:
                self.database.table(table)[key] = before
        if locked_to is not None:
            while len(self._locked) > locked_to:
                del self.database.locks[self._locked.pop()]

    def _finish(self) -> None:
        self._undo.clear()
        for each in self._locked:  # whatever was written was locked first
            self.database.before.pop(each, None)
            del self.database.locks[each]
        self._locked.clear()
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def _watch_idleness(self) -> None:
        self._statements += 1
        at = self._statements

        def look() -> None:
            if self.in_transaction and self._statements == at and self.waits_for is None:
                self.database.network.note(f"{self.database.name}: {self.process.name} slept in its transaction")
                self.end("idle in transaction")

        self.database.network.outside(IDLE_IN_TRANSACTION_SECONDS, look)
