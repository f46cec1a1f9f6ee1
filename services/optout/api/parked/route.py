"""Parked records under `/v1/parked`, for operators: listed, shown with their bytes, replayed, dropped with a reason."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from aiokafka.errors import KafkaError
from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, StringConstraints

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import Admin, Operator
from services.optout.api.errors import ApiError
from services.optout.api.fields import MAX_ID, RequestBody, without_nul
from services.optout.api.operator_sessions import SESSION_SECONDS, operator_session
from services.optout.api.pages import After, cursor, keys_after
from services.optout.api.parked.answers import OperatorSession, ParkedPage, SettledRecord, ShownParked
from services.optout.api.parked.parked_record import ParkedRecord
from services.optout.api.parked.settled import SettledOutcome, SettledParked, settle, settled_of
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime, Runtime
from shared.errors import TransientError
from shared.events.base import format_time
from shared.kafka import within
from shared.postgres import Connection, connection_from

_PAGE = 50
_MAX_PAGE = 200
_SHOWN_BYTES = 256 * 1024
_TEXT_CHARACTERS = 160
_PUBLISH_SECONDS = 3.0

router = APIRouter(route_class=GuardedRoute)

ParkedPosition: TypeAlias = Annotated[int, Path(ge=0, le=MAX_ID)]
ParkedLimit: TypeAlias = Annotated[int, Query(ge=1, le=_MAX_PAGE)]
ParkedFilter: TypeAlias = Annotated[str | None, Query(max_length=100)]
Who: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(without_nul)
]


class Replay(RequestBody):
    by: Who


class Drop(RequestBody):
    """A record to be dropped: by whom, and why, in words that the next operator understands."""

    by: Who
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(without_nul)
    ]


@router.post("/v1/operator-session", status_code=201, dependencies=[Admin], response_model=OperatorSession)
async def create_operator_session(runtime: ApiRuntime) -> dict[str, str]:
    """Make a token that is valid for an hour, so that a browser need not keep the operator's own."""
    expires = int(datetime.now(UTC).timestamp()) + SESSION_SECONDS
    token = operator_session(runtime.settings.admin_token.get_secret_value(), expires)
    return {"token": token, "expires_at": format_time(datetime.fromtimestamp(expires, UTC))}


@router.get("/v1/parked", dependencies=[Operator], response_model=ParkedPage)
async def read_parked(  # noqa: PLR0913 (its filters)
    runtime: ApiRuntime,
    after: After = None,
    limit: ParkedLimit = _PAGE,
    reason: ParkedFilter = None,
    topic: ParkedFilter = None,
    *,
    settled: bool = False,
) -> dict[str, Any]:
    """Return records newest first; those that were replayed or dropped only with `settled`. A page looks at 1,000."""
    (end,) = keys_after(after, MAX_ID)
    window = await runtime.parked.before(end, limit)
    by_id = await _settled(runtime, window.records)
    chosen = _chosen(window.records, reason, topic, set() if settled else set(by_id))
    kept = chosen[:limit]
    last = kept[-1].position if len(chosen) > limit else window.first
    is_end = len(chosen) <= limit and window.is_last
    return {
        "parked": [_summary(each, by_id.get(each.settled_id)) for each in kept],
        "next": None if is_end else cursor(last),
    }


@router.get("/v1/parked/{position}", dependencies=[Operator], response_model=ShownParked)
async def read_parked_record(position: ParkedPosition, runtime: ApiRuntime) -> dict[str, Any]:
    """Return a record with its bytes."""
    record = await _record(runtime, position)
    by_id = await _settled(runtime, [record])
    value = record.value
    return {
        **_summary(record, by_id.get(record.settled_id)),
        "key_base64": None if record.key is None else _base64(record.key),
        "value_base64": None if value is None else _base64(value[:_SHOWN_BYTES]),
        "value_is_cut": value is not None and len(value) > _SHOWN_BYTES,
        "headers": [
            {"name": name, "value_base64": _base64(content or b"")} for name, content in record.original_headers
        ],
    }


