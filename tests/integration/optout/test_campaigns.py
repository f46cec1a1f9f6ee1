"""Campaigns on a real Kafka and Postgres: who gets a message, at what pace, and what a crash in between changes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from optout_world import NUMBER, SECONDS, OptOutWorld

from harness.certificates import certificates
from services.optout.campaigns.expand import BACKLOG, CHUNK, message_id
from shared.events.outbound import MessageCancelRequested, MessageRequested
from shared.topics import OUTBOUND_MESSAGES

_OPERATOR = {"Authorization": "Bearer the-admin-token-of-these-tests-only"}
_ADD = """
INSERT INTO contacts (account_id, list_id, phone, fields)
SELECT $1, $2, '+1415' || (2000000 + n), jsonb_build_object('first_name', 'N' || n) FROM generate_series(0, $3 - 1) AS n
"""


class Sender:
    """An account that sends campaigns to a list of its own."""

    def __init__(self, world: OptOutWorld, http: httpx.AsyncClient, list_id: int) -> None:
        self.world = world
        self.http = http
        self.list_id = list_id

    async def add(self, count: int) -> None:
        """Put contacts with the phones `phone(0)`, `phone(1)` … on the list."""
        await self.world.fetch(_ADD, self.world.account_id, self.list_id, count)

    async def made(self, key: str = "", **fields: Any) -> httpx.Response:
        body = {"list_id": self.list_id, "name": "Sale", "sender_number": NUMBER, "body": "Hi {first_name}", **fields}
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post("/v1/campaigns", json=body, headers=headers)

    async def sends(self, **fields: Any) -> int:
        answer = await self.made(**fields)
        assert answer.status_code == 201, answer.text
        campaign_id: int = answer.json()["campaign_id"]
        return campaign_id

    async def read(self, campaign_id: int) -> dict[str, Any]:
        read: dict[str, Any] = (await self.http.get(f"/v1/campaigns/{campaign_id}")).json()
        return read

    async def does(self, campaign_id: int, what: str) -> dict[str, Any]:
        answer = await self.http.post(f"/v1/campaigns/{campaign_id}/{what}")
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def until(self, campaign_id: int, **expected: Any) -> dict[str, Any]:
        """Wait until the campaign's answer, or its progress, has these values."""
        async with asyncio.timeout(SECONDS):
            while True:
                read = await self.read(campaign_id)
                if expected.items() <= {**read, **read["progress"]}.items():
                    return read
                await self.world.read_some(OUTBOUND_MESSAGES)

    async def settle(self, campaign_id: int, count: int) -> None:
        """Have this many of the campaign's messages sent."""
        await self.world.fetch(
            "UPDATE messages SET status = 'sent' WHERE message_id IN (SELECT message_id FROM messages"
            " WHERE campaign_id = $1 AND status IN ('publishing', 'queued') LIMIT $2)",
            campaign_id,
            count,
        )

    async def opt_out(self, number: int, scope: str) -> None:
        """Have a phone opted out as a caller asks, and wait until that is in effect."""
        body = {"phone": phone(number), "scopes": [scope], "source": "phone_call", "statement": "Stop", "by": "Ann"}
        answer = await self.http.post("/v1/opt-outs", json=body)
        assert answer.status_code in (200, 201), answer.text

    async def requested(self) -> list[MessageRequested]:
        """Return what is on `outbound-messages`, up to its present end."""
        await self.world.fence()
        return self.world.replies()


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat()


def phone(number: int) -> str:
    return f"+1415{2_000_000 + number}"


def phones(requests: Sequence[MessageRequested]) -> list[str]:
    return sorted(request.phone for request in requests)


@asynccontextmanager
async def sender_of(world: OptOutWorld, failpoint: str = "") -> AsyncIterator[Sender]:
    await asyncio.gather(world.service.start(), world.api.start(failpoint=failpoint))
    async with httpx.AsyncClient(verify=certificates(), base_url=world.api.url, timeout=20) as http:
        made = await http.post("/v1/accounts", json={"account_id": world.account_id, "name": "Acme"}, headers=_OPERATOR)
    auth = world.account_id, made.json()["api_key"]
    async with httpx.AsyncClient(verify=certificates(), base_url=world.api.url, timeout=20, auth=auth) as http:
        appends = {"policy": "append", "instruction": "Reply STOP to opt out"}
        assert (await http.put("/v1/account/gate", json=appends)).status_code == 200
        list_id = (await http.post("/v1/lists", json={"name": "Everybody"})).json()["list_id"]
        yield Sender(world, http, list_id)


