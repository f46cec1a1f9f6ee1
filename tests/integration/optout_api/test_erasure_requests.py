"""Requests to erase: what is refused, who may, and that nobody sees another account's. The rest needs the pipeline."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from optout_api_world import Caller, Record
from pydantic import SecretStr

from services.optout.jobs import store
from services.optout.jobs.erasure import ERASURE, Erasure
from shared.events.inbound import ErasureRequested
from shared.http import lifecycle_of
from shared.postgres import Pool

PHONE = "+14155550131"
ASKED = {"phone": PHONE, "reason": "asked for it", "by": "ada"}


@pytest.fixture
def _with_a_key(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = lifecycle_of(app).runtime
    settings = runtime.settings.model_copy(update={"erasure_key": SecretStr("an-erasure-key-of-the-tests")})
    monkeypatch.setattr(lifecycle_of(app), "runtime", replace(runtime, settings=settings))


async def test_without_a_key_nobody_is_erased(acme: Caller) -> None:
    answer = await acme.call("POST", "/v1/erasures", json=ASKED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_configured")


@pytest.mark.usefixtures("_with_a_key")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "1.4155E+10"}, "phone"),
        ({"phone": "nobody"}, "phone"),
        ({"reason": " "}, "reason"),
        ({"by": "a" * 201}, "by"),
        ({"by": "a\0"}, "by"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_begins(acme: Caller, change: dict[str, Any], field: str) -> None:
    answer = await acme.call("POST", "/v1/erasures", json={**ASKED, **change})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await acme.get("/v1/jobs"))["jobs"] == []


@pytest.mark.usefixtures("_with_a_key")
async def test_an_erasure_waits_to_be_decided_and_is_the_accounts_own(acme: Caller, other: Caller) -> None:
    answer = await acme.call("POST", "/v1/erasures", json={**ASKED, "phone": "+1 (415) 555-0131"})
    assert answer.status_code == 202, answer.text
    erasure = answer.json()
    assert (erasure["state"], erasure["decided_at"], erasure["by"]) == ("waiting", None, "ada")
    assert erasure["pseudonym"].startswith("erased:")
    path = f"/v1/erasures/{erasure['erasure_id']}"
    assert await acme.get(path) == erasure
    assert (await acme.get("/v1/erasures"))["erasures"] == []
    for caller, unknown in ((other, path), (acme, f"/v1/erasures/{uuid4()}")):
        assert (await caller.call("GET", unknown)).status_code == 404


@pytest.mark.usefixtures("_with_a_key")
async def test_an_erasure_is_not_cancelled_half_done(acme: Caller, other: Caller) -> None:
    erasure_id = (await acme.call("POST", "/v1/erasures", json=ASKED)).json()["erasure_id"]
    for caller, status in ((acme, 409), (other, 404)):
        assert (await caller.call("POST", f"/v1/jobs/{erasure_id}/cancel")).status_code == status
    assert (await acme.get(f"/v1/erasures/{erasure_id}"))["state"] == "waiting"


async def erase(pool: Pool, erasure_id: UUID, steps: int | None = None) -> None:
    """Work on an erasure that waits: to its end, or some steps after which it fails."""
    kind = Erasure(pool, cast("Any", None))
    async with pool.acquire() as connection:
        while (claimed := await store.claim(connection, [ERASURE])) is not None and claimed[0].job_id != erasure_id:
            pass  # another test's
        assert claimed is not None
        job = claimed[0]
        for _ in itertools.count() if steps is None else range(steps):
            job = await kind.step(job)
            if job.state == "done":
                return
        await store.fail(connection, job, "an error of the tests")


async def forget(pool: Pool) -> None:
    """Have two months pass for jobs."""
    async with pool.acquire() as connection:
        await connection.execute("UPDATE jobs SET ended_at = ended_at - make_interval(months => 2)")
        await store.forget(connection)


async def test_an_erasure_that_a_restored_database_reads_again_erases_and_is_done_only_then(
    pool: Pool, acme: Caller, record: Record
) -> None:
    """There is no job of it: the backup is from before it was requested."""
    await record.message(acme.account_id, PHONE, "hello")
    await acme.new_list("Winter", PHONE)
    pseudonym = f"erased:{0:08}:{1:032}"
    ids = [uuid4(), uuid4()]
    for event_id in ids:
        event = ErasureRequested(
            event_id=event_id, occurred_at=datetime.now(UTC), account_id=acme.account_id, phone=PHONE,
            pseudonym=pseudonym, reason="asked for it", by="ada",
        )  # fmt: skip
        await record.decided(event)
        await record.decided(event)  # a repetition
        path = f"/v1/erasures/{event_id}"
        assert (await acme.get(path))["state"] == "waiting"
        await erase(pool, event_id, steps=1 if event_id == ids[0] else None)
        # One that failed stays so for as long as nothing has erased the phone.
        await forget(pool)
        if event_id == ids[0]:
            failed = await acme.get(path)
            assert (failed["state"], failed["error"]) == ("failed", "an error of the tests")
    assert [(await acme.get(f"/v1/erasures/{event_id}"))["state"] for event_id in ids] == ["done", "done"]
    assert await pool.fetchval("SELECT count(*) FROM decisions WHERE phone = $1", PHONE) == 0
    assert await pool.fetchval("SELECT count(*) FROM contacts WHERE phone = $1", PHONE) == 0
    assert await pool.fetchval("SELECT count(*) FROM jobs WHERE account_id = $1", acme.account_id) == 0
