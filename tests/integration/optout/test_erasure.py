"""Erasing a recipient on a real Kafka and Postgres: their words and fields are nowhere, and they are never messaged."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from command_line import command_line
from linked_message import LIST, LinkedMessage
from optout_world import NUMBER, OptOutWorld
from test_evidence import Auditor, stopline
from test_review import API_KEY, api_of, as_the_account, held

from harness.evidence.verify_evidence import Chain
from services.optout.pseudonyms import Pseudonyms
from shared.events.delivery import MessageDispatching, MessageSuppressed, delivery_event_id
from shared.events.inbound import ErasureRequested
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

NAME, EMAIL, WORDS, OFFER = "Zaphodia", "zaphodia@example.net", "remove me at once please", "half price towels"
KEY = "the-erasure-key-of-these-tests-only"
PHONE_STAYS = {"suppressions"}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
COLUMNS = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1"


async def tables_with(world: OptOutWorld, text: str) -> set[str]:
    """Return the tables of the opt-out database that have the text in any column, bytes too."""
    connection = await asyncpg.connect(world.backend.optout_database_url)
    found = set()
    try:
        for (table,) in await connection.fetch(TABLES):
            for name, kind in await connection.fetch(COLUMNS, table):
                where = (
                    f"position(convert_to($1, 'UTF8') IN \"{name}\") > 0"
                    if kind == "bytea"
                    else f'position(lower($1) IN lower("{name}"::text)) > 0'
                )
                if await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {where})', text):
                    found.add(table)
    finally:
        await connection.close()
    return found


async def erased(http: httpx.AsyncClient, phone: str) -> dict[str, Any]:
    """Have a phone erased, and return the erasure when it is done."""
    answer = await http.post("/v1/erasures", json={"phone": phone, "reason": "asked for it", "by": "ada"})
    assert answer.status_code == 202, answer.text
    erasure_id = answer.json()["erasure_id"]
    async with asyncio.timeout(60):
        while True:
            erasure: dict[str, Any] = (await http.get(f"/v1/erasures/{erasure_id}")).json()
            if erasure["state"] not in {"waiting", "running"}:
                assert (erasure["state"], erasure["error"]) == ("done", None)
                return erasure
            await asyncio.sleep(0.05)


async def check(http: httpx.AsyncClient, world: OptOutWorld, list_id: int) -> str:
    """Return what would be decided about a message now, as the sender decides it."""
    asked = {"messages": [{"phone": world.phone, "list_id": list_id, "sender_number": NUMBER}]}
    async with asyncio.timeout(60):
        while (answer := await http.post("/v1/check", json=asked)).status_code == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert answer.status_code == 200, answer.text
    return str(answer.json())


async def known(world: OptOutWorld, http: httpx.AsyncClient) -> int:
    """Have the phone on a list, messaged, answered and opted out, with words of its own everywhere; return the list."""
    list_id: int = (await http.post("/v1/lists", json={"name": f"List {uuid4().hex[:6]}"})).json()["list_id"]
    contact = {"phone": world.phone, "fields": {"first_name": NAME, "email": EMAIL}}
    await http.post(f"/v1/lists/{list_id}/contacts", json={"contacts": [contact]})
    at_once = {"to": world.phone, "list_id": list_id, "from": NUMBER, "body": f"{NAME}, {OFFER}. Reply STOP to end"}
    later = {**at_once, "schedule": int((datetime.now(UTC) + timedelta(days=2)).timestamp()), "custom_string": NAME}
    sent = await http.post("/v3/sms/send", json={"messages": [at_once, later]})
    assert [each["status"] for each in sent.json()["data"]["messages"]] == ["SUCCESS", "SUCCESS"], sent.text
    at, number = datetime.now(UTC), {"phone": world.phone, "sender_number": NUMBER, "account_id": world.account_id}
    common: dict[str, Any] = {**number, "list_id": list_id, "occurred_at": at, "decision_started_at": at}
    own_id = delivery_event_id(world.account_id, "m-1", "message_dispatching")
    said = f"{OFFER}. Reply STOP to end"
    dispatching = MessageDispatching(event_id=own_id, message_id="m-1", instruction=said, **common)
    dropped = MessageSuppressed(event_id=uuid4(), message_id="m-2", scope="account", state="opted_out", **common)
    for event in (dispatching, dropped):
        await world.write(DELIVERY_EVENTS, event)
    stop = await world.says(f"STOP. I am {NAME}, {WORDS}")
    await world.says(f"and write to {EMAIL}")
    await world.fence()
    assert world.suppressions() == {f"list:{list_id}": "opted_out"}
    await world.fetch(
        "INSERT INTO webhook_deliveries (delivery_id, account_id, rule_id, rule_version, event_id, url, webhook_type,"
        " body) VALUES (gen_random_uuid(), $1, 1, 1, $2, 'https://customer.example', 'json', $3::jsonb)",
        world.account_id, stop.event_id, json.dumps({"from": world.phone, "body": WORDS}),
    )  # fmt: skip
    await world.fetch(
        "INSERT INTO simulations (simulation_id, account_id, state, first_new) VALUES ($1, $2, 'done', $3::jsonb)",
        uuid4(), world.account_id, json.dumps([{"phone": world.phone, "body": WORDS}]),
    )  # fmt: skip
    return list_id


async def test_nothing_of_an_erased_recipient_is_left_but_that_they_are_never_messaged(
    world: OptOutWorld, tmp_path: Path
) -> None:
    async with api_of(world) as http:
        list_id = await known(world, http)
        assert len(await tables_with(world, NAME)) >= 3  # the search sees them
        erasure = await erased(http, world.phone)
        assert erasure["erased"] == {"entries": 2, "messages": 2, "contacts": 1}
        for text in (NAME, EMAIL, WORDS, OFFER):
            assert (text, await tables_with(world, text)) == (text, set())
        assert await tables_with(world, world.phone) <= PHONE_STAYS
        states = await world.fetch("SELECT status FROM messages WHERE phone = $1", erasure["pseudonym"])
        assert {row["status"] for row in states} == {"queued", "cancelled"}

        # What was decided is still proven, and found by whoever has the phone and the key.
        evidence = (await http.get("/v1/evidence", params={"phone": world.phone})).json()
        kinds = [(entry["erased"], entry["intact"], entry["body"]) for entry in evidence["entries"]]
        assert kinds == [(True, True, ""), (True, True, ""), (False, True, "asked for it")]
        assert stopline(world, "verify")[0] == 0
        auditor = Auditor(world, tmp_path)
        assert auditor.verify()[0] == 0
        assert auditor.verify("--account", world.account_id)[0] == 0

        assert "opted_out" in await check(http, world, list_id)
        await world.says("later")
        await world.fence()
        lines = (await http.get("/v1/evidence/export", params={"phone": world.phone})).text.splitlines()
        chain = Chain(world.partition, selection=True)
        differences = [each for line in lines for each in chain.add(json.loads(line))]
        assert ([*differences, *chain.end()], len(chain.erased), chain.count) == ([], 2, 4)

        again = await erased(http, world.phone)
        assert again["erased"] == {"entries": 1, "messages": 0, "contacts": 0}
    await world.service.kill()
    await world.api.kill()

    # Everything starts again, and the key is gone.
    await asyncio.gather(world.service.start(), world.api.start(extra_env={"STOPLINE_ERASURE_KEY": ""}))
    async with as_the_account(world) as http:
        refused = await http.post("/v1/erasures", json={"phone": world.phone, "reason": "x", "by": "ada"})
        assert refused.status_code == 409
        assert (await http.get("/v1/evidence", params={"phone": world.phone})).json()["entries"] == []
        contact = {"phone": world.phone, "fields": {"first_name": "somebody"}}
        await http.post(f"/v1/lists/{list_id}/contacts", json={"contacts": [contact]})
        (listed,) = (await http.get(f"/v1/lists/{list_id}/contacts")).json()["contacts"]
        assert listed["status"] == "opted_out"
        assert "opted_out" in await check(http, world, list_id)
        await world.says("STOP")
        await world.fence()
        consent = {
            "phone": world.phone,
            "scopes": [f"list:{list_id}", "account"],
            "by": "ada",
            "statement": "Yes, text me",
        }
        lifted = await http.post("/v1/opt-ins", json=consent)
        assert lifted.status_code == 201, lifted.text
        assert "opted_out" not in await check(http, world, list_id)


async def test_an_erased_reply_still_counts_as_one_and_an_erased_request_does_not(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        await world.says("hello")
        request = {"phone": world.phone, "scopes": ["account"], "by": "ada", "source": "phone_call"}
        assert (await http.post("/v1/opt-outs", json=request)).status_code == 201
        await world.fence()
        for unread in (1, 0):
            replies = (await http.get("/v3/sms/inbound")).json()["data"]
            statistics = (await http.get("/v3/statistics/sms")).json()["data"]
            assert (replies["total"], statistics["total"]["inbound"]["count"]) == (unread, 1)
            erasure = await erased(http, world.phone)
            assert erasure["erased"]["entries"] == 2 * unread


async def test_a_held_reply_of_an_erased_recipient_can_still_be_reviewed(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        waiting = await held(world, http)
        await erased(http, world.phone)
        (still,) = (await http.get("/v1/review")).json()["held"]
        assert (still["event_id"], still["body"]) == (waiting["event_id"], "")
        review = f"/v1/review/{waiting['event_id']}"
        answer = await http.post(f"{review}/release", json={"by": "ada"})
        assert answer.status_code == 202, answer.text
        await world.fence()
        assert world.suppressions() == {"list:7": "opted_in"}
        await erased(http, world.phone)
        assert (await http.post(f"{review}/confirm", json={"by": "bob"})).status_code == 409


async def test_the_command_erases_and_says_how_much(world: OptOutWorld) -> None:
    async with api_of(world):
        await world.says("hello")
        await world.fence()
        login = {
            "STOPLINE_API_URL": world.api.url,
            "STOPLINE_ACCOUNT_ID": world.account_id,
            "STOPLINE_API_KEY": API_KEY,
        }
        command = ("erase", "--reason", "asked for it", "--by", "ada")
        for phone, code, said in ((world.phone, 0, "done: 1 entries"), ("nobody", 78, "422: phone")):
            ended, *output = command_line(login, *command, phone)
            assert (ended, said in "".join(output)) == (code, True), output


async def test_what_is_written_while_somebody_is_erased_is_erased_or_new_and_counts(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        await world.says("before")

        async def write() -> None:
            for number in range(60):
                await world.says("STOP" if number == 30 else f"word {number}")

        _, erasure = await asyncio.gather(write(), erased(http, world.phone))
        await world.fence()
        assert "opted_out" in world.suppressions().values()
        rows = await world.fetch(
            "SELECT sequence, phone, body, event_id = $2 AS is_erasure FROM decisions"
            " WHERE account_id = $1 ORDER BY sequence",
            world.account_id, UUID(erasure["erasure_id"]),
        )  # fmt: skip
        at = next(row["sequence"] for row in rows if row["is_erasure"])
        assert len(rows) == 62
        assert {(row["phone"], row["body"]) for row in rows if row["sequence"] < at} == {(erasure["pseudonym"], "")}
        assert {row["phone"] for row in rows if row["sequence"] > at} <= {world.phone}
        assert erasure["erased"]["entries"] == sum(row["sequence"] < at for row in rows)
    assert stopline(world, "verify")[0] == 0


async def test_an_opt_out_that_was_not_published_before_it_was_erased_is_published(world: OptOutWorld) -> None:
    """The pipeline dies between Postgres and Kafka; when it comes back, its entry does not have the phone any more."""
    erasure = ErasureRequested(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=world.account_id,
        phone=world.phone,
        pseudonym=Pseudonyms([KEY]).new(world.account_id, world.phone),
        reason="asked for it",
        by="ada",
    )
    message = LinkedMessage(world, world.phone)
    await message.leaves()
    await world.service.start()
    await world.fence()
    await world.service.kill()
    stop = await world.says("STOP")
    await message.is_confirmed(all_lists=True)  # its record has no phone, and its link is erased too
    await world.write(INBOUND_MESSAGES, erasure)
    await world.service.start(failpoint="optout.after_record_commit=kill@1", wait=False)
    await world.service.process.wait_exit(60)
    owner = await asyncpg.connect(world.backend.optout_api_url)
    counts = [await owner.fetchval("SELECT erase_entries($1, $2, 10)", erasure.event_id, world.phone) for _ in range(2)]
    await owner.close()
    assert counts == [2, 0]
    await world.service.start()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out", "account": "opted_out"}
    by_reply, by_click = world.opt_out_events()
    assert (by_reply.cause_event_id, by_click.scope) == (stop.event_id, "account")


async def test_a_row_is_erased_only_for_an_erasure_of_the_chain_and_only_by_the_api(world: OptOutWorld) -> None:
    await world.service.start()
    event = await world.says("hello")
    await world.fence()
    for url in (world.backend.optout_pipeline_url, world.backend.optout_api_url):
        connection = await asyncpg.connect(url)
        try:
            await connection.fetchval("SELECT erase_entries($1, $2, 10)", event.event_id, world.phone)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.NoDataFoundError) as error:
            refused = type(error)
        finally:
            await connection.close()
        expected = {
            world.backend.optout_pipeline_url: asyncpg.InsufficientPrivilegeError,
            world.backend.optout_api_url: asyncpg.NoDataFoundError,
        }
        assert refused is expected[url]
    owner = await asyncpg.connect(world.backend.optout_database_url)
    try:
        await owner.execute("SET stopline.erases = 'on'")
        for change in ("hash = '\\x00'", "entry = ''", "body = ''", "phone = 'erased:1'"):
            try:
                await owner.execute(f"UPDATE decisions SET {change} WHERE event_id = $1", event.event_id)
                raise AssertionError(change)
            except asyncpg.InsufficientPrivilegeError:
                continue
    finally:
        await owner.close()
