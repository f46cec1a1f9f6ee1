"""Answers of the Reassigned Numbers Database on a real Kafka and Postgres: consent ends, and nobody has opted out."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
from optout_world import OptOutWorld
from test_erasure import check
from test_review import api_of


async def ended(http: httpx.AsyncClient, content: str) -> dict[str, Any]:
    answer = await http.post("/v1/reassigned-numbers", content=content, headers={"content-type": "text/csv"})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    async with asyncio.timeout(60):
        while job["state"] in {"waiting", "running"}:
            await asyncio.sleep(0.05)
            job = (await http.get(f"/v1/jobs/{job['job_id']}")).json()
    return job


async def test_a_number_that_was_reassigned_needs_consent_again_and_has_not_opted_out(world: OptOutWorld) -> None:
    async with api_of(world) as http:
        answer = await http.post("/v1/lists", json={"name": f"List {uuid4().hex[:6]}"})
        list_id, stays = answer.json()["list_id"], "+12025550147"
        contacts = [{"phone": world.phone, "fields": {"first_name": "Ann"}}, {"phone": stays}]
        await http.post(f"/v1/lists/{list_id}/contacts", json={"contacts": contacts})
        assert "opted_out" not in await check(http, world, list_id)
        rows = f"{world.phone[2:]},2024-05-31,yes\n{stays[2:]},2024-05-31,no\n{world.phone[2:]},2024-05-31,perhaps\n"
        job = await ended(http, f"number,date,answer\n{rows}")
        assert (job["state"], job["error"]) == ("done", None)
        result = job["result"]
        assert (result["reassigned"], result["removed"], result["bad_rows"], result["rows"]) == (1, 1, 1, 3)

        assert "opted_out" in await check(http, world, list_id)
        listed = (await http.get(f"/v1/lists/{list_id}/contacts")).json()["contacts"]
        assert [(each["phone"], each["status"]) for each in listed] == [(stays, "active")]
        assert (await http.get("/v1/opt-outs")).json()["opt_outs"] == []
        suppressions = (await http.get(f"/v1/suppressions/{world.phone}")).json()["suppressions"]
        assert [(each["scope"], each["state"], each["source"]) for each in suppressions] == [
            ("account", "opted_out", "reassigned")
        ]
        await world.fence()
        assert (world.suppressions(), world.opt_out_events()) == ({"account": "opted_out"}, [])

        # The new holder agreed before the import: messages go again, but the lists of the one before do not come back.
        consent = {"phone": world.phone, "scopes": ["account"], "by": "ada", "statement": "Yes, text me"}
        agreed = await http.post("/v1/opt-ins", json={**consent, "consented_at": "2025-06-15T12:00:00Z"})
        assert agreed.status_code == 201, agreed.text
        assert "opted_out" not in await check(http, world, list_id)
        listed = (await http.get(f"/v1/lists/{list_id}/contacts")).json()["contacts"]
        assert [each["phone"] for each in listed] == [stays]
