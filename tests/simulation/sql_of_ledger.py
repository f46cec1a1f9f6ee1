"""The statements of the sender's ledger, as functions over a simulated database: each does what its SQL says."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from services.sender.ledger import references, rows
from simulation.database import DatabaseSession, Key, TableRow
from simulation.sql_rows import first, lines, row_maker

_COLUMNS = (
    "account_id", "message_id", "list_id", "phone", "sender_number", "state", "detail", "decision_started_at",
    "changed_at",
)  # fmt: skip
_Row = row_maker()


def _now(session: DatabaseSession) -> datetime:
    """Return what `now()` is: the start of the transaction."""
    return session.database.network.wall(session.started_at - session.database.network.loop._now)


def _found(session: DatabaseSession, accounts: list[str], messages: list[str]) -> Iterator[tuple[Key, TableRow]]:
    for key in zip(accounts, messages, strict=True):
        row = session.get("messages", key)
        if row is not None:
            yield key, row


def find(session: DatabaseSession, accounts: list[str], messages: list[str]) -> list[Any]:
    return [_Row(row[name] for name in _COLUMNS) for _, row in _found(session, accounts, messages)]


def write_rows(session: DatabaseSession, *arguments: Any) -> list[Any]:
    accounts, messages, list_ids, phones, numbers, details, state, started_at, owner = arguments
    given = zip(*map(lines, (accounts, messages, list_ids, phones, numbers)), details.split("\n"), strict=True)
    written, now = [], _now(session)
    for account_id, message_id, list_id, phone, number, detail in given:
        key = (account_id, message_id)
        session.lock("messages", key)
        before = session.get("messages", key)
        if before is not None and before["state"] != "pending":
            continue
        values = account_id, message_id, int(list_id), phone, number, state, detail or None, started_at, now
        kept = before or {"throttled_since": None, "cancel_asked": False}
        session.put("messages", key, {**kept, **dict(zip(_COLUMNS, values, strict=True)), "owner": owner})
        written.append(_Row((account_id, message_id, now)))
    return written


def settle(session: DatabaseSession, *arguments: Any) -> list[Any]:
    accounts, messages, states, details, owner, throttled, throttled_for, cancelled = arguments
    settled, now = [], _now(session)
    for key, state, detail, is_throttled in zip(
        zip(accounts, messages, strict=True), states, details, throttled, strict=True
    ):
        if session.get("messages", key) is None:
            continue
        session.lock("messages", key)
        row = session.get("messages", key) or {}
        is_open = row["state"] == "dispatching" or (row["state"] == "unknown" and state in ("sent", "failed"))
        if row["owner"] != owner or not is_open:
            continue
        new = {**row, **_settled(row, state, detail, now, throttled_for if is_throttled else None), "changed_at": now}
        if state == "pending" and row["cancel_asked"]:
            new |= {"state": "rejected", "detail": cancelled}
        session.put("messages", key, new)
        settled.append(_Row((*key, new["state"], new["detail"], now)))
    return settled


def _settled(row: TableRow, state: str, detail: Any, now: datetime, throttled_for: timedelta | None) -> TableRow:
    if throttled_for is None:
        return {"state": state, "detail": detail}
    since = row["throttled_since"]
    is_over = since is not None and since < now - throttled_for
    return {"state": "failed" if is_over else state, "detail": detail, "throttled_since": first(since, now)}


def _locked(session: DatabaseSession, row: TableRow) -> Any:
    return _Row((*(row[name] for name in _COLUMNS[:-1]), _now(session)))


def lost_calls(
    session: DatabaseSession, older_than: timedelta, ownerless_after: timedelta, limit: int, own: int
) -> list[Any]:
    now, living = _now(session), session.database.advisory
    found = [
        row
        for row in session.rows("messages")
        if row["state"] == "dispatching"
        and row["owner"] != own
        and row["changed_at"] < now - ownerless_after
        and (row["changed_at"] < now - older_than or row["owner"] not in living)
        and not session.is_locked_by_another("messages", (row["account_id"], row["message_id"]))
    ]
    taken = sorted(found, key=lambda row: (row["changed_at"], row["message_id"]))[:limit]
    for row in taken:
        session.lock("messages", (row["account_id"], row["message_id"]))
    return [_locked(session, row) for row in taken]


def calls_without_result(session: DatabaseSession, accounts: list[str], messages: list[str]) -> list[Any]:
    found = []
    for key, _ in _found(session, accounts, messages):
        session.lock("messages", key)
        row = session.get("messages", key) or {}
        if row["state"] in ("dispatching", "unknown"):
            found.append(_locked(session, row))
    return sorted(found, key=lambda row: (row[0], row[1]))


def settle_locked(session: DatabaseSession, *columns: Any) -> None:
    for account_id, message_id, state, detail in zip(*columns, strict=True):
        row = session.get("messages", (account_id, message_id))
        if row is not None:
            changes = {"state": state, "detail": detail, "changed_at": _now(session)}
            session.put("messages", (account_id, message_id), {**row, **changes})


def take_lock(session: DatabaseSession, number: int) -> None:
    session.database.advisory[number] = session


STATEMENTS: dict[str, Callable[..., Any]] = {
    rows._FIND: find,
    rows._WRITE: write_rows,
    rows._SETTLE: settle,
    rows._LOST_CALLS: lost_calls,
    rows._WITHOUT_RESULT: calls_without_result,
    rows._SETTLE_LOCKED: settle_locked,
    references._WITHOUT_RESULT_OF_PHONES: lambda *_: [],
    "SELECT set_config('idle_session_timeout', $1, false)": lambda *_: None,
    "SELECT pg_advisory_lock($1)": take_lock,
    "SELECT": lambda *_: None,
}
