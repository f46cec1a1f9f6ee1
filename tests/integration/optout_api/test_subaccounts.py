"""Subaccounts: further users of an account's API, each with a key and rights of its own."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from clicksend_shapes import answer_problems, call_of
from optout_api_world import NUMBER, Caller

from shared.postgres import Pool

PATH = "/v3/subaccounts"
PHONE = "+14155550101"


@dataclass(frozen=True)
class User:
    """A subaccount that logs in."""

    http: httpx.AsyncClient
    subaccount_id: int
    name: str
    api_key: str

    async def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return await self.http.request(method, path, auth=(self.name, self.api_key), **arguments)

    async def may(self, path: str) -> bool:
        answer = await self.call("GET", path)
        assert answer.status_code in (200, 403), answer.text
        return answer.status_code == 200


async def added(caller: Caller | User, name: str = "ann", **fields: Any) -> httpx.Response:
    body = {"api_username": name, "password": "not kept", "email": "a@b.example", "first_name": "Ann", **fields}
    return await caller.call("POST", PATH, json=body)


async def user(caller: Caller | User, name: str = "ann", **fields: Any) -> User:
    answer = await added(caller, name, **fields)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    return User(caller.http, data["subaccount_id"], name, data["api_key"])


async def test_every_answer_is_what_typed_clients_accept(acme: Caller) -> None:
    made = await added(acme)
    one = f"{PATH}/{made.json()['data']['subaccount_id']}"
    for method, path, body in (
        ("GET", PATH, None),
        ("GET", one, None),
        ("PUT", one, {"access_sms": 0, "email": "new@b.example"}),
        ("PUT", f"{one}/regen-api-key", {}),
        ("DELETE", one, None),
    ):
        answer = await acme.call(method, path, json=body)
        call = call_of(method, path)
        assert call is not None
        assert answer.status_code == 200, answer.text
        assert answer_problems(call, answer.json()) == []
    assert answer.json()["data"] is True
    assert (await acme.call("GET", one)).status_code == 404


async def test_a_user_may_what_it_has_a_right_to_under_v1_and_v3(acme: Caller) -> None:
    ann = await user(acme, access_contacts=1, access_sms=0)
    paths = ("/v1/lists", "/v1/inbox", "/v1/campaigns", "/v1/api-keys", "/v3/automations/sms/inbound", PATH)
    assert [await ann.may(path) for path in paths] == [True, False, False, False, False, False]
    refused = await ann.call("GET", "/v3/automations/sms/inbound")
    assert refused.json()["response_code"] == "FORBIDDEN"
    changed = {"access_reporting": 1, "access_contacts": 0}
    assert (await acme.call("PUT", f"{PATH}/{ann.subaccount_id}", json=changed)).status_code == 200
    assert [await ann.may(path) for path in paths] == [False, True, False, False, False, False]


@pytest.mark.parametrize("call", ["send", "price"])
async def test_who_may_send_but_not_read_contacts_is_not_shown_a_lists_members(acme: Caller, call: str) -> None:
    list_id = await acme.new_list("Ours", PHONE)
    whole, to_one = ({"list_id": list_id, "body": "Hi {phone}", "from": NUMBER, **to} for to in ({}, {"to": PHONE}))
    allowed = "SUCCESS", PHONE
    for rights, expected in (({}, ("NOT_ENOUGH_PERMISSION_TO_LIST_ID", "")), ({"access_contacts": 1}, allowed)):
        sender = await user(acme, f"sender-{len(rights)}", access_sms=1, **rights)
        answer = await sender.call("POST", f"/v3/sms/{call}", json={"messages": [whole, to_one]})
        shown = [(each["status"], each["to"]) for each in answer.json()["data"]["messages"]]
        assert shown == [expected, allowed]


async def test_a_user_sees_its_account_and_no_other(acme: Caller, other: Caller) -> None:
    await acme.new_list("Ours")
    ann, namesake = await user(acme, access_contacts=1), await user(other, access_contacts=1)
    assert "Ours" in (await ann.call("GET", "/v1/lists")).text
    assert "Ours" not in (await namesake.call("GET", "/v1/lists")).text
    for method in ("GET", "PUT", "DELETE"):
        answer = await other.call(method, f"{PATH}/{ann.subaccount_id}", json=None if method != "PUT" else {})
        assert answer.status_code == 404


async def test_whoever_manages_users_gains_no_right_by_it(acme: Caller) -> None:
    manager = await user(acme, "manager", access_users=1, access_contacts=1)
    strong = await user(acme, "strong", access_settings=1)
    assert (await added(manager, "too-strong", access_settings=1)).status_code == 403
    itself = f"{PATH}/{manager.subaccount_id}"
    assert (await manager.call("PUT", itself, json={"access_settings": 1})).status_code == 403
    for method, path in (
        ("PUT", f"{PATH}/{strong.subaccount_id}/regen-api-key"),
        ("DELETE", f"{PATH}/{strong.subaccount_id}"),
    ):
        assert (await manager.call(method, path)).status_code == 403
    assert await (await user(manager, "weak", access_contacts=1)).may("/v1/lists")


async def test_a_key_that_was_replaced_or_whose_user_was_deleted_logs_in_no_more(acme: Caller) -> None:
    ann = await user(acme, access_contacts=1)
    answer = await acme.call("PUT", f"{PATH}/{ann.subaccount_id}/regen-api-key", json={})
    new = User(ann.http, ann.subaccount_id, ann.name, answer.json()["data"]["api_key"])
    assert (await ann.call("GET", "/v1/lists")).status_code == 401
    assert await new.may("/v1/lists")
    await acme.call("DELETE", f"{PATH}/{ann.subaccount_id}")
    assert (await new.call("GET", "/v1/lists")).status_code == 401
    assert (await added(acme)).status_code == 200  # the name is free again


async def test_the_account_itself_is_the_main_one_and_is_not_changed(acme: Caller) -> None:
    (main,) = (await acme.get(PATH))["data"]["data"]
    assert (main["api_username"], main["is_main"], main["access_settings"]) == (acme.account_id, 1, 1)
    for method, path in (("PUT", ""), ("PUT", "/regen-api-key"), ("DELETE", "")):
        answer = await acme.call(method, f"{PATH}/{main['subaccount_id']}{path}", json={} if method == "PUT" else None)
        assert answer.status_code == 400


async def test_neither_key_nor_password_is_in_the_database(acme: Caller, pool: Pool) -> None:
    ann = await user(acme)
    stored = await pool.fetchval(
        "SELECT to_json(s)::text FROM subaccounts s WHERE subaccount_id = $1", ann.subaccount_id
    )
    assert ann.api_key not in stored
    assert "not kept" not in stored


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 101, "a\0b", "ü"])
async def test_a_name_that_nobody_could_log_in_with_is_refused(acme: Caller, name: str) -> None:
    answer = await added(acme, name)
    assert (answer.status_code, list(answer.json()["data"])) == (400, ["api_username"])


async def test_a_name_is_taken_once_in_an_account(acme: Caller) -> None:
    await user(acme)
    assert (await added(acme)).status_code == 400
    assert (await added(acme, acme.account_id)).status_code == 400
