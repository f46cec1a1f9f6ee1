"""The carrier's side over real HTTP: what reaches a phone, and each fault."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from sandbox_world import Sender, running_sandbox

from harness.sandbox.client import SandboxClient, SandboxError


async def test_a_message_is_on_the_phone_with_the_time_it_arrived(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    before = datetime.now(UTC)
    answer = await sender.send(phone, "Hello", message_id="m1")
    after = datetime.now(UTC)
    assert answer.status_code == 200
    [message] = await sandbox.messages(phone)
    assert before <= datetime.fromisoformat(message.pop("received_at")) <= after
    assert message == {
        "carrier_message_id": answer.json()["carrier_message_id"],
        "message_id": "m1",
        "account_id": "acme",
        "from": "+18335550123",
        "body": "Hello",
    }


async def test_a_second_call_for_one_message_id_is_a_second_call_and_a_second_message(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    first, second = [await sender.send(phone, message_id="twice") for _ in range(2)]
    assert first.json() != second.json()
    assert [call["message_id"] for call in await sandbox.calls()] == ["twice", "twice"]
    assert len(await sandbox.messages(phone)) == 2


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic c2FuZGJveA=="])
async def test_a_call_without_the_token_is_refused_and_reaches_nobody(
    sandbox: SandboxClient, sender: Sender, phone: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    asked = {"message_id": "m1", "account_id": "acme", "to": phone, "from": "+18335550123", "body": "Hello"}
    answer = await sender.http.post("/v1/messages", json=asked, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert await sandbox.messages(phone) == []


@pytest.mark.parametrize(
    ("wrong", "field"), [({"to": "nobody"}, "to"), ({"body": ""}, "body"), ({"from": 7}, "from"), ({"to": None}, "to")]
)
async def test_a_call_that_makes_no_sense_is_a_final_failure_that_names_the_field(
    sandbox: SandboxClient, sender: Sender, phone: str, wrong: dict[str, object], field: str
) -> None:
    answer = await sender.send(phone, **wrong)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert await sandbox.calls() == []


async def test_a_body_over_the_limit_is_refused(sandbox: SandboxClient, sender: Sender, phone: str) -> None:
    answer = await sender.send(phone, "x" * 300_000)
    assert answer.status_code == 413
    assert await sandbox.calls() == []


async def test_latency_delays_the_answer_and_not_the_message(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    await sandbox.set_faults(latency_seconds=0.5)
    started = time.monotonic()
    sending = asyncio.create_task(sender.send(phone))
    message = await sandbox.wait_for_message(phone)
    assert not sending.done()
    [call] = await sandbox.calls()
    assert (call["outcome"], call["status"]) == ("answering", None)
    assert (await sending).status_code == 200
    assert time.monotonic() - started >= 0.5
    [call] = await sandbox.calls()
    assert (call["outcome"], call["status"]) == ("answered", 200)
    assert call["received_at"] == message["received_at"] < call["answered_at"]


@pytest.mark.parametrize("delivered", [False, True])
async def test_an_error_reaches_the_phone_only_where_the_fault_says_so(
    sandbox: SandboxClient, sender: Sender, phone: str, *, delivered: bool
) -> None:
    await sandbox.set_faults(error_rate=1, error_status=503, deliver_before_error=delivered)
    assert (await sender.send(phone)).status_code == 503
    assert len(await sandbox.messages(phone)) == int(delivered)
    [call] = await sandbox.calls()
    assert (call["status"], call["delivered"], call["outcome"]) == (503, delivered, "answered")


@pytest.mark.parametrize(("when", "delivered"), [("before", False), ("after", True)])
async def test_a_dropped_connection_reaches_the_phone_only_where_the_fault_says_so(
    sandbox: SandboxClient, sender: Sender, phone: str, when: str, *, delivered: bool
) -> None:
    await sandbox.set_faults(drop_rate=1, drop_when=when)
    with pytest.raises(httpx.TransportError):
        await sender.send(phone)
    assert len(await sandbox.messages(phone)) == int(delivered)
    [call] = await sandbox.calls()
    assert (call["status"], call["delivered"], call["outcome"]) == (None, delivered, "dropped")


async def test_an_undeliverable_message_is_accepted_and_never_arrives(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    await sandbox.set_faults(undeliverable_rate=1)
    assert (await sender.send(phone)).status_code == 200
    assert await sandbox.messages(phone) == []


async def test_faults_of_one_phone_leave_another_alone(sandbox: SandboxClient, sender: Sender, phone: str) -> None:
    await sandbox.set_faults(error_rate=1, phones=[phone])
    assert (await sender.send(phone)).status_code == 500
    assert (await sender.send("+13125550177")).status_code == 200


async def test_faults_are_shown_and_what_is_left_out_is_off(sandbox: SandboxClient) -> None:
    await sandbox.set_faults(error_rate=0.5)
    await sandbox.set_faults(latency_seconds=0.25)
    shown = await sandbox.faults()
    assert (shown["error_rate"], shown["latency_seconds"]) == (0, 0.25)


@pytest.mark.parametrize(
    ("faults", "field"), [({"error_rate": 2}, "error_rate"), ({"drop_when": "x"}, "drop_when"), ({"oops": 1}, "oops")]
)
async def test_faults_that_cannot_be_are_refused_by_name_and_change_nothing(
    sandbox: SandboxClient, faults: dict[str, object], field: str
) -> None:
    before = await sandbox.faults()
    with pytest.raises(SandboxError, match=f"422 .*{field}"):
        await sandbox.set_faults(**faults)
    assert await sandbox.faults() == before


async def test_waiting_for_a_message_ends_when_it_comes_or_says_what_came_instead(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    waiting = asyncio.create_task(sandbox.wait_for_message(phone, lambda m: m["body"] == "Second", 20))
    await sender.send(phone, "First")
    assert not waiting.done()
    await sender.send(phone, "Second")
    assert (await waiting)["body"] == "Second"
    with pytest.raises(SandboxError, match="Second"):
        await sandbox.wait_for_message(phone, lambda m: m["body"] == "Third", 0.1)


async def test_the_phones_that_received_something_are_listed(
    sandbox: SandboxClient, sender: Sender, phone: str
) -> None:
    for _ in range(2):
        await sender.send(phone)
    [row] = await sandbox.phones()
    assert (row["phone"], row["messages"]) == (phone, 2)
    await sandbox.forget()
    assert await sandbox.phones() == await sandbox.calls() == []


async def test_calls_come_in_pages(sandbox: SandboxClient, sender: Sender, phone: str) -> None:
    for number in range(5):
        await sender.send(phone, message_id=f"m{number}")
    seen: list[str] = []
    after = 0
    while after is not None:
        page = (await sender.http.get("/calls", params={"after": after, "limit": 2})).json()
        seen += [call["message_id"] for call in page["calls"]]
        after = page["next"]
    assert seen == [f"m{number}" for number in range(5)]
    assert [call["account_id"] for call in await sandbox.calls("acme")] == ["acme"] * 5
    assert await sandbox.calls("another") == []


@pytest.mark.parametrize("query", ["after=-1", "limit=10001", "limit=many", "at_least=1&timeout_seconds=9999"])
async def test_a_query_that_cannot_be_is_refused(sender: Sender, query: str) -> None:
    assert (await sender.http.get(f"/calls?{query}")).status_code == 422


async def test_an_unknown_path_and_a_wrong_phone_are_refused_as_json(sender: Sender) -> None:
    assert (await sender.http.get("/nowhere")).json()["error"]["code"] == "not_found"
    answer = await sender.http.get("/phones/somebody/messages")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "phone")


async def test_health_is_answered(sender: Sender) -> None:
    for path in ("live", "ready"):
        assert (await sender.http.get(f"/health/{path}")).json() == {"status": path}


@pytest.fixture
async def small() -> AsyncIterator[str]:
    limits = {"CALLS": "3", "MESSAGES": "4", "MESSAGES_PER_PHONE": "2"}
    async with running_sandbox(**{f"STOPLINE_SANDBOX_MAX_{name}": value for name, value in limits.items()}) as url:
        yield url


async def test_beyond_its_limits_the_oldest_is_forgotten_and_answers_say_so(small: str) -> None:
    phones = [f"+1415555000{number}" for number in range(3)]
    async with httpx.AsyncClient(base_url=small) as http, SandboxClient(small) as sandbox:
        for number in range(9):
            await Sender(http).send(phones[number % 3], message_id=f"m{number}")
        page = (await http.get("/calls")).json()
        assert ([call["message_id"] for call in page["calls"]], page["forgotten"]) == (["m6", "m7", "m8"], 6)
        kept = [[message["message_id"] for message in await sandbox.messages(phone)] for phone in phones]
        assert kept == [["m6"], ["m7"], ["m5", "m8"]]
        first = (await http.get(f"/phones/{phones[0]}/messages")).json()
        assert (first["total"], first["forgotten"]) == (3, 2)


async def test_asked_to_forget_it_keeps_nothing() -> None:
    async with (
        running_sandbox(STOPLINE_SANDBOX_FORGET="1") as url,
        httpx.AsyncClient(base_url=url) as http,
        SandboxClient(url) as sandbox,
    ):
        assert (await Sender(http).send("+14155550100")).status_code == 200
        assert await sandbox.calls() == await sandbox.messages("+14155550100") == []
