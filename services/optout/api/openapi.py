"""The OpenAPI documents of `/v1` and `/v3`: besides what FastAPI knows, every error of a route, with its schema."""

from collections.abc import Callable, Collection, Coroutine, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "field"],
            "properties": {
                "code": {"type": "string", "description": "For programs; it does not change."},
                "message": {"type": "string", "description": "For people: what to do about it."},
                "field": {"type": ["string", "null"], "description": "The part of the request that is meant."},
            },
        }
    },
}
_CLICKSEND_ERROR = {
    "type": "object",
    "required": ["http_code", "response_code", "response_msg", "data"],
    "additionalProperties": False,
    "properties": {
        "http_code": {"type": "integer"},
        "response_code": {"type": "string"},
        "response_msg": {"type": "string"},
        "data": {
            "type": ["object", "null"],
            "additionalProperties": {"type": "string"},
            "description": "With 400: the field that is meant, and what is wrong with it.",
        },
    },
}
_METHODS = ("get", "post", "put", "patch", "delete")
_DESCRIPTIONS = {
    400: "The body is not JSON, or the cursor is not one of ours.",
    401: "The credentials are missing or wrong.",
    403: "The user has no right to do this; the account itself has all.",
    404: "There is no such thing in this account.",
    408: "The body did not arrive in time.",
    409: "It conflicts with what there is.",
    413: "The body is too large.",
    414: "The address is too long.",
    422: "A field is wrong; `field` says which.",
    429: "Too many wrong logins came from this address; `Retry-After` says when to try again.",
    431: "The headers are too many or too large.",
    503: "The database or Kafka does not answer; try again after `Retry-After`.",
}
# What a route can answer that does not follow from its login, its parameters and its body.
_MORE = {
    ("post", "/v1/accounts"): (409,),
    ("post", "/v1/accounts/{account_id}/api-keys"): (409,),
    ("post", "/v1/api-keys"): (404, 409),
    ("delete", "/v1/api-keys/{key_id}"): (409,),
    ("post", "/v1/check"): (409,),
    ("post", "/v1/erasures"): (409,),
    ("post", "/v1/jobs/{job_id}/cancel"): (409,),
    ("post", "/v1/lists"): (409,),
    ("post", "/v1/lists/{list_id}/clean-up"): (409,),
    ("post", "/v1/lists/{list_id}/clean-ups/{job_id}/undo"): (409,),
    ("put", "/v3/lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}"): (409,),
    ("put", "/v3/lists/{list_id}/remove-duplicates"): (409,),
    ("get", "/v1/opt-outs"): (404,),
    ("get", "/v1/opt-outs/export"): (404,),
    ("post", "/v1/opt-outs"): (404,),
    ("post", "/v1/opt-ins"): (404,),
    ("post", "/v1/campaigns"): (409,),
    ("post", "/v1/campaigns/{campaign_id}/cancel"): (409,),
    ("post", "/v1/campaigns/{campaign_id}/pause"): (409,),
    ("post", "/v1/campaigns/{campaign_id}/resume"): (409,),
    ("post", "/v1/parked/{position}/drop"): (409,),
    ("post", "/v1/parked/{position}/replay"): (409,),
    ("post", "/v1/review/{event_id}/confirm"): (409,),
    ("post", "/v1/review/{event_id}/release"): (409,),
    ("post", "/v1/review/{event_id}/undo"): (409,),
    ("post", "/v1/rules/explain"): (404,),
    ("post", "/v1/rules/simulate"): (404, 409),
    ("post", "/v1/session"): (400,),
    ("post", "/v1/users"): (409,),
    ("post", "/v1/rules"): (409,),
    ("put", "/v1/rules/{inbound_rule_id}"): (409,),
    ("post", "/v1/rules-packs/{pack}"): (409,),
}
_OF_HTTP = (414, 431)
"""What any request can be answered with before a route is asked, besides what the route has too."""
_VERSIONS = ("v1", "v3")
_NEW_LISTS = {"v1": ("/v1/lists", "201", "/list_id"), "v3": ("/v3/lists", "200", "/data/list_id")}
"""What makes a list, and where its answer has the list's id."""


def serve_documents(app: FastAPI) -> None:
    """Serve each version's document at `/v1/openapi.json` or `/v3/openapi.json`; called before routes are added."""
    for version in _VERSIONS:
        app.add_api_route(f"/{version}/openapi.json", _served(app, version), include_in_schema=False)


def _served(app: FastAPI, version: str) -> Callable[[], Coroutine[None, None, JSONResponse]]:
    async def serve() -> JSONResponse:
        return JSONResponse(document(app, version))

    return serve


@cache
def document(app: FastAPI, version: str) -> dict[str, Any]:
    """Return the document of a version of the API, made at the first call."""
    routes = [each for each in iter_route_contexts(app.routes) if str(each.path).startswith(f"/{version}/")]
    made = get_openapi(title=f"{app.title} {version}", version=app.version, routes=routes, description=_DESCRIPTION)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Error": _CLICKSEND_ERROR if version == "v3" else _ERROR, "Refusal": _ERROR}
    for method, path, operation in _operations(made):
        statuses = {*_statuses(operation), *_MORE.get((method, path), ())}
        _complete(operation, _as_clicksend(statuses) if version == "v3" else statuses)
    _link_lists(made, *_NEW_LISTS[version])
    return made


def _link_lists(made: dict[str, Any], path: str, status: str, place: str) -> None:
    """Say that the answer with a new list's id leads to all that is done with a list."""
    made["paths"][path]["post"]["responses"][status]["links"] = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {"list_id": f"$response.body#{place}"},
        }
        for _, each, operation in _operations(made)
        if each.startswith(f"{path}/{{list_id}}")
    }


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def _complete(operation: dict[str, Any], statuses: Collection[int]) -> None:
    operation["responses"].pop("422", None)
    for status in sorted({*statuses, *_OF_HTTP}):
        description = _DESCRIPTIONS.get(status, HTTPStatus(status).phrase)
        schema = {"$ref": f"#/components/schemas/{'Refusal' if status in _OF_HTTP else 'Error'}"}
        operation["responses"][str(status)] = {
            "description": description,
            "content": {"application/json": {"schema": schema}},
        }


def _as_clicksend(statuses: Collection[int]) -> set[int]:
    """Return what ClickSend documents for them: there a wrong field is 400."""
    return {400 if status in (408, 409, 413, 422) else status for status in statuses}


def _statuses(operation: dict[str, Any]) -> Iterator[int]:
    yield 503
    if operation.get("security"):
        yield from (401, 403, 429)
    if "requestBody" in operation:
        yield from (400, 408, 413, 422)
    parameters = operation.get("parameters", [])
    if parameters:
        yield 422
    if any(each["name"] == "after" for each in parameters):
        yield 400
    if any(each["name"] == "at_least_as_fresh" for each in parameters):
        yield 409
    if any(each["in"] == "path" for each in parameters):
        yield 404


_DESCRIPTION = """
A request that goes over a limit of HTTP itself is answered before any route is asked, in the form of `Refusal`: 400 (it
is not HTTP), 408 (too slow), 413 and 429 (too many chunks, or requests on one connection), 414 and 431 (the address or
the headers are too large), 503 (too many at once). Such an answer ends its connection.
"""
