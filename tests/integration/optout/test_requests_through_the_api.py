"""Opt-outs and opt-ins by the API on a real Kafka and Postgres: in effect when the answer comes, with a token."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
from optout_world import OptOutWorld
from test_review import api_of

from shared.partitions import partition_of

CALLED = {"by": "ada@acme.example", "source": "phone_call", "statement": "Called and asked not to be texted"}


async def new_list(http: httpx.AsyncClient) -> int:
    answer = await http.post("/v1/lists", json={"name": f"List {uuid4().hex[:6]}"})
    list_id: int = answer.json()["list_id"]
    return list_id


async def asks(http: httpx.AsyncClient, path: str, phone: str, scope: str, **fields: Any) -> httpx.Response:
    return await http.post(path, json={"phone": phone, "scopes": [scope], **CALLED, **fields})


async def test_an_opt_out_by_phone_call_is_in_effect_when_it_is_answered_and_consent_lifts_it(
    world: OptOutWorld,
) -> None:
    async with api_of(world) as http:
        scope = f"list:{await new_list(http)}"
        answer = await asks(http, "/v1/opt-outs", world.phone, scope)
        assert answer.status_code == 201, answer.text
        said = answer.json()
        assert (said["in_effect"], said["reason"], said["changed"]) == (True, "opted_out", [scope])
        partition, offset = map(int, said["token"].split(":"))
        assert (partition, offset >= 0) == (partition_of(world.phone, world.partitions), True)
        (listed,) = (await http.get("/v1/opt-outs", params={"at_least_as_fresh": said["token"]})).json()["opt_outs"]
        assert (listed["scope"], listed["state"], listed["cause"]["body"]) == (scope, "opted_out", CALLED["statement"])
        lifted = await asks(http, "/v1/opt-ins", world.phone, scope, source="web_form", statement="Text me again")
        assert lifted.json()["changed"] == [scope]
        await world.fence()
        assert world.suppressions() == {scope: "opted_in"}
        assert [(event.type, event.rule) for event in world.opt_out_events()] == [
            ("opted_out", "request"),
            ("opted_in", "request"),
        ]
        evidence = (await http.get("/v1/evidence", params={"phone": world.phone})).json()["entries"]
        assert all(entry["intact"] for entry in evidence)


async def test_the_same_idempotency_key_is_one_request(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        body = {"phone": world.phone, "scopes": ["account"], **CALLED}
        answers = [await http.post("/v1/opt-outs", json=body, headers={"Idempotency-Key": "call-17"}) for _ in range(2)]
        assert [answer.json()["event_id"] for answer in answers] == [answers[0].json()["event_id"]] * 2
        evidence = (await http.get("/v1/evidence", params={"phone": world.phone})).json()["entries"]
        assert len(evidence) == 1
        # Used for something else, the key holds up no opt-out.
        ticket = {"Idempotency-Key": "call-17"}
        back = await http.post("/v1/opt-ins", json=body, headers=ticket)
        assert back.json()["changed"] == ["account"]
        scope = f"list:{await new_list(http)}"
        again = await http.post("/v1/opt-outs", json={**body, "scopes": ["account", scope]}, headers=ticket)
        assert sorted(again.json()["changed"]) == ["account", scope]


async def test_the_opt_out_list_is_not_a_scope(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        lists = (await http.get("/v1/lists")).json()["lists"]
        opt_outs = next(each["list_id"] for each in lists if each["name"] == "Opt Out List")
        answer = await asks(http, "/v1/opt-outs", world.phone, f"list:{opt_outs}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "scopes")
        assert "account" in answer.json()["error"]["message"]


async def test_while_the_pipeline_is_down_the_answer_is_accepted_and_a_fresh_read_waits(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        await world.service.kill()
        answer = await asks(http, "/v1/opt-outs", world.phone, "account")
        assert (answer.status_code, answer.json()["in_effect"]) == (202, False)
        path = answer.json()["see"]
        early = await http.get(path)
        assert (early.status_code, early.json()["error"]["code"]) == (409, "not_yet")
        waiting = asyncio.create_task(http.get("/v1/suppressions/" + world.phone))
        assert (await waiting).json()["suppressions"] == []
        await world.service.start()
        async with asyncio.timeout(30):
            while (fresh := await http.get(path)).status_code == 409:
                pass
        assert [each["state"] for each in fresh.json()["suppressions"]] == ["opted_out"]