async def test_each_active_member_gets_one_personalised_message(world: OptOutWorld) -> None:
    """Not who opted out of the list, the number or everything, is held or removed; a phone that is listed twice one."""
    async with sender_of(world) as sender:
        await sender.add(10)
        await sender.add(1)
        for number, scope in ((1, f"list:{sender.list_id}"), (2, "account"), (3, f"sender:{NUMBER}")):
            await sender.opt_out(number, scope)
        another = (await sender.http.post("/v1/lists", json={"name": "Another"})).json()["list_id"]
        await sender.opt_out(4, f"list:{another}")
        await world.fetch(
            "INSERT INTO suppressions (account_id, scope, phone, state, cause_event_id, changed_at)"
            " VALUES ($1, 'account', $2, 'held', gen_random_uuid(), now())",
            world.account_id,
            phone(5),
        )
        await world.fetch(
            "UPDATE contacts SET removed_at = now() WHERE list_id = $1 AND phone = $2", sender.list_id, phone(6)
        )
        campaign_id = await sender.sends()
        done = await sender.until(campaign_id, state="done")
        assert (done["progress"]["recipients"], done["progress"]["requested"]) == (5, 5)
        requests = await sender.requested()
        assert phones(requests) == [phone(number) for number in (0, 4, 7, 8, 9)]
        assert {request.body for request in requests} == {f"Hi N{number}" for number in (0, 4, 7, 8, 9)}
        assert {request.message_id for request in requests} == {message_id(campaign_id, r.phone) for r in requests}
        await world.fetch("DELETE FROM suppressions WHERE account_id = $1 AND state = 'held'", world.account_id)


