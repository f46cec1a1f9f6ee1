"""The statements of the opt-out pipeline, as functions over a simulated database: each does what its SQL says.

They are found by the text of the SQL: one that is not known stops the run.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg

from services.optout.decision_log import (
    deliveries,
    drops,
    follow_ups,
    frequency_caps,
    gate_settings,
    load,
    merged,
    partition_changes,
    position,
    sending_hours,
    states,
    stored_policies,
    stored_rules,
    topics,
    who_wrote,
    write,
)
from simulation.database import DatabaseSession, TableRow
from simulation.sql_of_positions import (
    NEW_POSITION,
    ask_for_repair,
    end_holders,
    is_decided,
    is_to_be_repaired,
    look_at_position,
    move_deliveries,
    move_position,
    read_position,
    read_topics,
    save_position,
    save_topics,
)
from simulation.sql_rows import first, newest, row_maker

_SUPPRESSION = (
    "account_id", "phone", "scope", "state", "sender_number", "sent_at", "cause_event_id", "untimed_at", "source",
    "gateway", "list_word", "list_word_until",
)  # fmt: skip
_SENT = (
    "account_id", "phone", "message_id", "list_id", "sender_number", "carrier_message_id", "outcome", "dispatched_at",
    "instruction", "confirms",
)  # fmt: skip
_CHANGED = (
    "account_id", "scope", "phone", "state", "cause_event_id", "sender_number", "sent_at", "untimed_at", "changed_at",
    "source", "gateway",
)  # fmt: skip
_Row, _Account = row_maker(), row_maker("account_id", "revision", "opt_out_confirmations")
_Gate = row_maker(
    "account_id", "gate_policy", "gate_instruction", "exempts_conversational", "opt_out_confirmations", "has_rules"
)
_RANKS = {"dispatching": 1, "unknown": 2, "sent": 3, "failed": 4}


def known(session: DatabaseSession, event_ids: list[Any]) -> list[Any]:
    found = ((UUID(str(each)), session.get("decisions", (UUID(str(each)),))) for each in event_ids)
    return [_Row((event_id, row["entry"], row["body"])) for event_id, row in found if row is not None]


def stored(session: DatabaseSession, partition: int, from_offset: int, to_offset: int) -> list[Any]:
    base = (session.get("partition_positions", (partition,)) or NEW_POSITION)["inbound_base"]
    rows = [
        row
        for row in session.rows("decisions")
        if row["partition"] == partition and from_offset + base <= row["inbound_offset"] < to_offset + base
    ]
    return [_Row((row["entry"],)) for row in sorted(rows, key=lambda row: row["sequence"])]


def copy_decisions(session: DatabaseSession, rows: list[TableRow]) -> None:
    for row in rows:
        key = (UUID(str(row["event_id"])),)
        place = ("by_sequence", row["partition"], row["sequence"])
        session.lock("decisions", key)
        if session.get("decisions", key) is not None or session.get("decisions_by_sequence", place) is not None:
            raise asyncpg.UniqueViolationError(f"decisions: {key}")
        session.put("decisions_by_sequence", place, {})
        session.put("decisions", key, row)


def last(session: DatabaseSession, partition: int, accounts: list[str], phones: list[str]) -> list[Any]:
    wanted, found = set(zip(accounts, phones, strict=True)), dict[tuple[str, str], int]()
    for row in session.rows("decisions"):
        key = row["account_id"], row["phone"]
        if key in wanted and row["partition"] == partition:
            found[key] = max(found.get(key, 0), row["sequence"])
    return [_Row((*key, sequence)) for key, sequence in sorted(found.items())]


def suppressions(session: DatabaseSession, accounts: list[str], phones: list[str]) -> list[Any]:
    wanted = set(zip(accounts, phones, strict=True))
    return [
        _Row(row[name] for name in _SUPPRESSION)
        for row in session.rows("suppressions")
        if (row["account_id"], row["phone"]) in wanted
    ]


def all_states(session: DatabaseSession) -> list[Any]:
    names = ("account_id", "scope", "phone", "state", "cause_event_id", "changed_at")
    return [row_maker(*names)(row[name] for name in names) for row in session.rows("suppressions")]


def decided_after(session: DatabaseSession, later: UUID, earlier: UUID) -> list[Any]:
    one, other = (session.get("decisions", (UUID(str(each)),)) for each in (later, earlier))
    is_known = one is not None and other is not None and one["partition"] == other["partition"]
    return [_Row((is_known and one["inbound_offset"] > other["inbound_offset"],))]


def _sent_to(session: DatabaseSession, account_id: str, phone: str) -> list[TableRow]:
    rows = (row for row in session.rows("sent_messages") if (row["account_id"], row["phone"]) == (account_id, phone))
    return sorted(rows, key=lambda row: row["dispatched_at"], reverse=True)


def sent(session: DatabaseSession, *arguments: Any) -> list[Any]:
    *columns, since, limit = arguments
    found = []
    for account_id, phone, number, latest in zip(*columns, strict=True):
        rows = [
            row
            for row in _sent_to(session, account_id, phone)
            if row["outcome"] != "failed" and number in (None, row["sender_number"]) and row["dispatched_at"] >= since
        ]
        before = [row for row in rows if row["dispatched_at"] <= latest]
        after = [row for row in rows if row["dispatched_at"] > latest]
        found += [*before[:limit], *after[:limit]]
    return [_Row(row[name] for name in _SENT) for row in found]


def pointed_at(session: DatabaseSession, *columns: Any) -> list[Any]:
    return [
        _Row(row[name] for name in _SENT)
        for account_id, phone, message_id, carrier_id in zip(*columns, strict=True)
        for row in _sent_to(session, account_id, phone)
        if (message_id is not None and row["message_id"] == message_id)
        or (carrier_id is not None and row["carrier_message_id"] == carrier_id)
    ]


def sent_to(session: DatabaseSession, accounts: list[str], phones: list[str]) -> list[Any]:
    return [
        row_maker("account_id", "phone")(key)
        for key in dict.fromkeys(zip(accounts, phones, strict=True))
        if any(row["outcome"] != "failed" for row in _sent_to(session, *key))
    ]


def change_states(session: DatabaseSession, *columns: Any) -> None:
    *states, words, ends = columns
    rows = list(zip(*states, words, ends, strict=True))
    for row in rows:
        session.lock("suppressions", (row[0], row[2], row[1]))
    for row in rows:
        new = dict(zip((*_CHANGED, "list_word", "list_word_until"), row, strict=True))
        session.put("suppressions", (row[0], row[2], row[1]), new)


def strengthen_states(session: DatabaseSession, *columns: Any) -> None:
    for row in zip(*columns, strict=True):
        again = dict(zip((*_CHANGED, "keeps_number"), row, strict=True))
        key = (again["account_id"], again["phone"], again["scope"])
        before = session.get("suppressions", key)
        if before is not None:
            session.lock("suppressions", key)
            session.put("suppressions", key, _strengthened(session.get("suppressions", key) or before, again))


def _strengthened(before: TableRow, again: TableRow) -> TableRow:
    if before["source"] == "link" and again["state"] is not None:
        sent_at = again["sent_at"]
    elif before["source"] == "link" and again["source"] != "link":
        sent_at = newest((before["sent_at"], again["sent_at"], again["untimed_at"]))
    else:
        sent_at = newest((before["sent_at"], again["sent_at"]))
    source = before if again["state"] is None else again
    return {
        **before,
        **{name: first(again[name], before[name]) for name in ("state", "cause_event_id", "changed_at")},
        "sender_number": before["sender_number"] if again["keeps_number"] else again["sender_number"],
        "sent_at": sent_at,
        "untimed_at": newest((before["untimed_at"], again["untimed_at"])),
        "source": source["source"],
        "gateway": source["gateway"],
        "list_word": None,
        "list_word_until": None,
    }


def save_sent(session: DatabaseSession, *columns: Any) -> None:
    names = (
        "account_id", "message_id", "list_id", "phone", "sender_number", "carrier_message_id", "outcome",
        "dispatched_at", "instruction", "confirms",
    )  # fmt: skip
    for row in zip(*columns, strict=True):
        new = dict(zip(names, row, strict=True))
        key = (new["account_id"], new["message_id"])
        session.lock("sent_messages", key)
        before = session.get("sent_messages", key)
        session.put("sent_messages", key, new if before is None else _later(before, new))


def _later(before: TableRow, new: TableRow) -> TableRow:
    kept = {name: first(new[name], before[name]) for name in ("instruction", "confirms", "carrier_message_id")}
    outcome = max((before["outcome"], new["outcome"]), key=_RANKS.__getitem__)
    return {**before, **kept, "dispatched_at": min(before["dispatched_at"], new["dispatched_at"]), "outcome": outcome}


def save_later(session: DatabaseSession, accounts: list[str], messages: list[str], outcomes: list[str]) -> None:
    for account_id, message_id, outcome in zip(accounts, messages, outcomes, strict=True):
        key = (account_id, message_id)
        if session.get("sent_messages", key) is not None:
            session.lock("sent_messages", key)
            row = session.get("sent_messages", key) or {}
            if _RANKS[outcome] > _RANKS[row["outcome"]]:
                session.put("sent_messages", key, {**row, "outcome": outcome})


def save_drops(session: DatabaseSession, accounts: list[str], messages: list[str], *_: Any) -> None:
    for key in zip(accounts, messages, strict=True):
        session.lock("dropped_messages", key)
        if session.get("dropped_messages", key) is None:
            session.put("dropped_messages", key, {})


def lists(session: DatabaseSession, accounts: list[str]) -> list[Any]:
    return [
        _Row((row["account_id"], row["list_id"]))
        for row in session.rows("contact_lists")
        if row["account_id"] in accounts
    ]


def accounts_of(session: DatabaseSession) -> list[str]:
    return [row["account_id"] for row in session.rows("accounts")]


def _none(session: DatabaseSession, *_: Any) -> list[Any]:
    """Return nothing: no simulated account has any of it."""
    return []


STATEMENTS: dict[str, Callable[..., Any]] = {
    position._READ: read_position,
    position._MOVE: move_position,
    position._LOOK: look_at_position,
    position._IS_DECIDED: is_decided,
    position._SAVE: save_position,
    position._END_HOLDERS: end_holders,
    deliveries._MOVE: move_deliveries,
    deliveries._SAVE_SENT: save_sent,
    deliveries._SAVE_LATER: save_later,
    drops._SAVE: save_drops,
    topics._READ: read_topics,
    topics._SAVE: save_topics,
    topics._TO_REPAIR: is_to_be_repaired,
    topics._ASK_FOR_REPAIR: ask_for_repair,
    states._STATES: all_states,
    states._DECIDED_AFTER: decided_after,
    load._KNOWN: known,
    load._STORED: stored,
    load._LAST: last,
    load._SUPPRESSIONS: suppressions,
    load._SENT: sent,
    load._POINTED_AT: pointed_at,
    who_wrote._SENT_TO: sent_to,
    who_wrote._COUNTRIES: _none,
    "COPY decisions": copy_decisions,
    write.CHANGE_STATES: change_states,
    write.STRENGTHEN_STATES: strengthen_states,
    follow_ups._ON_ITS_WAY: _none,
    gate_settings._UNTIL: lambda *_: [_Row(("10",))],
    gate_settings._CHANGED: lambda *_: [_Row(("10", None, None, False))],
    gate_settings._ACCOUNT_IDS: lambda session: [_Row((each,)) for each in accounts_of(session)],
    gate_settings._LISTS: lists,
    gate_settings._ACCOUNTS: lambda session, wanted: [
        _Gate((each, "reject", None, False, "[]", False)) for each in accounts_of(session) if each in wanted
    ],
    sending_hours._LOAD: _none,
    frequency_caps._CAPS: _none,
    stored_rules._REVISIONS: lambda session, wanted: [
        _Account((each, None, "[]")) for each in accounts_of(session) if each in wanted
    ],
    stored_rules._RULES: _none,
    stored_policies._POLICIES: _none,
    merged._WAITING: _none,
    partition_changes._FORMER: _none,
}
