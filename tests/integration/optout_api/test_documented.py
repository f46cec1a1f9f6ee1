"""Every route answers what its OpenAPI document says: here the errors that all have; other tests' answers as well."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from documented import checker
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optout_api_world import ADMIN_TOKEN, Caller

from services.optout.api.live import route
from services.optout.api.openapi import document
from services.optout.api.v3 import not_offered

VALUES = {"list_id": "999999", "key_id": "999999", "inbound_rule_id": "999999", "account_id": "nobody"}
UNKNOWN = "00000000-0000-0000-0000-000000000000"
NOT_OFFERED = {each.path for each in not_offered.router.routes}
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


async def test_a_user_without_a_right_may_nothing_but_see_whose_it_is(app: FastAPI, acme: Caller) -> None:
    body = {"api_username": "ann", "password": "x", "email": "a@b.example", "first_name": "Ann", "access_sms": 0}
    ann = (await acme.call("POST", "/v3/subaccounts", json=body)).json()["data"]
    for method, path, operation in operations(app):
        if "HTTPBasic" in str(operation["security"]):
            answer = await acme.http.request(method, path, auth=("ann", ann["api_key"]))
            assert (answer.status_code == 403) == (path not in ("/v3/account", "/v1/session")), (
                method,
                path,
                answer.text,
            )


@pytest.mark.parametrize("body", ODD_BODIES)
async def test_odd_bodies_are_documented_errors(body: bytes, app: FastAPI, acme: Caller) -> None:
    for method, path, operation in operations(app):
        if "requestBody" in operation:
            answer = await acme.http.request(method, path, content=body, **login(operation, acme))
            least = 400 if operation["requestBody"].get("required") else 200
            assert least <= answer.status_code < 500, (method, path, answer.text)


async def test_what_is_not_there_is_a_documented_error(
    app: FastAPI, acme: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "STREAM_SECONDS", 0.0)  # a stream is read to its end here
    for method, path, operation in operations(app):
        answer = await acme.http.request(method, path, **login(operation, acme))
        assert answer.status_code < 500, (method, path, answer.text)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
async def test_any_cursor_is_a_page_or_a_4xx(app: FastAPI, acme: Caller, text: str) -> None:
    for method, path, operation in operations(app):
        if method == "GET" and any(each["name"] == "after" for each in operation.get("parameters", [])):
            query = {"after": text.encode(errors="surrogatepass"), "phone": "+14155550100"}
            answer = await acme.http.get(path, params=query, **login(operation, acme))
            assert answer.status_code in (200, 400, 404, 422), (path, text, answer.text)


async def test_an_answer_that_is_not_documented_fails(app: FastAPI) -> None:
    check = checker(document(app, "v1"))
    answer = httpx.Response(418, json={}, request=httpx.Request("GET", "http://api/v1/lists"))
    with pytest.raises(AssertionError, match="not documented"):
        await check(answer)


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "HEAD"])
@pytest.mark.parametrize("version", ["v1", "v3"])
async def test_a_method_that_a_path_does_not_take_is_answered_with_those_that_it_does(
    method: str, version: str, http: httpx.AsyncClient
) -> None:
    answer = await http.request(method, f"/{version}/lists")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert method == "HEAD" or ("error" if version == "v1" else "http_code") in answer.json()
    assert (await http.request(method, f"/{version}/no-such-thing")).status_code == 404


def test_every_route_is_in_its_versions_document_with_the_type_of_its_answers(app: FastAPI) -> None:
    served = {str(each.path) for each in iter_route_contexts(app.routes) if str(each.path).startswith(("/v1/", "/v3/"))}
    documented = document(app, "v1")["paths"] | document(app, "v3")["paths"]
    assert served - documented.keys() == {
        "/v1/{path:path}", "/v3/{path:path}", "/v3/files/{token}/{name}", *NOT_OFFERED,
    }  # fmt: skip
    for version in ("v1", "v3"):
        made = document(app, version)
        for path, item in made["paths"].items():
            assert path.startswith(f"/{version}/")
            for method, operation in item.items():
                answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
                assert answers
                for media, content in [pair for answer in answers for pair in answer["content"].items()]:
                    assert media != "application/json" or is_typed(content["schema"], made), (method, path)


def is_typed(schema: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether the schema names the fields of what it describes; of an envelope, those of its data."""
    if "$ref" in schema:
        return is_typed(made["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], made)
    fields = schema.get("properties", {})
    if "http_code" in fields:
        data = fields["data"]
        return is_typed(data.get("items", data) if data.get("type") == "array" else data, made)
    others = isinstance(schema.get("additionalProperties"), dict)
    return bool(fields) or others or schema.get("type") not in {None, "object"}
