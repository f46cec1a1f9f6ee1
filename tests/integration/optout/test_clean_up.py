"""Clean-ups and imports of opt-outs on a real Kafka and Postgres, through the same log as every reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from optout_world import SECONDS, OptOutWorld

from harness.certificates import certificates
from services.optout.api.authenticate import key_sha256
from shared.events.codec import decode
from shared.events.opt_out import opt_out_event_adapter
from shared.topics import OPT_OUT_EVENTS, SUPPRESSIONS

_KEY = "the-key-of-the-test"
STAYS, LEFT, BOTH, TWICE = "+14155550110", "+14155550111", "+14155550112", "+14155550113"


@dataclass
class Shop:
    """An account that uses the API, and the world around it."""

    world: OptOutWorld
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
        answer = await self.http.request(method, path, **arguments)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def new_list(self, *phones: str) -> int:
        made = await self.call("POST", "/v1/lists", 201, json={"name": uuid4().hex})
        if phones:
            body = {"contacts": [{"phone": phone} for phone in phones]}
            await self.call("POST", f"/v1/lists/{made['list_id']}/contacts", json=body)
        return int(made["list_id"])

    async def opt_out(self, phone: str, scope: str) -> None:
        body = {"phone": phone, "scopes": [scope], "by": "ann", "source": "phone_call"}
        await self.call("POST", "/v1/opt-outs", 201, json=body)

    async def statuses(self, list_id: int) -> dict[str, str]:
        read = await self.call("GET", f"/v1/lists/{list_id}/contacts")
        return {contact["phone"]: contact["status"] for contact in read["contacts"]}

    async def ended(self, job: dict[str, Any]) -> dict[str, Any]:
        while job["state"] in ("waiting", "running"):
            await asyncio.sleep(0.02)
            job = await self.call("GET", f"/v1/jobs/{job['job_id']}")
        return job

    async def opt_out_list(self) -> int:
        lists = (await self.call("GET", "/v1/lists"))["lists"]
        return next(int(each["list_id"]) for each in lists if each["kind"] == "opt_outs")


@asynccontextmanager
async def running(world: OptOutWorld) -> AsyncIterator[Shop]:
    await asyncio.gather(world.service.start(), world.api.start())
    await world.fetch(
        "WITH made AS (INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme') RETURNING 1)"
        " INSERT INTO api_keys (account_id, name, key_sha256) SELECT $1, 'first', $2 FROM made",
        world.account_id,
        key_sha256(_KEY),
    )
    async with httpx.AsyncClient(
        verify=certificates(), base_url=world.api.url, auth=(world.account_id, _KEY), timeout=60
    ) as http:
        yield Shop(world, http)


async def test_a_clean_up_takes_off_who_left_elsewhere_and_its_undo_brings_them_back(world: OptOutWorld) -> None:
    async with running(world) as shop:
        other = await shop.new_list(LEFT, BOTH)
        list_id = await shop.new_list(STAYS, LEFT, BOTH)
        await shop.opt_out(LEFT, f"list:{other}")
        await shop.opt_out(BOTH, "sender:+18335550123")
        body = {"what": ["opt_outs"]}
        assert await shop.call("POST", f"/v1/lists/{list_id}/clean-up/preview", json=body) == {"opt_outs": 2}
        job = await shop.ended(await shop.call("POST", f"/v1/lists/{list_id}/clean-up", 202, json=body))
        assert (job["state"], job["result"], job["progress"]) == ("done", {"opt_outs": 2}, {"done": 2, "total": 2})
        assert await shop.statuses(list_id) == {STAYS: "active", LEFT: "opted_out", BOTH: "opted_out"}
        evidence = await shop.call("GET", "/v1/evidence", params={"phone": LEFT})
        assert all(entry["intact"] for entry in evidence["entries"])
        # Who opts out of it by themselves since then has left, also when the clean-up is undone.
        await shop.opt_out(BOTH, f"list:{list_id}")
        undo = await shop.ended(await shop.call("POST", f"/v1/lists/{list_id}/clean-ups/{job['job_id']}/undo", 202))
        assert undo["state"] == "done"
        assert await shop.statuses(list_id) == {STAYS: "active", LEFT: "active", BOTH: "opted_out"}
        assert (await shop.statuses(other))[LEFT] == "opted_out"
        again = await shop.call("POST", f"/v1/lists/{list_id}/clean-ups/{job['job_id']}/undo", 409)
        assert again["error"]["code"] == "not_undoable"


async def test_a_clean_up_whose_pipeline_dies_before_it_publishes_is_published_by_the_next(world: OptOutWorld) -> None:
    phones = [f"+1415555{number}" for number in range(7000, 7012)]
    async with running(world) as shop:
        other, list_id = await shop.new_list(*phones), await shop.new_list(*phones)
        for phone in phones:
            await shop.opt_out(phone, f"list:{other}")
        await world.service.start(failpoint="optout.after_record_commit=kill@1")
        job = await shop.call("POST", f"/v1/lists/{list_id}/clean-up", 202, json={"what": ["opt_outs"]})
        await world.service.process.wait_exit(60)
        await world.service.start()
        assert (await shop.ended(job))["result"] == {"opt_outs": len(phones)}
        scope = f"list:{list_id}"
        async with asyncio.timeout(SECONDS):
            while not all(scope in world.suppressions_of(phone) for phone in phones):
                await world.read_some(SUPPRESSIONS)
            while len(published := left(world, scope)) < len(phones):
                await world.read_some(OPT_OUT_EVENTS)
        assert all(world.suppressions_of(phone)[scope] == "opted_out" for phone in phones)
        assert sorted(published) == phones
        assert set((await shop.statuses(list_id)).values()) == {"opted_out"}
        evidence = await shop.call("GET", "/v1/evidence", params={"phone": phones[0]})
        assert [entry["intact"] for entry in evidence["entries"]] == [True, True]


def left(world: OptOutWorld, scope: str) -> list[str]:
    """Return whom events say to have left the list, one by one."""
    events = [decode(opt_out_event_adapter, record.value) for record in world.seen[OPT_OUT_EVENTS]]
    return [event.phone for event in events if event.account_id == world.account_id and event.scope == scope]


async def test_who_was_taken_off_by_a_clean_up_has_not_opted_out(world: OptOutWorld) -> None:
    async with running(world) as shop:
        left, cleaned, third = await shop.new_list(LEFT), await shop.new_list(LEFT), await shop.new_list(LEFT)
        await shop.opt_out(LEFT, f"list:{left}")
        body = {"what": ["opt_outs"]}
        await shop.ended(await shop.call("POST", f"/v1/lists/{cleaned}/clean-up", 202, json=body))
        opt_outs = (await shop.call("GET", "/v1/opt-outs"))["opt_outs"]
        assert [each["scope"] for each in opt_outs] == [f"list:{left}"]
        exported = (await shop.call("GET", f"/v3/lists/{await shop.opt_out_list()}/export"))["data"]["url"]
        assert len((await shop.http.get(exported)).text.splitlines()) == 2  # the header and the opt-out
        consent = {"phone": LEFT, "scopes": [f"list:{left}"], "by": "ann", "source": "mail", "statement": "Yes, again"}
        await shop.call("POST", "/v1/opt-ins", 201, json=consent)
        assert (await shop.statuses(left), await shop.statuses(cleaned)) == ({LEFT: "active"}, {LEFT: "opted_out"})
        suppressed = (await shop.call("GET", f"/v1/suppressions/{LEFT}"))["suppressions"]
        assert {each["scope"]: each["source"] for each in suppressed} == {
            f"list:{left}": None,
            f"list:{cleaned}": "clean_up",
        }
        preview = await shop.call("POST", f"/v1/lists/{third}/clean-up/preview", json=body)
        assert preview == {"opt_outs": 0}


async def test_clients_remove_opted_out_contacts_and_duplicates_in_one_call_each(world: OptOutWorld) -> None:
    async with running(world) as shop:
        other, list_id = await shop.new_list(LEFT), await shop.new_list(STAYS, LEFT)
        await shop.opt_out(LEFT, f"list:{other}")
        await world.fetch(
            "INSERT INTO contacts (account_id, list_id, phone, fields) VALUES ($1, $2, $3, $4), ($1, $2, $3, '{}')",
            world.account_id, list_id, TWICE, '{"first_name": "Ann"}',
        )  # fmt: skip
        path = f"/v3/lists/{list_id}/remove-opted-out-contacts/{await shop.opt_out_list()}"
        assert (await shop.call("PUT", path))["data"] == {"deleted": 1}
        assert (await shop.call("PUT", path, content=b"{}"))["data"] == {"deleted": 0}
        refused = await shop.http.put(f"/v3/lists/{list_id}/remove-opted-out-contacts/{other}")
        assert 400 <= refused.status_code < 500
        duplicates = f"/v3/lists/{list_id}/remove-duplicates"
        by_name = {"fields": {"first_name": "x", "phone_number": "x"}}
        for fields, count in ((["first_name", "phone"], 0), ([], 1)):
            body = {"what": ["duplicates"], "fields": fields}
            counts = await shop.call("POST", f"/v1/lists/{list_id}/clean-up/preview", json=body)
            assert counts == {"duplicates": count}
        assert (await shop.call("PUT", duplicates, json=by_name))["data"] == {"deleted": 0}
        assert (await shop.call("PUT", duplicates))["data"] == {"deleted": 1}
        refused = await shop.http.put(duplicates, json={"fields": ["salary"]})
        assert 400 <= refused.status_code < 500
        (job, *_) = (await shop.call("GET", "/v1/jobs"))["jobs"]
        undo = await shop.call("POST", f"/v1/lists/{list_id}/clean-ups/{job['job_id']}/undo", 202)
        assert (await shop.ended(undo))["result"] == {"opt_outs": 0, "restored": 1}
        assert (await shop.call("PUT", f"{duplicates}/", json={"fields": ["phone"]}))["data"] == {"deleted": 1}


async def test_one_clean_up_of_a_list_runs_and_a_second_is_refused(world: OptOutWorld) -> None:
    async with running(world) as shop:
        list_id = await shop.new_list(STAYS)
        await world.fetch(
            "INSERT INTO jobs (job_id, account_id, kind, list_id, exclusive_key, input, claimable_at)"
            " VALUES ($1, $2, 'clean_up', $3, 'clean-up:' || $3::bigint, '{}', now() + interval '1 hour')",
            uuid4(), world.account_id, list_id,
        )  # fmt: skip
        refused = await shop.call("POST", f"/v1/lists/{list_id}/clean-up", 409, json={})
        assert refused["error"]["code"] == "running"
        refused = await shop.http.put(f"/v3/lists/{list_id}/remove-duplicates")
        assert 400 <= refused.status_code < 500


async def test_invalid_numbers_are_taken_off(world: OptOutWorld) -> None:
    async with running(world) as shop:
        list_id = await shop.new_list("+442071234567", "+12001234567")
        body = {"what": ["invalid"]}
        preview = await shop.call("POST", f"/v1/lists/{list_id}/clean-up/preview", json=body)
        assert preview == {"invalid": 1, "invalid_checked": 2}
        job = await shop.ended(await shop.call("POST", f"/v1/lists/{list_id}/clean-up", 202, json=body))
        assert (job["result"], await shop.statuses(list_id)) == ({"invalid": 1}, {"+442071234567": "active"})


async def test_opt_outs_from_elsewhere_are_imported_whole_or_not_at_all(world: OptOutWorld) -> None:
    async with running(world) as shop:
        list_id = await shop.new_list(STAYS, LEFT, BOTH)
        rows = f"{LEFT},{list_id},2024-05-01,old system\n{BOTH},,2024-05-01T10:00:00Z,\nnobody,,,\n"
        csv = f"Number,List,Date,Source\n{rows}"
        headers = {"Content-Type": "text/csv"}
        cut_off = csv.encode() + b"+14155550110,"
        for content in (cut_off, csv.encode()):
            job = await shop.call("POST", "/v1/opt-outs/imports", 202, content=content, headers=headers)
            job = await shop.ended(job)
            if content == cut_off:
                assert (job["state"], await shop.statuses(list_id)) == (
                    "failed", {STAYS: "active", LEFT: "active", BOTH: "active"},
                )  # fmt: skip
        assert (job["state"], job["result"]["opted_out"], job["result"]["bad_rows"]) == ("done", 2, 1)
        assert [bad["row"] for bad in job["result"]["bad"]] == [4]
        assert await shop.statuses(list_id) == {STAYS: "active", LEFT: "opted_out", BOTH: "opted_out"}
        suppressed = await shop.call("GET", f"/v1/suppressions/{LEFT}")
        assert [each["scope"] for each in suppressed["suppressions"]] == [f"list:{list_id}"]


@pytest.mark.parametrize("content", [b"", b"name,list\nx,1\n", b"number,number\n+14155550100,+14155550100\n"])
async def test_a_file_of_opt_outs_that_says_nothing_is_refused(world: OptOutWorld, content: bytes) -> None:
    async with running(world) as shop:
        refused = await shop.http.post("/v1/opt-outs/imports", content=content, headers={"Content-Type": "text/csv"})
        assert refused.status_code == 422, refused.text


async def test_whoever_is_put_on_the_opt_out_list_has_opted_out_and_comes_off_it_with_a_reason(
    world: OptOutWorld,
) -> None:
    async with running(world) as shop:
        list_id, opt_outs = await shop.new_list(STAYS, LEFT, BOTH, TWICE), await shop.opt_out_list()
        contacts, entries = f"/v3/lists/{list_id}/contacts", f"/v3/lists/{opt_outs}/contacts"
        body = {"phone_number": LEFT, "custom_3": "asked at the counter"}
        added = (await shop.call("POST", entries, json=body))["data"]
        assert (added["phone_number"], added["custom_1"], added["custom_3"]) == (LEFT, "all lists", body["custom_3"])
        assert added["contact_id"]
        both = next(each for each in (await shop.call("GET", contacts))["data"]["data"] if each["phone_number"] == BOTH)
        await shop.call("PUT", f"{contacts}/{both['contact_id']}/transfer/{opt_outs}")
        upload = await shop.http.post("/v3/uploads", content=f"{TWICE},x\n", headers={"Content-Type": "text/csv"})
        file = {"file_url": upload.json()["data"]["_url"], "field_order": "phone,first_name"}
        started = await shop.call("POST", f"/v3/lists/{opt_outs}/import", json=file)
        job = await shop.ended({"job_id": started["data"]["id"], "state": "waiting"})
        assert (job["kind"], job["result"]["opted_out"]) == ("opt_out_import", 1)
        assert [each["phone_number"] for each in (await shop.call("GET", contacts))["data"]["data"]] == [STAYS]
        listed = (await shop.call("GET", entries))["data"]["data"]
        assert [each["phone_number"] for each in listed] == [LEFT, BOTH, TWICE]
        entry = f"{entries}/{added['contact_id']}"
        await shop.call("DELETE", entry, 400)
        assert await shop.call("DELETE", entry, params={"reason": "said so by phone"}) == {
            "http_code": 200, "response_code": "SUCCESS", "response_msg": "The contact has been deleted.", "data": [],
        }  # fmt: skip
        await shop.call("GET", entry, 404)
        assert LEFT in [each["phone_number"] for each in (await shop.call("GET", contacts))["data"]["data"]]
        last = (await shop.call("GET", "/v1/evidence", params={"phone": LEFT}))["timeline"][-1]
        assert last["text"] == "said so by phone"
