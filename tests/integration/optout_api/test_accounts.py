"""Accounts: who may make them, what they start with, and who may ask for what."""

import base64

import httpx
import pytest
from optout_api_world import WEBHOOK_KEY, Caller, create_account

from services.optout.rules import DEFAULT_RULES, Rule
from shared.postgres import Pool
from shared.webhook_secrets import webhook_secret


async def test_a_new_account_gets_its_key_its_webhook_and_the_default_rules(
    http: httpx.AsyncClient, pool: Pool
) -> None:
    made = (await create_account(http, "fresh")).json()
    assert made["webhook_secret"] == webhook_secret(WEBHOOK_KEY, "fresh")
    assert made["webhook_path"] == f"/webhooks/clicksend/fresh/{made['webhook_secret']}"
    assert made["webhook_url"] == f"https://in.test{made['webhook_path']}"
    rows = await pool.fetch("SELECT definition FROM rules WHERE account_id = 'fresh' ORDER BY rule_id")
    assert tuple(Rule.model_validate_json(row["definition"]) for row in rows) == DEFAULT_RULES


async def test_the_api_key_itself_is_nowhere_in_the_database(acme: Caller, pool: Pool) -> None:
    stored = await pool.fetchval("SELECT to_json(a)::text FROM accounts a WHERE account_id = $1", acme.account_id)
    assert acme.api_key not in stored
    assert len(base64.urlsafe_b64decode(acme.api_key + "==")) == 32


async def test_an_account_id_is_taken_once_and_the_first_keeps_its_key(acme: Caller) -> None:
    again = await create_account(acme.http, acme.account_id)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "account_exists")
    assert (await acme.call("GET", "/v1/lists")).status_code == 200


@pytest.mark.parametrize("token", ["", "operators-toke", "wörter"])
async def test_only_the_operator_makes_accounts(http: httpx.AsyncClient, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    body = {"account_id": "nobody", "name": "N"}
    answer = await http.post("/v1/accounts", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("account_id", ["Acme", "a b", "-a", "a" * 65, "", "a\n"])
async def test_an_account_id_that_no_event_could_carry_is_refused(http: httpx.AsyncClient, account_id: str) -> None:
    answer = await create_account(http, account_id)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "account_id")


async def test_without_the_right_key_nothing_is_shown(acme: Caller, other: Caller) -> None:
    pairs = [("", ""), (acme.account_id, ""), (acme.account_id, other.api_key), ("nobody", acme.api_key), ("a\0", "x")]
    for pair in pairs:
        answer = await acme.http.get("/v1/lists", auth=pair)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    for header in ("Basic !!!", "Bearer x", "Basic " + base64.b64encode(b"\xff\xfe:x").decode()):
        answer = await acme.http.get("/v1/lists", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_another_accounts_list_looks_like_none(acme: Caller, other: Caller) -> None:
    list_id = await acme.new_list("Newsletter", "+14155550100")
    for method, arguments in (("GET", {}), ("POST", {"json": {"contacts": [{"phone": "+14155550101"}]}})):
        answer = await other.call(method, f"/v1/lists/{list_id}/contacts", **arguments)
        assert answer.status_code == 404
    assert list(await acme.statuses(list_id)) == ["+14155550100"]
    assert [each["kind"] for each in (await other.get("/v1/lists"))["lists"]] == ["opt_outs", "default"]


async def test_an_account_gets_the_address_of_the_gateway_that_it_names(acme: Caller) -> None:
    default, generic = await acme.get("/v1/webhook"), await acme.get("/v1/webhook", gateway="generic")
    path = f"/webhooks/generic/{acme.account_id}/{generic['webhook_secret']}"
    assert (generic["webhook_path"], generic["webhook_secret"]) == (path, default["webhook_secret"])
    answer = await acme.call("GET", "/v1/webhook", params={"gateway": "../elsewhere"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "gateway")
