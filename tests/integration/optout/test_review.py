"""Held replies on a real Kafka and Postgres: the queue, a person's word, and what follows from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from optout_world import OptOutWorld

from harness.certificates import certificates
from services.optout.api.authenticate import key_sha256
from shared.events.opt_out import HeldReleased, OptOutHeld
from shared.partitions import partition_of

API_KEY = "the-key-of-the-test"


@asynccontextmanager
async def api_of(world: OptOutWorld) -> AsyncIterator[httpx.AsyncClient]:
    await asyncio.gather(world.service.start(), world.api.start())  # whichever comes first migrates
    await world.fetch(
        "WITH made AS (INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme') ON CONFLICT DO NOTHING RETURNING 1)"
        " INSERT INTO api_keys (account_id, name, key_sha256) SELECT $1, 'first', $2 FROM made",
        world.account_id,
        key_sha256(API_KEY),
    )
    async with as_the_account(world) as http:
        yield http


def as_the_account(world: OptOutWorld) -> httpx.AsyncClient:
    """Return a client with the account's key, which `api_of` has made."""
    return httpx.AsyncClient(
        verify=certificates(), base_url=world.api.url, auth=(world.account_id, API_KEY), timeout=20
    )


async def held(world: OptOutWorld, http: httpx.AsyncClient) -> dict[str, Any]:
    """Have a reply held, and return it as the queue shows it."""
    message_id = await world.was_sent(7)
    event = await world.says("not her, stop", replied_message_id=message_id)
    await world.fence()
    assert world.suppressions() == {"list:7": "held"}
    (waiting,) = (await http.get("/v1/review")).json()["held"]
    assert waiting["event_id"] == str(event.event_id)
    assert (waiting["body"], waiting["scopes"], waiting["term"]) == ("not her, stop", ["list:7"], "stop")
    return waiting


@pytest.mark.parametrize(
    ("word", "state", "published"), [("confirm", "opted_out", "opted_out"), ("release", "opted_in", "held_released")]
)
async def test_a_reviewer_makes_it_final_or_lets_it_go(
    word: str, state: str, published: str, world: OptOutWorld
) -> None:
    async with api_of(world) as http:
        waiting = await held(world, http)
        answer = await http.post(f"/v1/review/{waiting['event_id']}/{word}", json={"by": "ada@acme.example"})
        assert answer.status_code == 202, answer.text
        await world.fence()
        assert world.suppressions() == {"list:7": state}
        first, last = world.opt_out_events()
        assert isinstance(first, OptOutHeld)
        assert (last.type, str(last.cause_event_id)) == (published, waiting["event_id"])
        assert not isinstance(last, HeldReleased) or last.by == "ada@acme.example"
        assert (await http.get("/v1/review")).json()["held"] == []
        again = await http.post(f"/v1/review/{waiting['event_id']}/confirm", json={"by": "bob"})
        assert again.status_code == 409
        assert "by ada@acme.example" in again.json()["error"]["message"]
        evidence = (await http.get("/v1/evidence", params={"phone": world.phone})).json()
        assert [entry["intact"] for entry in evidence["entries"]] == [True, True]


async def test_a_release_lets_no_later_stop_go(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        waiting = await held(world, http)
        await world.says("STOP")
        await world.fence()
        assert world.suppressions() == {"list:7": "opted_out"}
        answer = await http.post(f"/v1/review/{waiting['event_id']}/release", json={"by": "ada"})
        assert answer.status_code == 409
        assert "no longer held" in answer.json()["error"]["message"]


async def test_what_was_not_held_cannot_be_reviewed(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        await held(world, http)
        assert (await http.post(f"/v1/review/{uuid4()}/release", json={"by": "ada"})).status_code == 404
        unsigned = await http.post(f"/v1/review/{uuid4()}/release", json={"by": " "})
        assert (unsigned.status_code, unsigned.json()["error"]["field"]) == (422, "by")


async def test_checkpoints_count_what_is_held(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        waiting = await held(world, http)
        await http.post(f"/v1/review/{waiting['event_id']}/release", json={"by": "ada"})
        await world.fence()
    (row,) = await world.fetch("SELECT suppressed_count FROM partition_positions WHERE partition = $1", world.partition)
    # By phone, for a suppression of an earlier version may have a cause that is not among the decisions.
    suppressed = await world.fetch("SELECT phone FROM suppressions WHERE state <> 'opted_in'")
    counted = [each for each in suppressed if partition_of(each["phone"], world.partitions) == world.partition]
    assert row["suppressed_count"] == len(counted)
