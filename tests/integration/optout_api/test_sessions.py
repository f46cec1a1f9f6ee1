"""Sessions: opened with a key, ended with it, on signing out and by the clock; users with roles."""

import asyncio

import httpx
import pytest
from optout_api_world import Caller

from services.optout.api.session_store import IDLE, LIFE, MAKE_ROOM, MAX_OF_A_USER
from shared.postgres import Pool


class Signed:
    """Somebody who is signed in."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.token = token

    async def call(self, method: str, path: str, **arguments: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}".encode()}
        return await self.http.request(method, path, headers=headers, **arguments)  # type: ignore[arg-type]

    async def status(self, method: str = "GET", path: str = "/v1/lists", **arguments: object) -> int:
        return (await self.call(method, path, **arguments)).status_code


async def signed_in(http: httpx.AsyncClient, user: str, api_key: str) -> Signed:
    answer = await http.post("/v1/session", auth=(user, api_key))
    assert answer.status_code == 201, answer.text
    return Signed(http, answer.json()["token"])


async def user_of(acme: Caller, role: str) -> Signed:
    made = await acme.call("POST", "/v1/users", json={"user": f"{role}.user", "role": role})
    assert made.status_code == 201, made.text
    return await signed_in(acme.http, f"{role}.user", made.json()["api_key"])


async def test_a_session_takes_the_place_of_the_key_until_it_is_signed_out(acme: Caller, pool: Pool) -> None:
    session = await signed_in(acme.http, acme.account_id, acme.api_key)
    shown = (await session.call("GET", "/v1/session")).json()
    assert (shown["account_id"], shown["role"], shown["user"]) == (acme.account_id, "administer", acme.account_id)
    assert shown["is_account"] is True
    person = await user_of(acme, "administer")
    assert (await person.call("GET", "/v1/session")).json()["is_account"] is False
    assert await session.status() == 200
    stored = await pool.fetchval("SELECT json_agg(s)::text FROM sessions s")
    assert session.token not in stored
    assert (await session.call("DELETE", "/v1/session")).json() == {"account_id": acme.account_id, "ended": True}
    assert await session.status() == 401


async def test_a_session_ends_with_the_key_that_opened_it(acme: Caller) -> None:
    second = (await acme.call("POST", "/v1/api-keys", json={"name": "second"})).json()
    session = await signed_in(acme.http, acme.account_id, second["api_key"])
    assert await session.status() == 200
    await acme.call("DELETE", f"/v1/api-keys/{second['key_id']}")
    assert await session.status() == 401


async def test_a_session_ends_with_its_user_and_with_their_key(acme: Caller) -> None:
    ann = await user_of(acme, "read")
    users = await acme.get("/v3/subaccounts")
    user_id = next(each["subaccount_id"] for each in users["data"]["data"] if each["api_username"] == "read.user")
    await acme.call("PUT", f"/v3/subaccounts/{user_id}/regen-api-key")
    assert await ann.status() == 401


@pytest.mark.parametrize("column", ["expires_at", "used_at"])
async def test_a_session_ends_by_the_clock(acme: Caller, pool: Pool, column: str) -> None:
    session = await signed_in(acme.http, acme.account_id, acme.api_key)
    ago = LIFE if column == "expires_at" else IDLE
    await pool.execute(
        f"UPDATE sessions SET {column} = {column} - $2::interval WHERE account_id = $1", acme.account_id, ago
    )
    assert await session.status() == 401


async def test_a_user_has_a_limited_number_of_sessions_and_the_oldest_one_ends(acme: Caller) -> None:
    first = await signed_in(acme.http, acme.account_id, acme.api_key)
    for _ in range(MAX_OF_A_USER):
        last = await signed_in(acme.http, acme.account_id, acme.api_key)
    assert (await first.status(), await last.status()) == (401, 200)


async def test_a_sign_in_waits_for_no_other_sign_in_of_the_same_user(acme: Caller, pool: Pool) -> None:
    """Two that ended each other's oldest sessions in another order would wait for each other, and one would fail."""
    for _ in range(MAX_OF_A_USER):
        await signed_in(acme.http, acme.account_id, acme.api_key)
    user = await pool.fetchval("SELECT subaccount_id FROM sessions WHERE account_id = $1 LIMIT 1", acme.account_id)
    async with pool.acquire() as connection, connection.transaction():
        assert await connection.execute(MAKE_ROOM, user, 0) == f"DELETE {MAX_OF_A_USER}"
        async with asyncio.timeout(5):
            await signed_in(acme.http, acme.account_id, acme.api_key)


async def test_a_session_opens_no_further_one_and_sees_nothing_of_another_account(acme: Caller, other: Caller) -> None:
    session = await signed_in(acme.http, acme.account_id, acme.api_key)
    assert (await session.call("POST", "/v1/session")).json()["error"]["code"] == "needs_api_key"
    theirs = await other.new_list("theirs")
    assert await session.status("GET", f"/v1/lists/{theirs}/contacts") == 404


async def test_a_reader_sees_everything_and_changes_nothing(acme: Caller) -> None:
    list_id = await acme.new_list("a list")
    reader = await user_of(acme, "read")
    for path in ("/v1/lists", f"/v1/lists/{list_id}/contacts", "/v1/rules", "/v1/inbox", "/v1/review", "/v1/campaigns"):
        assert await reader.status("GET", path) == 200, path
    assert await reader.status("POST", "/v1/lists", json={"name": "another"}) == 403
    assert await reader.status("GET", "/v1/api-keys") == 403
    assert await reader.status("POST", "/v1/users", json={"user": "x", "role": "read"}) == 403


async def test_an_operator_works_with_contacts_and_changes_no_rule(acme: Caller) -> None:
    operator = await user_of(acme, "operate")
    assert await operator.status("POST", "/v1/lists", json={"name": "theirs"}) == 201
    assert await operator.status("POST", "/v1/rules-packs/help", json={}) == 403
    administrator = await user_of(acme, "administer")
    assert await administrator.status("PUT", "/v1/account/gate", json={"policy": "reject"}) == 200


async def test_nobody_makes_a_user_with_more_rights_than_they_have(acme: Caller) -> None:
    body = {"api_username": "hr", "email": "a@b.example", "first_name": "H", "access_users": 1, "access_sms": 0}
    made = (await acme.call("POST", "/v3/subaccounts", json=body)).json()["data"]
    answer = await acme.http.post("/v1/users", json={"user": "x", "role": "administer"}, auth=("hr", made["api_key"]))
    assert answer.status_code == 403


@pytest.mark.parametrize("token", ["sls_guess", "", "x" * 5_000, "sls_é"])
async def test_a_guessed_token_is_refused_and_slowed_down(acme: Caller, token: str) -> None:
    guesser = Signed(acme.http, token)
    statuses = [await guesser.status() for _ in range(12)]
    assert statuses[:10] == [401] * 10
    assert statuses[10:] == [429, 429]
