"""The statements about positions of partitions, as functions over a simulated database."""

from typing import Any

from simulation.database import DatabaseSession, TableRow
from simulation.sql_rows import row_maker

_POSITION = (
    "next_offset", "delivery_next_offset", "sequence", "head_hash", "suppressed_count", "suppressed_digest",
    "inbound_base", "read_from",
)  # fmt: skip
_TOPICS = ("inbound_topic", "delivery_topic", "suppressions_topic")
_PositionRow, _TopicsRow = row_maker(*_POSITION), row_maker(*_TOPICS)
NEW_POSITION: TableRow = {**dict.fromkeys(_POSITION, 0), **dict.fromkeys(_TOPICS), "head_hash": b""}
_OffsetRow, _Moved = row_maker("next_offset"), row_maker("delivery_next_offset")
_Holder = row_maker("pid", "role", "ended")
_IsDecided = row_maker("exists")


def read_position(session: DatabaseSession, partition: int) -> list[Any]:
    session.lock("partition_positions", (partition,))
    found = session.get("partition_positions", (partition,))
    row = NEW_POSITION if found is None else found
    session.put("partition_positions", (partition,), row)
    return [_PositionRow(row[name] for name in _POSITION)]


def _update_position(session: DatabaseSession, partition: int, where: TableRow, changes: TableRow) -> TableRow | None:
    """Change the row if it is as `where` says, once no other transaction has it."""
    if session.get("partition_positions", (partition,)) is None:
        return None
    session.lock("partition_positions", (partition,))
    row = session.get("partition_positions", (partition,)) or {}
    if any(row[name] != value for name, value in where.items()):
        return None
    session.put("partition_positions", (partition,), {**row, **changes})
    return {**row, **changes}


def move_position(session: DatabaseSession, partition: int, expected: int, next_offset: int) -> list[Any]:
    row = _update_position(session, partition, {"next_offset": expected}, {"next_offset": next_offset})
    return [] if row is None else [_PositionRow(row[name] for name in _POSITION)]


def is_decided(session: DatabaseSession, partition: int, next_offset: int) -> list[Any]:
    row = session.get("partition_positions", (partition,))
    return [_IsDecided((row is not None and row["next_offset"] >= next_offset,))]


def save_position(
    session: DatabaseSession, partition: int, sequence: int, head_hash: bytes, count: int, digest: int
) -> None:
    changes = {"sequence": sequence, "head_hash": head_hash, "suppressed_count": count, "suppressed_digest": digest}
    _update_position(session, partition, {}, changes)


def end_holders(session: DatabaseSession, partition: int) -> list[Any]:
    holder = session.database.locks.get(("partition_positions", (partition,)))
    if holder is None or holder is session:
        return []
    holder.end("terminated by an administrator")
    return [_Holder((1, "optout", True))]


def look_at_position(session: DatabaseSession, partition: int) -> list[Any]:
    row = session.get("partition_positions", (partition,))
    return [] if row is None else [_OffsetRow((row["next_offset"],))]


def ask_for_repair(session: DatabaseSession) -> None:
    for row_key in list(session.database.table("partition_positions")):
        _update_position(session, row_key[0], {}, {"suppressions_topic": "repair"})


def is_to_be_repaired(session: DatabaseSession, partitions: list[int]) -> list[Any]:
    rows = (session.get("partition_positions", (each,)) for each in partitions)
    return [(any(row is not None and row["suppressions_topic"] == "repair" for row in rows),)]


def move_deliveries(session: DatabaseSession, partition: int, expected: int, next_offset: int) -> list[Any]:
    where, change = {"delivery_next_offset": expected}, {"delivery_next_offset": next_offset}
    return [] if _update_position(session, partition, where, change) is None else [_Moved((next_offset,))]


def read_topics(session: DatabaseSession, partition: int) -> list[Any]:
    row = session.get("partition_positions", (partition,))
    return [] if row is None else [_TopicsRow(row[name] for name in _TOPICS)]


def save_topics(session: DatabaseSession, partition: int, *names: str) -> None:
    _update_position(session, partition, {}, dict(zip(_TOPICS, names, strict=True)))
