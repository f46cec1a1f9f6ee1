"""Customers' addresses are called with a signature, tried again when they fail, and given up visibly."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.resolver import ThreadedResolver

from services.optout.customer_webhooks.addresses import PublicResolver
from services.optout.customer_webhooks.deliver import PER_ACCOUNT, RETRY_AFTER, Deliverer
from services.optout.customer_webhooks.sign import signing_secret
from shared.postgres import Pool

KEY = "a-webhook-key-of-the-tests"
# Adds calls to an address that were due an hour ago.
WAITING = """
INSERT INTO webhook_deliveries
    (delivery_id, account_id, rule_id, rule_version, event_id, url, webhook_type, body, next_attempt_at, is_receipt)
SELECT gen_random_uuid(), $1, 1, 1, gen_random_uuid(), $2, 'json', $4, now() - interval '1 hour', $5
FROM generate_series(1, $3)
"""


class Receiver:
    """A customer's server, which answers with the next of `statuses`, else 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


async def due(pool: Pool, url: str, webhook_type: str = "json") -> UUID:
    delivery_id = uuid4()
    await pool.execute("DELETE FROM webhook_deliveries")
    await pool.execute(
        "INSERT INTO webhook_deliveries"
        " (delivery_id, account_id, rule_id, rule_version, event_id, url, webhook_type, body)"
        ' VALUES ($1, \'acme\', 1, 1, $1, $2, $3, \'{"from": "+14155550100", "body": "Hi & bye", "to": null}\')',
        delivery_id,
        url,
        webhook_type,
    )
    return delivery_id


@asynccontextmanager
async def deliverer(pool: Pool) -> AsyncIterator[tuple[Deliverer, aiohttp.ClientSession]]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=ThreadedResolver())) as http:
        yield Deliverer(pool, [KEY]), http


async def state(pool: Pool, delivery_id: UUID) -> tuple[str, int, str | None]:
    row = await pool.fetchrow(
        "SELECT state, attempts, last_error FROM webhook_deliveries WHERE delivery_id = $1", delivery_id
    )
    assert row is not None
    return row["state"], row["attempts"], row["last_error"]


