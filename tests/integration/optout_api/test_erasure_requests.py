"""Requests to erase: what is refused, who may, and that nobody sees another account's. The rest needs the pipeline."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from optout_api_world import Caller
from pydantic import SecretStr

from shared.http import lifecycle_of

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