async def test_it_waits_for_the_sender_and_who_opts_out_meanwhile_gets_nothing(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(BACKLOG + 3)
        campaign_id = await sender.sends()
        await sender.until(campaign_id, requested=BACKLOG)
        await sender.opt_out(BACKLOG + 1, f"list:{sender.list_id}")
        assert (await sender.read(campaign_id))["progress"]["requested"] == BACKLOG
        await sender.settle(campaign_id, 10)
        done = await sender.until(campaign_id, state="done")
        assert done["progress"]["requested"] == BACKLOG + 2
        requests = await sender.requested()
        assert phones(requests) == sorted(phone(number) for number in range(BACKLOG + 3) if number != BACKLOG + 1)


async def test_once_a_pause_is_answered_nothing_more_is_requested_until_it_is_resumed(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(4 * CHUNK)
        campaign_id = await sender.sends()
        paused = await sender.does(campaign_id, "pause")
        assert paused["state"] == "paused"
        other = await sender.sends(name="Another")  # which runs, so that time has passed
        await sender.until(other, state="done")
        now = await sender.read(campaign_id)
        assert now["progress"]["requested"] == paused["progress"]["requested"]
        assert (await sender.does(campaign_id, "resume"))["state"] in ("running", "scheduled")
        await sender.until(campaign_id, state="done", requested=4 * CHUNK)


async def test_a_cancelled_campaign_and_one_that_is_not_due_request_nothing(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(3)
        later = await sender.sends(scheduled_at=_in_a_week())
        cancelled = await sender.sends(scheduled_at=_in_a_week())
        assert (await sender.does(cancelled, "cancel"))["state"] == "cancelled"
        assert (await sender.does(cancelled, "cancel"))["state"] == "cancelled"
        refused = await sender.http.post(f"/v1/campaigns/{cancelled}/resume")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "wrong_state")
        await sender.until(await sender.sends(name="Now"), state="done")
        assert (await sender.read(later))["state"] == "scheduled"
        assert len(await sender.requested()) == 3


async def test_what_waits_in_the_sender_of_a_cancelled_campaign_is_cancelled_there(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(3)
        campaign_id = await sender.sends()
        await sender.until(campaign_id, state="done")
        asked = {request.message_id for request in await sender.requested()}
        await world.fetch("UPDATE messages SET status = 'waiting' WHERE campaign_id = $1", campaign_id)
        assert (await sender.does(campaign_id, "cancel"))["state"] == "cancelled"
        async with asyncio.timeout(SECONDS):
            while {e.message_id for e in world.outbound() if isinstance(e, MessageCancelRequested)} != asked:
                await world.read_some(OUTBOUND_MESSAGES)
        await world.fetch("UPDATE messages SET status = 'sent' WHERE campaign_id = $1", campaign_id)
        again = await sender.sends(name="Sent")
        await sender.until(again, state="done")
        await sender.settle(again, 3)
        refused = await sender.http.post(f"/v1/campaigns/{again}/cancel")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "wrong_state")


async def test_one_idempotency_key_sends_once_and_belongs_to_one_request(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(2)
        answers = await asyncio.gather(*(sender.made("order-17") for _ in range(5)))
        assert {answer.status_code for answer in answers} == {201}
        (campaign_id,) = {answer.json()["campaign_id"] for answer in answers}
        other = await sender.made("order-17", body="Something else")
        assert (other.status_code, other.json()["error"]["code"]) == (409, "other_request")
        await sender.until(campaign_id, state="done")
        assert len(await sender.requested()) == 2


@pytest.mark.parametrize("place", ["api.campaign_noted", "api.campaign_published"])
async def test_after_a_crash_each_member_has_one_message_with_the_same_id(place: str, world: OptOutWorld) -> None:
    async with sender_of(world, failpoint=f"{place}=kill@2") as sender:
        await sender.add(3 * CHUNK)
        campaign_id = await sender.sends()
        await world.api.wait_exit()
        await world.api.start()
        await sender.until(campaign_id, state="done", requested=3 * CHUNK)
        rows = await world.fetch("SELECT phone, message_id FROM messages WHERE campaign_id = $1", campaign_id)
        assert {row["phone"] for row in rows} == {phone(number) for number in range(3 * CHUNK)}
        assert {row["message_id"] for row in rows} == {message_id(campaign_id, row["phone"]) for row in rows}
        async with asyncio.timeout(
            SECONDS
        ):  # whoever publishes due messages takes over what the dead process had noted
            while len({request.message_id for request in await sender.requested()}) < 3 * CHUNK:
                await world.read_some(OUTBOUND_MESSAGES)


async def test_whoever_joins_the_list_after_the_start_gets_nothing(world: OptOutWorld) -> None:
    async with sender_of(world) as sender:
        await sender.add(BACKLOG + 1)
        campaign_id = await sender.sends()
        await sender.until(campaign_id, requested=BACKLOG)
        await world.fetch(
            "INSERT INTO contacts (account_id, list_id, phone) VALUES ($1, $2, '+14155550111')",
            world.account_id,
            sender.list_id,
        )
        await sender.settle(campaign_id, 10)
        await sender.until(campaign_id, state="done", requested=BACKLOG + 1)
        assert "+14155550111" not in phones(await sender.requested())


async def test_who_is_being_imported_when_it_is_due_gets_it_too(world: OptOutWorld) -> None:
    """An import has its ids before its contacts can be seen: a campaign that went past them would leave them out."""
    async with sender_of(world) as sender:
        importing = await asyncpg.connect(world.backend.optout_database_url)
        async with importing.transaction():
            await importing.execute(
                "SELECT FROM contact_lists WHERE list_id = $1 AND deleted_at IS NULL FOR KEY SHARE", sender.list_id
            )
            await importing.execute(
                "INSERT INTO contacts (account_id, list_id, phone) VALUES ($1, $2, $3)",
                world.account_id,
                sender.list_id,
                phone(7),
            )
            await sender.add(1)
            campaign_id = await sender.sends()
            await _looked_at(sender, campaign_id)
        await importing.close()
        await sender.until(campaign_id, state="done", requested=2)
        assert phones(await sender.requested()) == [phone(0), phone(7)]


async def _looked_at(sender: Sender, campaign_id: int) -> None:
    """Wait until a step of the campaign has been taken."""
    async with asyncio.timeout(SECONDS):
        while not (
            await sender.world.fetch(
                "SELECT FROM campaigns WHERE campaign_id = $1 AND next_step_at > scheduled_at", campaign_id
            )
        ):
            await sender.world.read_some(OUTBOUND_MESSAGES)
