"""`POST /v1/check` on a real pipeline: after a STOP that Kafka has it allows nothing, and in doubt it fails closed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from optout_world import NUMBER, OptOutWorld

from harness.certificates import certificates
from services.optout.api.authenticate import key_sha256
from shared.events.inbound import MessageReceived, OptInRequested, OptOutRequested
from shared.topics import INBOUND_MESSAGES

KEY = "a-key-of-this-test"
SECONDS = 30


class Asker:
    """A system that sends by itself, and asks first."""

    def __init__(self, world: OptOutWorld, http: httpx.AsyncClient) -> None:
        self.world = world
        self.http = http
        self.list_id = 0

    async def ask(self, *messages: dict[str, Any], **params: str) -> httpx.Response:
        return await self.http.post(f"{self.world.api.url}/v1/check", json={"messages": messages}, params=params)

    async def decisions(self, *messages: dict[str, Any], **params: str) -> list[dict[str, Any]]:
        response = await self.ask(*messages, **params)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["decisions"]
        return found

    async def until_ready(self) -> None:
        async with asyncio.timeout(SECONDS):
            while (await self.ask(self.message())).status_code != 200:  # noqa: ASYNC110 (another process gets ready)
                await asyncio.sleep(0.1)

    def message(self, **fields: Any) -> dict[str, Any]:
        return {"phone": self.world.phone, "list_id": self.list_id, "sender_number": NUMBER} | fields


@asynccontextmanager
async def asking(world: OptOutWorld, account_id: str) -> AsyncIterator[Asker]:
    await world.fetch("INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme')", account_id)
    await world.fetch(
        "INSERT INTO api_keys (account_id, name, key_sha256) VALUES ($1, 'first', $2)", account_id, key_sha256(KEY)
    )
    async with httpx.AsyncClient(verify=certificates(), auth=(account_id, KEY), timeout=20) as http:
        asker = Asker(world, http)
        added = await http.post(f"{world.api.url}/v1/lists", json={"name": "Offers"})
        asker.list_id = added.json()["list_id"]
        yield asker


@pytest_asyncio.fixture(loop_scope="session")
async def asker(world: OptOutWorld) -> AsyncIterator[Asker]:
    await asyncio.gather(world.service.start(), world.api.start())
    async with asking(world, world.account_id) as found:
        await found.until_ready()
        yield found


async def test_after_a_stop_no_check_allows_however_soon_it_comes(world: OptOutWorld, asker: Asker) -> None:
    async def stop_and_ask(number: int) -> None:
        phone = f"+1415556{number:04d}"
        said = await stop(world, phone)
        (found,) = await asker.decisions(asker.message(phone=phone))
        assert found["allowed"] is False, phone
        reason = found["reason"]
        assert (reason["code"], reason["scope"], reason["state"]) == ("opted_out", "account", "opted_out")
        assert reason["cause_event_id"] == str(said.event_id)

    for begin in range(0, 200, 10):
        await asyncio.gather(*(stop_and_ask(number) for number in range(begin, begin + 10)))


async def test_a_decision_names_its_place_and_until_when_it_holds(world: OptOutWorld, asker: Asker) -> None:
    before = datetime.now(UTC)
    offset = await world.write(INBOUND_MESSAGES, opt_out(world, "account"))
    response = (await asker.ask(asker.message(), at_least_as_fresh=f"{world.partition}:{offset}")).json()
    decided_at, fresh_until = (datetime.fromisoformat(response[name]) for name in ("decided_at", "fresh_until"))
    assert fresh_until - decided_at == timedelta(seconds=1)
    assert before <= decided_at <= datetime.now(UTC)
    (found,) = response["decisions"]
    assert (found["phone"], found["list_id"], found["sender_number"]) == (world.phone, asker.list_id, NUMBER)
    partition, _, place = found["token"].partition(":")
    assert int(partition) == world.partition
    assert int(place) > offset


async def test_a_token_of_a_place_that_is_not_there_is_not_believed(world: OptOutWorld, asker: Asker) -> None:
    response = await asker.ask(asker.message(), at_least_as_fresh=f"{world.partition}:99999999")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_yet")
    assert (await asker.ask(asker.message(), at_least_as_fresh="nonsense")).status_code == 422


async def test_what_a_caller_does_not_name_counts_as_any(world: OptOutWorld, asker: Asker) -> None:
    other_list = asker.list_id + 1_000
    for scope, forbidden in (
        (f"list:{other_list}", {"number only"}),
        ("sender:+18335550199", {"list only"}),
        (f"list:{asker.list_id}", {"number only", "list only", "both"}),
        (f"sender:{NUMBER}", {"number only", "list only", "both"}),
        ("account", {"number only", "list only", "both"}),
    ):
        phone = f"+1415557{uuid4().int % 10_000:04d}"
        world.phone = phone  # its partition is where the world writes
        await world.write(INBOUND_MESSAGES, opt_out(world, scope))
        both, of_list, of_number = await asker.decisions(
            asker.message(phone=phone),
            {"phone": phone, "list_id": asker.list_id},
            {"phone": phone, "sender_number": NUMBER},
        )
        found = {"both": both, "list only": of_list, "number only": of_number}
        assert {name for name, each in found.items() if not each["allowed"]} == forbidden, scope
        assert {each["reason"]["scope"] for each in found.values() if each["reason"]} == {scope}


async def test_who_opted_in_again_is_allowed(world: OptOutWorld, asker: Asker) -> None:
    await world.write(INBOUND_MESSAGES, opt_out(world, "account"))
    assert not (await asker.decisions(asker.message()))[0]["allowed"]
    consent = OptInRequested(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=world.account_id,
        phone=world.phone,
        scopes=("account",),
        source="web_form",
        statement="Yes, write to me again",
        by="asked",
        consented_at=datetime.now(UTC),
    )
    await world.write(INBOUND_MESSAGES, consent)
    (found,) = await asker.decisions(asker.message())
    assert (found["allowed"], found["reason"]) == (True, None)


async def test_what_cannot_be_sent_at_all_says_why_in_its_place(world: OptOutWorld, asker: Asker) -> None:
    async with asking(world, f"{world.account_id}-other") as other:
        found = await asker.decisions(
            asker.message(),
            asker.message(list_id=other.list_id),
            asker.message(list_id=2**53 - 1),
            asker.message(phone="not a phone"),
            asker.message(phone="1.4155E+10"),
        )
    codes = [each["reason"] and each["reason"]["code"] for each in found]
    assert codes == [None, "no_such_list", "no_such_list", "not_a_phone", "not_a_phone"]
    assert [each["allowed"] for each in found] == [True, False, False, False, False]


async def test_a_thousand_are_decided_at_once_and_no_more(world: OptOutWorld, asker: Asker) -> None:
    phones = [f"+1415558{number:04d}" for number in range(1_000)]
    stopped = phones[::10]
    await asyncio.gather(*(stop(world, phone) for phone in stopped))
    started = time.monotonic()
    found = await asker.decisions(*(asker.message(phone=phone) for phone in phones))
    assert time.monotonic() - started < 1
    assert [each["phone"] for each in found] == phones
    assert [each["phone"] for each in found if not each["allowed"]] == stopped
    assert (await asker.ask(*(asker.message() for _ in range(1_001)))).status_code == 422
    assert (await asker.ask()).status_code == 422
    assert (await asker.ask({"phone": world.phone})).status_code == 422


async def test_while_the_pipeline_is_frozen_nothing_is_allowed(world: OptOutWorld, asker: Asker) -> None:
    await world.service.pause()
    try:
        await world.says("STOP")
        response = await asker.ask(asker.message())
    finally:
        await world.service.resume()
    assert_do_not_send(response)
    async with asyncio.timeout(SECONDS):
        while (response := await asker.ask(asker.message())).status_code == 503:
            assert_do_not_send(response)
    assert response.json()["decisions"][0]["reason"]["code"] == "opted_out"


async def test_a_check_waits_for_a_cache_that_lags(world: OptOutWorld, asker: Asker) -> None:
    await world.service.pause()
    await world.says("STOP")
    waiting = asyncio.create_task(asker.ask(asker.message()))
    try:
        done, _ = await asyncio.wait([waiting], timeout=1)
        assert not done
    finally:
        await world.service.resume()
    response = await waiting
    assert response.status_code == 503 or not response.json()["decisions"][0]["allowed"]


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_without_a_server_nothing_is_allowed_and_afterwards_all_is_well(
    world: OptOutWorld, asker: Asker, server: str
) -> None:
    await world.says("STOP")
    await getattr(world.backend, f"pause_{server}")()
    try:
        assert_do_not_send(await asker.ask(asker.message()))
        if server == "kafka":
            lists = await asker.http.get(f"{world.api.url}/v1/lists")
            assert lists.status_code == 200, "what needs no Kafka goes on"
    finally:
        await getattr(world.backend, f"resume_{server}")()
    async with asyncio.timeout(SECONDS):
        while (response := await asker.ask(asker.message())).status_code == 503:
            assert_do_not_send(response)
    assert response.json()["decisions"][0]["allowed"] is False


async def stop(world: OptOutWorld, phone: str) -> MessageReceived:
    """Return once Kafka has the STOP of this phone, in its partition."""
    world.phone = phone
    return await world.says("STOP")


def assert_do_not_send(response: httpx.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.json()["error"]["message"].startswith("do not send")
    assert "allowed" not in response.text


def opt_out(world: OptOutWorld, scope: str) -> OptOutRequested:
    return OptOutRequested(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=world.account_id,
        phone=world.phone,
        scopes=(scope,),
        source="phone_call",
        statement="Take me off",
        by="asked",
        asked_at=None,
    )


async def test_from_a_policys_date_a_reply_stops_what_the_other_lists_send(world: OptOutWorld, asker: Asker) -> None:
    """The reply's time decides: a policy of the future does nothing yet, one that has begun reaches the account."""
    other_list = (await asker.http.post(f"{world.api.url}/v1/lists", json={"name": "Surveys"})).json()["list_id"]

    async def scopes_that_forbid(words: str) -> list[str | None]:
        await world.was_sent(asker.list_id)
        await world.says(words)
        found = await asker.decisions(asker.message(), asker.message(list_id=other_list))
        return [each["reason"] and each["reason"]["scope"] for each in found]

    async def policy(valid_from: str) -> None:
        body = {"country": "CA", "reach": "account", "valid_from": valid_from, "reason": "a test", "by": "ann"}
        saved = await asker.http.post(f"{world.api.url}/v1/policies", json=body)
        assert saved.status_code == 201, saved.text

    shipped = (await asker.http.get(f"{world.api.url}/v1/policies")).json()["shipped"]
    assert shipped == [], "no claim of these tests depends on the date of a law"
    await policy("2099-01-01T00:00:00Z")
    world.phone = f"+1604555{uuid4().int % 10_000:04d}"
    assert await scopes_that_forbid("STOP") == [f"list:{asker.list_id}", None]
    await policy("2020-01-01T00:00:00Z")
    assert await scopes_that_forbid("hello") == [f"list:{asker.list_id}", None], "what is decided stays"
    world.phone = f"+1604556{uuid4().int % 10_000:04d}"
    assert await scopes_that_forbid("STOP") == [f"list:{asker.list_id}", "account"]
    evidence = (await asker.http.get(f"{world.api.url}/v1/evidence", params={"phone": world.phone})).json()
    assert [item["reach_policy"] for item in evidence["timeline"] if item["what"] == "decision"] == ["account:2"]
    (entry,) = evidence["entries"]
    link = bytes.fromhex(entry["previous_hash"]) + sha256(entry["entry"].encode()).digest()
    assert sha256(link).hexdigest() == entry["hash"], "the version is in the chain"
    assert await scopes_that_forbid("START") == [None, None], "START lifts all that the STOP reached"
