"""Every route answers what its OpenAPI document says: here the errors that all have; other tests' answers as well."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from documented import checker
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optout_api_world import ADMIN_TOKEN, Caller

from services.optout.api.openapi import document

VALUES = {"list_id": "999999", "key_id": "999999", "inbound_rule_id": "999999", "account_id": "nobody"}
UNKNOWN = "00000000-0000-0000-0000-000000000000"
ODD_BODIES = [b"", b"{", b"[]", b"null", b'{"x": "\\u0000"}', b'"a"', b"\xff", b"[" * 50_000, b'{"name": "\\ud800"}']


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = document(app, "v1")["paths"] | document(app, "v3")["paths"]
    for path, item in paths.items():
        filled = re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], UNKNOWN), path)
        for method, operation in item.items():
            yield method.upper(), filled, operation


def login(operation: dict[str, Any], caller: Caller) -> dict[str, Any]:
    if "HTTPBearer" in str(operation.get("security")):
        return {"headers": {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}}
    return {"auth": (caller.account_id, caller.api_key), "headers": {"Content-Type": "application/json"}}


async def test_every_route_that_needs_a_login_says_so_and_asks_for_it(app: FastAPI, http: httpx.AsyncClient) -> None:
    found = list(operations(app))
    assert len(found) > 20
    for method, path, operation in found:
        assert operation["security"], path
        assert (await http.request(method, path)).status_code == 401
        assert {"401", "429", "503"} <= operation["responses"].keys()


@pytest.mark.parametrize("body", ODD_BODIES)
async def test_odd_bodies_are_documented_errors(body: bytes, app: FastAPI, acme: Caller) -> None:
    for method, path, operation in operations(app):
        if "requestBody" in operation:
            answer = await acme.http.request(method, path, content=body, **login(operation, acme))
            least = 400 if operation["requestBody"].get("required") else 200
            assert least <= answer.status_code < 500, (method, path, answer.text)


async def test_what_is_not_there_is_a_documented_error(app: FastAPI, acme: Caller) -> None:
    for method, path, operation in operations(app):
        answer = await acme.http.request(method, path, **login(operation, acme))
        assert answer.status_code < 500, (method, path, answer.text)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
async def test_any_cursor_is_a_page_or_a_4xx(app: FastAPI, acme: Caller, text: str) -> None:
    for _, path, operation in operations(app):
        if any(each["name"] == "after" for each in operation.get("parameters", [])):
            query = {"after": text.encode(errors="surrogatepass"), "phone": "+14155550100"}
            answer = await acme.http.get(path, params=query, **login(operation, acme))
            assert answer.status_code in (200, 400, 404, 422), (path, text, answer.text)


async def test_an_answer_that_is_not_documented_fails(app: FastAPI) -> None:
    check = checker(document(app, "v1"))
    answer = httpx.Response(418, json={}, request=httpx.Request("GET", "http://api/v1/lists"))
    with pytest.raises(AssertionError, match="not documented"):
        await check(answer)
