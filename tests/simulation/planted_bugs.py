"""Planted bugs: each takes one guard out of the real code, for as long as a seed runs. The oracle must find them.

`found_by` is a seed that finds the bug, which a test replays; `make planted` searches for all of them again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import services.optout.decision_log.log as log_module
import services.optout.pipeline.session as session_module
import services.optout.pipeline.start as start_module
import services.optout.pipeline.worker as worker_module
import services.sender.carriers.client as client_module
import services.sender.carriers.write_deadline as deadline_module
import services.sender.ledger.rows as rows_module
import shared.suppressions.apply as apply_module
import shared.suppressions.fence as fence_module
from services.optout.decision_log import repetitions as repetitions_module
from services.optout.decision_log.repetitions import Identified
from services.optout.pipeline.publish import TransactionPublisher
from services.sender.carriers.carrier import NotCalled
from services.sender.dispatch import Dispatcher
from shared.suppressions.fence_pass import FencePass
from shared.suppressions.state import CacheState
from simulation import sql_of_decision_log, sql_of_ledger
from simulation.database import DatabaseSession

Put = Callable[[Any, str, Any], None]


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """A guard that is taken out: `removes` says which, `remove` does it, `guarantee` is what the oracle must say."""

    name: str
    removes: str
    guarantee: str
    remove: Callable[[Put], None]
    found_by: int


@contextmanager
def planted(bug: PlantedBug) -> Iterator[None]:
    """Have the bug in the code until the `with` block ends."""
    before: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        is_mapping = isinstance(owner, dict)
        before.append((owner, name, owner[name] if is_mapping else owner.__dict__[name]))
        if is_mapping:
            owner[name] = value
        else:
            setattr(owner, name, value)

    bug.remove(put)
    try:
        yield
    finally:
        for owner, name, value in reversed(before):
            if isinstance(owner, dict):
                owner[name] = value
            else:
                setattr(owner, name, value)


def _zombies_are_not_fenced(put: Put) -> None:
    """Every producer has an id of its own, and readers take watermarks of any session."""

    def pass_markers(self: Any, passed: Any) -> None:
        self._watermarks.advance(self._partition, passed.next_offset)

    put(apply_module.PartitionFollower, "_pass_markers", pass_markers)
    numbers, new_producer = count(), worker_module.new_transactional_producer
    put(
        worker_module, "new_transactional_producer",
        lambda kafka, name, **options: new_producer(kafka, f"{name}-{next(numbers)}", **options),
    )  # fmt: skip


def _answer_lost_is_not_called(put: Put) -> None:
    """A call whose answer is lost after the carrier accepted counts as one that was not made."""
    put(client_module, "Unknown", NotCalled)


def _no_wait_for_the_watermark(put: Put) -> None:
    """The fence appends its marker and does not wait until the cache has come so far."""

    async def mark(self: Any) -> int:
        return int(await self._markers.append(self._partition))

    put(fence_module._PartitionFence, "_mark", mark)
    _passes_are_not_looked_at_again(put)


def _no_marker(put: Put) -> None:
    """The fence waits for what is decided already, instead of for a marker of its own."""

    async def mark(self: Any) -> int:
        return int(self._cache.watermark(self._partition))

    put(fence_module._PartitionFence, "_mark", mark)
    _passes_are_not_looked_at_again(put)


def _passes_are_not_looked_at_again(put: Put) -> None:
    """Whoever has passed the fence is believed: where the cache looks again, it finds the marker that is not passed."""
    put(CacheState, "passed", lambda self, fence_pass: self)


def _old_decisions_are_sent(put: Put) -> None:
    """Neither the dispatcher nor the transport looks at the clock."""
    put(FencePass, "has_expired", lambda self, now: False)
    put(deadline_module, "boottime", lambda: 0.0)
    put(client_module, "boottime", lambda: 0.0)


def _claims_are_not_exclusive(put: Put) -> None:
    """A row that another process has written is ours all the same."""
    write = sql_of_ledger.write_rows

    def write_over(session: DatabaseSession, *arguments: Any) -> list[Any]:
        for key in zip(arguments[0].split("\n"), arguments[1].split("\n"), strict=True):
            row = session.get("messages", key)
            if row is not None:
                session.put("messages", key, {**row, "state": "pending"})
        return write(session, *arguments)

    put(sql_of_ledger.STATEMENTS, rows_module._WRITE, write_over)


def _no_claim_before_the_call(put: Put) -> None:
    """Messages are called without a row in the ledger, which is written afterwards."""

    async def claim(self: Any, chunk: Any) -> None:
        await self._owner.hold()

    put(Dispatcher, "_claim", claim)


def _replays_are_left_out(put: Put) -> None:
    """A worker starts where the decision log ends, whatever Kafka has of it."""
    choose = start_module.choose_start
    put(
        start_module, "choose_start",
        lambda position, committed, beginning, end: choose(position, max(position.next_offset, 0), beginning, end),
    )  # fmt: skip


def _watermark_before_the_commit(put: Put) -> None:
    """The watermark is published, and the suppressions of the same batch are not."""
    publish = TransactionPublisher.publish

    async def publish_less(self: Any, publication: Any) -> None:
        await publish(self, session_module.replace(publication, entries=()))

    put(TransactionPublisher, "publish", publish_less)


def _position_is_not_checked(put: Put) -> None:
    """Whoever writes decisions moves the position from wherever it is; repetitions are decided again."""

    def move(session: DatabaseSession, partition: int, expected: int, next_offset: int) -> list[Any]:
        row = session.get("partition_positions", (partition,))
        return sql_of_decision_log.move_position(session, partition, row["next_offset"] if row else 0, next_offset)

    put(sql_of_decision_log.STATEMENTS, _MOVE, move)


_MOVE = next(sql for sql, way in sql_of_decision_log.STATEMENTS.items() if way is sql_of_decision_log.move_position)


def _repetitions_count(put: Put) -> None:
    """What is decided already is decided again, under another id."""
    put(
        log_module, "identify",
        lambda event, offset, decided: Identified(
            repetitions_module._with_id_of_offset(event, offset) if decided.get(event.event_id) else event,
            may_be_repetition=False,
        ),
    )  # fmt: skip


def _restored_databases_go_unnoticed(put: Put) -> None:
    """Markers are passed wherever the position is."""

    async def check(self: Any) -> None:
        return

    put(session_module.WorkerSession, "_check_position", check)


PLANTED = (
    PlantedBug("zombie", "fencing of an earlier worker, by Kafka and by its epoch", "G1", _zombies_are_not_fenced, 5),
    PlantedBug(
        "answer-lost", "`unknown` for an answer lost after the carrier accepted", "G3", _answer_lost_is_not_called, 0
    ),
    PlantedBug("no-wait", "waiting for the watermark", "G1", _no_wait_for_the_watermark, 4),
    PlantedBug("no-marker", "the marker of the fence", "G4", _no_marker, 4),
    PlantedBug("old-decision", "the looks at the clock before the bytes leave", "G1", _old_decisions_are_sent, 149),
    PlantedBug("claim-over", "one owner for each row of the ledger", "G3", _claims_are_not_exclusive, 2),
    PlantedBug("no-claim", "the claim before the call", "G3", _no_claim_before_the_call, 2),
    PlantedBug("no-replay", "publishing again what was recorded and not published", "G2", _replays_are_left_out, 6),
    PlantedBug("watermark-alone", "a watermark only with what it vouches for", "G2", _watermark_before_the_commit, 0),
    PlantedBug("position", "moving the position only from where it is known to be", "G2", _position_is_not_checked, 4),
    PlantedBug("unnoticed", "the look at the position before markers", "G2", _restored_databases_go_unnoticed, 106),
    PlantedBug("repetition", "recognising what is decided already", "G2", _repetitions_count, 0),
)
