"""The account and its usage by ClickSend's API; every answer is judged by the shapes of its typed clients."""

from datetime import UTC, datetime
from typing import Any

from optout_api_world import NUMBER, Caller

from shared.postgres import Pool

MESSAGE = {"body": "Hello", "to": "+14155550101", "from": NUMBER}


async def test_an_account_shows_itself_and_who_asks(acme: Caller) -> None:
    account = (await acme.get("/v3/account"))["data"]
    assert (account["username"], account["account_name"], account["balance"]) == (acme.account_id, "Acme", "0.0000")
    assert account["_subaccount"]["is_main"] == 1
    name, api_key = await _new_user(acme, "ann")
    asked = await acme.http.get("/v3/account", auth=(name, api_key))
    theirs = asked.json()["data"]
    assert (theirs["user_id"], theirs["username"]) == (account["user_id"], "ann")
    assert theirs["_subaccount"]["subaccount_id"] != account["user_id"]


async def test_usage_counts_what_each_user_sent_in_a_month(acme: Caller, pool: Pool) -> None:
    name, api_key = await _new_user(acme, "ann", notes="sales")
    await acme.call("POST", "/v3/sms/send", json={"messages": [MESSAGE, {**MESSAGE, "schedule": _in_an_hour()}]})
    for _ in range(2):
        await acme.http.post("/v3/sms/send", json={"messages": [MESSAGE]}, auth=(name, api_key))
    month, before = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2025, 11, 30, 23, 59, 59, tzinfo=UTC)
    set_time = "UPDATE messages SET created_at = $2, status = $3 WHERE account_id = $1 AND schedule IS NULL"
    await pool.execute(set_time, acme.account_id, month, "sent")
    usage = (await acme.get("/v3/account/usage/2025/12/subaccount"))["data"]
    assert [(each["username"], each["total_count"], each["notes"]) for each in usage["sms"]] == [
        (acme.account_id, "1", None),
        ("ann", "2", "sales"),
    ]
    assert (usage["sms_total"]["count"], usage["mms"], usage["voice_total"]["count"]) == (3, [], 0)
    assert (await acme.get("/v3/account/usage/2025/11/subaccount"))["data"]["sms"] == []
    await pool.execute(set_time, acme.account_id, before, "sent")
    assert (await acme.get("/v3/account/usage/2025/12/subaccount"))["data"]["sms"] == []
    for wrong in ("2025/13", "2025/0", "99999/1", "x/1"):
        assert (await acme.call("GET", f"/v3/account/usage/{wrong}/subaccount")).status_code == 400


async def _new_user(caller: Caller, name: str, **fields: Any) -> tuple[str, str]:
    body = {"api_username": name, "access_reporting": 0, **fields}
    made = await caller.call("POST", "/v3/subaccounts", json=body)
    return name, made.json()["data"]["api_key"]


def _in_an_hour() -> int:
    return int(datetime.now(UTC).timestamp()) + 3600
