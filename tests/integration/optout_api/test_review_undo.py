"""A decision about a held message can be undone for a while: until then it is stored, and the message is held."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from optout_api_world import Caller, Record

from services.optout.api.review_decisions import DueReviews
from shared.errors import TransientError
from shared.events.inbound import ReviewDecided
from shared.postgres import Pool

PHONE = "+14155550100"


async def held(caller: Caller, record: Record) -> UUID:
    entry = await record.message(caller.account_id, PHONE, "not her, stop")
    assert entry.kind == "held"
    return entry.event_id


async def decided(caller: Caller, event_id: UUID, word: str, seconds: int = 60, by: str = "ada") -> httpx.Response:
    return await caller.call("POST", f"/v1/review/{event_id}/{word}", json={"by": by, "undo_seconds": seconds})


async def shown(caller: Caller) -> Any:
    (waiting,) = (await caller.get("/v1/review"))["held"]
    return waiting["decided"]


@pytest.fixture
def published() -> list[ReviewDecided]:
    return []


@pytest.fixture
def due(pool: Pool, published: list[ReviewDecided]) -> DueReviews:
    async def publish(event: ReviewDecided) -> None:
        await asyncio.sleep(0)
        published.append(event)

    return DueReviews(pool, publish)


async def make_due(pool: Pool, account_id: str) -> None:
    await pool.execute(
        "UPDATE review_decisions SET undo_until = now(), publish_at = now() WHERE account_id = $1", account_id
    )


async def publish_all(due: DueReviews) -> None:
    while await due.publish_next():
        pass


async def test_until_its_time_it_is_shown_can_be_undone_and_is_not_published(
    acme: Caller, record: Record, due: DueReviews, published: list[ReviewDecided]
) -> None:
    event_id = await held(acme, record)
    answer = await decided(acme, event_id, "release")
    assert (answer.status_code, answer.json()["undo_until"] is not None) == (202, True)
    assert (await shown(acme))["decision"] == "release"
    await publish_all(due)
    undone = await acme.call("POST", f"/v1/review/{event_id}/undo")
    assert (undone.status_code, undone.json()["undone"], undone.json()["by"]) == (200, "release", "ada")
    assert await shown(acme) is None
    assert (await acme.call("POST", f"/v1/review/{event_id}/undo")).status_code == 409
    assert published == []


async def test_the_newest_decision_comes_into_effect_once_its_time_is_over(
    acme: Caller, record: Record, pool: Pool, due: DueReviews, published: list[ReviewDecided]
) -> None:
    event_id = await held(acme, record)
    await decided(acme, event_id, "release")
    await decided(acme, event_id, "confirm", by="bob")
    await make_due(pool, acme.account_id)
    assert (await acme.call("POST", f"/v1/review/{event_id}/undo")).json()["error"]["code"] == "too_late"
    assert (await decided(acme, event_id, "release")).status_code == 409
    await publish_all(due)
    (event,) = published
    assert (event.decision, event.by, event.phone, event.held_event_id) == ("confirm", "bob", PHONE, event_id)
    await publish_all(due)
    assert len(published) == 1


async def test_one_that_could_not_be_published_is_published_later_with_the_same_id(
    acme: Caller, record: Record, pool: Pool, due: DueReviews, published: list[ReviewDecided]
) -> None:
    event_id = await held(acme, record)
    await decided(acme, event_id, "confirm")
    await make_due(pool, acme.account_id)
    tried = []

    async def fails(event: ReviewDecided) -> None:
        tried.append(event.event_id)
        raise TransientError("Kafka does not answer")

    with pytest.raises(TransientError):
        await DueReviews(pool, fails).publish_next()
    await publish_all(due)
    assert published == []  # claimed: another process tries again after a while
    await make_due(pool, acme.account_id)
    await publish_all(due)
    assert [event.event_id for event in published] == tried


async def test_of_a_message_that_is_held_no_more_nothing_is_published(
    acme: Caller, record: Record, pool: Pool, due: DueReviews, published: list[ReviewDecided]
) -> None:
    event_id = await held(acme, record)
    await decided(acme, event_id, "release")
    await record.message(acme.account_id, PHONE, "STOP")
    await make_due(pool, acme.account_id)
    await publish_all(due)
    assert published == []


async def test_somebody_elses_is_not_found_and_the_time_has_a_limit(
    acme: Caller, other: Caller, record: Record
) -> None:
    event_id = await held(acme, record)
    await decided(acme, event_id, "release")
    for caller, unknown in ((other, event_id), (acme, uuid4())):
        assert (await caller.call("POST", f"/v1/review/{unknown}/undo")).status_code == 404
    assert (await decided(other, event_id, "confirm")).status_code == 404
    assert (await decided(acme, event_id, "confirm", 61)).json()["error"]["field"] == "undo_seconds"
    assert (await shown(acme))["decision"] == "release"


async def test_what_is_being_published_is_not_undone_by_a_request_whose_clock_is_older(
    acme: Caller, record: Record, pool: Pool
) -> None:
    """The request read its time before the end of the decision's, and got its turn after another process's claim."""
    event_id = await held(acme, record)
    await decided(acme, event_id, "release")
    claimed = (
        "UPDATE review_decisions SET publish_at = undo_until + interval '30 seconds' WHERE held_event_id = $1"
        " RETURNING undo_until"
    )
    assert await pool.fetchval(claimed, event_id) is not None
    undone = await acme.call("POST", f"/v1/review/{event_id}/undo")
    assert (undone.status_code, undone.json()["error"]["code"]) == (409, "too_late")
    assert (await decided(acme, event_id, "confirm")).status_code == 409


async def test_a_release_is_forgotten_where_the_person_has_written_again_meanwhile(
    acme: Caller, record: Record, pool: Pool, due: DueReviews, published: list[ReviewDecided]
) -> None:
    event_id = await held(acme, record)
    await decided(acme, event_id, "release")
    again = await record.message(acme.account_id, PHONE, "not her, stop")
    assert again.kind == "held"
    due_at = "UPDATE review_decisions SET undo_until = $2, publish_at = now() WHERE account_id = $1"
    await pool.execute(due_at, acme.account_id, again.decided_at + timedelta(seconds=30))
    await publish_all(due)
    assert published == []
    assert await shown(acme) is None  # it waits for a person, who sees the second one beside it
    await decided(acme, event_id, "release")
    await pool.execute(due_at, acme.account_id, again.decided_at + timedelta(minutes=2))
    await publish_all(due)
    assert [event.decision for event in published] == ["release"]
