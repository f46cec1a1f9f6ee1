"""A draft rule over the messages that an account has received: counted, compared, cancelled, one at a time."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from optout_api_world import Caller, Record

from services.optout.simulation import run, store
from shared.http import lifecycle_of
from shared.postgres import Pool

PATH = "/v1/rules/simulate"
DRAFT = {"rule_name": "Leave", "message_search_type": 2, "message_search_term": "leave", "action": "OPT_OUT"}


async def started(caller: Caller, **fields: Any) -> httpx.Response:
    return await caller.call("POST", PATH, json={**DRAFT, **fields})


async def ended(app: FastAPI, caller: Caller, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    await asyncio.wait_for(asyncio.gather(*lifecycle_of(app).runtime.simulations._running), 10)
    return await caller.get(f"{PATH}/{answer.json()['simulation_id']}")


async def test_it_counts_what_matches_and_shows_what_is_new(
    app: FastAPI, acme: Caller, other: Caller, record: Record
) -> None:
    for body in ("please leave", "Unsubscribe. leave", "hello", "Leave!"):
        await record.message(acme.account_id, "+14155550100", body)
    await record.message(other.account_id, "+14155550100", "leave")
    result = await ended(app, acme, await started(acme))
    assert (result["state"], result["progress"]) == ("done", {"examined": 4, "total": 4})
    assert (result["matched"], result["new"]) == (3, 2)
    assert [each["body"] for each in result["first_new"]] == ["Leave!", "please leave"]
    rules = (await acme.get("/v1/rules"))["rules"]
    assert "Leave" not in {rule["rule_name"] for rule in rules}


async def test_it_ends_after_its_time_with_what_it_has(
    app: FastAPI, acme: Caller, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LIMIT_SECONDS", 0)
    await record.message(acme.account_id, "+14155550100", "leave")
    assert (await ended(app, acme, await started(acme)))["state"] == "timed_out"


async def test_one_runs_at_a_time_and_is_cancelled_wherever_it_runs(acme: Caller, pool: Pool) -> None:
    elsewhere = uuid4()
    async with pool.acquire() as connection:
        assert await store.add(connection, acme.account_id, elsewhere)
    assert (await started(acme)).status_code == 409
    cancelled = await acme.call("DELETE", f"{PATH}/{elsewhere}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    async with pool.acquire() as connection:
        assert not await store.save(connection, elsewhere, "running", store.Progress())
    assert (await started(acme)).status_code == 202


async def test_one_whose_process_died_counts_as_failed_and_is_in_nobodys_way(acme: Caller, pool: Pool) -> None:
    async with pool.acquire() as connection:
        await store.add(connection, acme.account_id, dead := uuid4())
        await connection.execute(
            "UPDATE simulations SET changed_at = now() - interval '1 minute' WHERE account_id = $1", acme.account_id
        )
    assert (await acme.get(f"{PATH}/{dead}"))["state"] == "failed"
    assert (await started(acme)).status_code == 202


async def test_an_unknown_one_or_somebody_elses_is_not_found(acme: Caller, other: Caller) -> None:
    mine = (await started(acme)).json()["simulation_id"]
    for caller, simulation_id in ((other, mine), (acme, str(UUID(int=7)))):
        for method in ("GET", "DELETE"):
            assert (await caller.call(method, f"{PATH}/{simulation_id}")).status_code == 404


async def test_a_draft_that_is_wrong_or_replaces_nothing_is_refused(acme: Caller) -> None:
    for fields, status, field in (
        ({"message_search_term": ""}, 422, "message_search_term"),
        ({"action": "EMAIL_USER"}, 422, "action"),
        ({"replaces": 1}, 404, "replaces"),
    ):
        answer = await started(acme, **fields)
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


async def test_a_changed_rule_shows_what_it_would_lose_with_before_and_after(
    app: FastAPI, acme: Caller, record: Record
) -> None:
    saved = (await acme.call("POST", "/v1/rules", json=DRAFT)).json()
    for body in ("shall we leave at noon", "do you have boots", "hello"):
        await record.message(acme.account_id, "+14155550100", body)
    changed = await started(acme, message_search_term="boots", replaces=saved["inbound_rule_id"])
    result = await ended(app, acme, changed)
    assert (result["matched"], result["new"], result["lost"]) == (1, 1, 1)
    shown = [(each["body"], each["before"], each["after"]) for each in (*result["first_new"], *result["first_lost"])]
    assert shown == [("do you have boots", "none", "opt_out"), ("shall we leave at noon", "opt_out", "none")]