@router.post("/v1/parked/{position}/replay", dependencies=[Operator], response_model=SettledRecord)
async def replay_parked_record(position: ParkedPosition, replay: Replay, runtime: ApiRuntime) -> dict[str, Any]:
    """Publish a record to its topic again, as it was: it is parked again where it still cannot be processed."""
    record = await _record(runtime, position)
    problem = record.why_not_replayed()
    if problem is not None:
        raise ApiError(422, "not_replayable", f"position: {problem}", "position")
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as database, database.transaction():
        await _settle(database, record, "replayed", replay.by, "")
        await _publish(runtime, record)
    return _settled_as(record, "replayed", replay.by)


@router.post("/v1/parked/{position}/drop", dependencies=[Operator], response_model=SettledRecord)
async def drop_parked_record(position: ParkedPosition, drop: Drop, runtime: ApiRuntime) -> dict[str, Any]:
    """Have a record not listed any more; it stays in Kafka for as long as `parked-messages` keeps it."""
    record = await _record(runtime, position)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as database:
        await _settle(database, record, "dropped", drop.by, drop.reason)
    return _settled_as(record, "dropped", drop.by)


async def _settled(runtime: Runtime, records: Sequence[ParkedRecord]) -> dict[str, SettledParked]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as database:
        return await settled_of(database, [each.settled_id for each in records])


def _chosen(records: list[ParkedRecord], reason: str | None, topic: str | None, hidden: set[str]) -> list[ParkedRecord]:
    """Return the records that are asked for, one of each id."""
    found = {
        each.settled_id: each
        for each in reversed(records)
        if reason in (None, each.headers.get("parked_reason"))
        and topic in (None, each.topic)
        and each.settled_id not in hidden
    }
    return sorted(found.values(), key=lambda each: -each.position)


async def _record(runtime: Runtime, position: int) -> ParkedRecord:
    record = await runtime.parked.one(position)
    if record is None:
        message = f"position: there is no parked record at {position}; GET /v1/parked shows them"
        raise ApiError(404, "not_found", message, "position")
    return record


async def _settle(database: Connection, record: ParkedRecord, outcome: SettledOutcome, by: str, reason: str) -> None:
    settled_id = record.settled_id
    if not await settle(database, settled_id, outcome, by, reason):
        before = (await settled_of(database, [settled_id]))[settled_id]
        message = f"position: it was {before.outcome} by {before.by} at {format_time(before.at)}"
        raise ApiError(409, "settled", message, "position")


async def _publish(runtime: Runtime, record: ParkedRecord) -> None:
    topic, partition, replayed = record.replayed(runtime.requests.partitions)
    try:
        await within(_PUBLISH_SECONDS, runtime.requests.replay(topic, partition, replayed), f"writing to {topic}")
    except (TransientError, KafkaError) as error:
        message = "Kafka does not answer; the record may still be replayed, and replaying it again does no harm"
        raise ApiError(503, "unavailable", message, headers={"Retry-After": "2"}) from error


def _settled_as(record: ParkedRecord, outcome: SettledOutcome, by: str) -> dict[str, Any]:
    return {"position": record.position, "parked_id": record.parked_id, "outcome": outcome, "by": by}


def _summary(record: ParkedRecord, settled: SettledParked | None) -> dict[str, Any]:
    headers, value = record.headers, record.value or b""
    return {
        "position": record.position,
        "parked_id": record.parked_id,
        "reason": headers.get("parked_reason", ""),
        "detail": headers.get("parked_detail", ""),
        "parked_by": headers.get("parked_by", ""),
        "parked_at": headers.get("parked_at"),
        "original_topic": headers.get("original_topic"),
        "original_partition": headers.get("original_partition"),
        "original_offset": headers.get("original_offset"),
        "account_id": headers.get("webhook_account_id"),
        "gateway": headers.get("webhook_gateway"),
        "content_type": headers.get("webhook_content_type"),
        "records": headers.get("parked_records", "1"),
        "value_bytes": len(value),
        "text": value[: 4 * _TEXT_CHARACTERS].decode(errors="replace")[:_TEXT_CHARACTERS],
        "why_not_replayed": record.why_not_replayed(),
        "settled": None if settled is None else _shown(settled),
    }


def _shown(settled: SettledParked) -> dict[str, Any]:
    return {"outcome": settled.outcome, "by": settled.by, "reason": settled.reason, "at": format_time(settled.at)}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