async def test_a_call_is_signed_as_standard_webhooks_says(pool: Pool, receiver: Receiver) -> None:
    delivery_id = await due(pool, receiver.url)
    async with deliverer(pool) as (deliver, http):
        assert await deliver.deliver_due(http) == 1
        assert await deliver.deliver_due(http) == 0
    ((headers, body),) = receiver.received
    assert json.loads(body)["body"] == "Hi & bye"
    key = base64.b64decode(signing_secret(KEY, "acme").removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == str(delivery_id)
    assert await state(pool, delivery_id) == ("delivered", 1, None)


async def test_while_the_webhook_key_rotates_a_call_is_signed_with_both_keys(pool: Pool, receiver: Receiver) -> None:
    await due(pool, receiver.url)
    async with aiohttp.ClientSession() as http:
        assert await Deliverer(pool, ["the-key-that-comes-next", KEY]).deliver_due(http) == 1
    ((headers, body),) = receiver.received
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    keys = [signing_secret(key, "acme").removeprefix("whsec_") for key in ("the-key-that-comes-next", KEY)]
    expected = [hmac.new(base64.b64decode(key), signed, hashlib.sha256).digest() for key in keys]
    assert headers["webhook-signature"].split(" ") == [f"v1,{base64.b64encode(each).decode()}" for each in expected]


async def test_a_form_has_the_fields_that_there_are(pool: Pool, receiver: Receiver) -> None:
    await due(pool, receiver.url, "post")
    async with deliverer(pool) as (deliver, http):
        await deliver.deliver_due(http)
    assert parse_qs(receiver.received[0][1].decode()) == {"from": ["+14155550100"], "body": ["Hi & bye"]}


async def test_a_failure_is_tried_again_later_and_given_up_in_the_end(pool: Pool, receiver: Receiver) -> None:
    delivery_id = await due(pool, receiver.url)
    receiver.statuses = [500] * (len(RETRY_AFTER) + 1)
    async with deliverer(pool) as (deliver, http):
        for attempt in range(1, len(RETRY_AFTER) + 2):
            assert await deliver.deliver_due(http) == 1
            assert await deliver.deliver_due(http) == 0, "not before its time"
            ended = "failed" if attempt > len(RETRY_AFTER) else "pending"
            assert await state(pool, delivery_id) == (ended, attempt, "answered 500")
            await pool.execute("UPDATE webhook_deliveries SET next_attempt_at = now()")
        assert await deliver.deliver_due(http) == 0


@pytest.mark.parametrize(("status", "ended"), [(410, "failed"), (302, "pending")])
async def test_gone_is_final_and_nobody_is_followed_elsewhere(
    status: int, ended: str, pool: Pool, receiver: Receiver
) -> None:
    delivery_id = await due(pool, receiver.url)
    receiver.statuses = [status]
    async with deliverer(pool) as (deliver, http):
        await deliver.deliver_due(http)
    assert (await state(pool, delivery_id))[0] == ended
    assert len(receiver.received) == 1


async def test_a_name_that_points_at_this_machine_is_not_called(pool: Pool, receiver: Receiver) -> None:
    delivery_id = await due(pool, receiver.url.replace("127.0.0.1", "localhost"))
    deliver = Deliverer(pool, [KEY])
    task = asyncio.create_task(deliver.run())
    async with asyncio.timeout(20):
        while (await state(pool, delivery_id))[2] is None:  # noqa: ASYNC110 (it is called soon)
            await asyncio.sleep(0.02)  # between two looks at the condition
    task.cancel()
    await asyncio.wait([task])
    assert "no public address" in str(await state(pool, delivery_id))
    assert receiver.received == []


async def test_a_public_address_is_found() -> None:
    resolver = PublicResolver()
    found = await resolver.resolve("1.1.1.1", 443)
    assert found[0]["host"] == "1.1.1.1"
    await resolver.close()


async def test_an_address_that_hangs_holds_up_no_other_account(pool: Pool, receiver: Receiver) -> None:
    """500 calls wait to an address that never answers, and were due first; the other account's arrives at once."""
    await pool.execute("DELETE FROM webhook_deliveries")
    silent = socket.create_server(("127.0.0.1", 0))  # the system takes the connection, and nobody answers
    hanging = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    await pool.execute(WAITING, "hangs", hanging, 500, "{}", False)
    await pool.execute(WAITING, "works", receiver.url, 3 * PER_ACCOUNT, "{}", False)
    async with deliverer(pool) as (deliver, http):
        calls = []
        async with asyncio.timeout(5):
            while len(receiver.received) < 3 * PER_ACCOUNT:
                calls += await deliver.start_due(http)
                await asyncio.wait(calls, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
        tried = await pool.fetchval(
            "SELECT count(*) FROM webhook_deliveries WHERE account_id = 'hangs' AND attempts > 0"
        )
        assert tried == PER_ACCOUNT
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    silent.close()


async def test_who_was_slow_has_one_call_at_a_time(pool: Pool, receiver: Receiver) -> None:
    await due(pool, receiver.url)
    async with deliverer(pool) as (deliver, http):
        deliver._slow.add("acme")
        await pool.execute(
            "INSERT INTO webhook_deliveries SELECT gen_random_uuid(), account_id, rule_id, rule_version, event_id, url,"
            " webhook_type, body FROM webhook_deliveries, generate_series(1, 5)"
        )
        assert await deliver.deliver_due(http) == 1
        assert await deliver.deliver_due(http) == PER_ACCOUNT  # it was quick


async def test_a_call_about_a_reply_waits_for_no_backlog_of_receipts(pool: Pool, receiver: Receiver) -> None:
    await pool.execute("DELETE FROM webhook_deliveries")
    await pool.execute(WAITING, "acme", receiver.url, 500, '"receipt"', True)
    await pool.execute(WAITING, "acme", receiver.url, 1, '"reply"', False)
    await pool.execute("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE NOT is_receipt")
    async with deliverer(pool) as (deliver, http):
        assert await deliver.deliver_due(http) == PER_ACCOUNT
        assert sorted(body for _, body in receiver.received) == [b'"receipt"'] * (PER_ACCOUNT - 1) + [b'"reply"']
        assert await deliver.deliver_due(http) == PER_ACCOUNT
