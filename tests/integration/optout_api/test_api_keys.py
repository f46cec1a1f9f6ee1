"""API keys: several for each account, made and revoked by whoever has one, and by the operator."""

import asyncio
import base64
from dataclasses import replace

import httpx
import pytest
from optout_api_world import ADMIN_TOKEN, Caller, create_account

from services.optout.api.logins import CAPACITY
from shared.http import lifecycle_of
from shared.postgres import Pool


async def made(caller: Caller, name: str) -> tuple[Caller, int]:
    answer = await caller.call("POST", "/v1/api-keys", json={"name": name})
    assert answer.status_code == 201, answer.text
    return replace(caller, api_key=answer.json()["api_key"]), answer.json()["key_id"]


async def status(caller: Caller) -> int:
    return (await caller.call("GET", "/v1/lists")).status_code


async def test_a_key_takes_the_place_of_another_without_a_pause(acme: Caller, pool: Pool) -> None:
    second, second_id = await made(acme, "second")
    assert (await status(acme), await status(second)) == (200, 200)
    shown = await second.get("/v1/api-keys")
    assert [key["name"] for key in shown["api_keys"]] == ["first", "second"]
    assert all(key["last_used_at"] and key["created_at"] for key in shown["api_keys"])
    assert second.api_key not in str(shown)
    first_id = shown["api_keys"][0]["key_id"]
    assert (await second.call("DELETE", f"/v1/api-keys/{first_id}")).json() == {"key_id": first_id, "deleted": True}
    assert (await status(acme), await status(second)) == (401, 200)
    last = await second.call("DELETE", f"/v1/api-keys/{second_id}")
    assert (last.status_code, last.json()["error"]["code"]) == (409, "last_api_key")
    assert await status(second) == 200
    stored = await pool.fetchval("SELECT json_agg(k)::text FROM api_keys k WHERE account_id = $1", acme.account_id)
    assert second.api_key not in stored


async def test_of_two_keys_that_revoke_each_other_one_stays(acme: Caller) -> None:
    second, second_id = await made(acme, "second")
    first_id = (await acme.get("/v1/api-keys"))["api_keys"][0]["key_id"]
    answers = await asyncio.gather(
        acme.call("DELETE", f"/v1/api-keys/{second_id}"), second.call("DELETE", f"/v1/api-keys/{first_id}")
    )
    assert [answer.status_code for answer in answers].count(200) == 1
    assert sorted([await status(acme), await status(second)]) == [200, 401]


async def test_a_name_is_taken_once_and_there_are_only_a_limited_number_of_keys(acme: Caller) -> None:
    taken = await acme.call("POST", "/v1/api-keys", json={"name": "first"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "api_key_exists")
    for number in range(19):
        await made(acme, f"key {number}")
    over = await acme.call("POST", "/v1/api-keys", json={"name": "one more"})
    assert (over.status_code, over.json()["error"]["code"]) == (409, "too_many_api_keys")


async def test_another_accounts_key_looks_like_none(acme: Caller, other: Caller) -> None:
    _, key_id = await made(acme, "second")
    assert (await other.call("DELETE", f"/v1/api-keys/{key_id}")).status_code == 404
    for wrong in ("0", "-1", str(2**63), "x"):
        assert (await other.call("DELETE", f"/v1/api-keys/{wrong}")).status_code == 422


async def test_the_operator_makes_a_key_for_an_account_that_lost_its_own(acme: Caller) -> None:
    path = f"/v1/accounts/{acme.account_id}/api-keys"
    for token, expected in ((acme.api_key, 401), (ADMIN_TOKEN, 201), (ADMIN_TOKEN, 409)):
        answer = await acme.http.post(path, json={"name": "n"}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == expected
        if expected == 201:
            assert await status(replace(acme, api_key=answer.json()["api_key"])) == 200
    unknown = "/v1/accounts/nobody-here/api-keys"
    answer = await acme.http.post(unknown, json={"name": "n"}, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert answer.status_code == 404


async def test_wrong_logins_are_slowed_down_and_lock_nobody_out(acme: Caller, other: Caller) -> None:
    wrong = replace(acme, api_key="wrong")
    assert [await status(wrong) for _ in range(20)] == [401] * int(CAPACITY) + [429] * (20 - int(CAPACITY))
    slowed = await wrong.call("GET", "/v1/lists")
    assert slowed.json()["error"]["code"] == "slow_down"
    assert 0 < int(slowed.headers["retry-after"]) <= 5
    assert (await status(acme), await status(other)) == (200, 200), "known keys, from the same address"
    fresh = await create_account(acme.http, "fresh-in-an-attack")
    assert fresh.status_code == 201, "so is the operator's token"
    guessed = {"Authorization": "Bearer guess"}
    assert (await acme.http.post("/v1/accounts", json={}, headers=guessed)).status_code == 429


async def test_a_key_that_was_never_used_is_right_from_another_address(acme: Caller) -> None:
    app = acme.http._transport.app  # type: ignore[attr-defined]
    for _ in range(30):
        await status(replace(acme, api_key="wrong"))
    lifecycle_of(app).runtime.logins._right.clear()  # as after a restart
    assert await status(acme) == 429
    elsewhere = httpx.ASGITransport(app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://api") as http:
        assert await status(replace(acme, http=http)) == 200
    assert await status(acme) == 200, "it is known now"


@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic ", "Basic !!!", "Basic =", "Basic " + "A" * 7000, "Basic é", "Basic \t", "basic", "Digest x",
        "Basic " + base64.b64encode(b"no colon").decode(), "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Basic " + base64.b64encode(b"a\0b:c\0").decode(),
        "Basic " + base64.b64encode(b"acme:" + b"k" * 4000).decode(),
        "Basic " + base64.b64encode("ümläut:\ud7ff".encode()).decode(), "Bearer \0", "Bearer", "Bearer ",
    ],
)  # fmt: skip
async def test_odd_credentials_are_401(header: str, http: httpx.AsyncClient) -> None:
    raw = {b"Authorization": header.encode("latin-1", "replace")}
    for method, path in (("GET", "/v1/lists"), ("POST", "/v1/accounts"), ("GET", "/v3/automations/sms/inbound")):
        answer = await http.request(method, path, headers=raw)
        assert answer.status_code == 401, (path, answer.text)
        assert answer.headers["www-authenticate"]


async def test_the_webhook_and_the_signing_secret_can_be_asked_for(acme: Caller) -> None:
    shown = await acme.get("/v1/webhook")
    assert shown["webhook_path"] == f"/webhooks/clicksend/{acme.account_id}/{shown['webhook_secret']}"
    assert shown["signing_secret"].startswith("whsec_")
