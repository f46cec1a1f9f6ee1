"""The OpenAPI document: besides what FastAPI knows, every error that a route can answer, with its schema."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

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
    "required": ["http_code", "response_code", "response_msg", "data", "error"],
    "properties": {
        "http_code": {"type": "integer"},
        "response_code": {"type": "string"},
        "response_msg": {"type": "string"},
        "data": {"type": "null"},
        "error": _ERROR["properties"]["error"],  # type: ignore[index]
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
    422: "A field is wrong; `field` says which.",
    429: "Too many wrong logins came from this address; `Retry-After` says when to try again.",
    503: "The database or Kafka does not answer; try again after `Retry-After`.",
}
_RULES, _RULE = "/v3/automations/sms/inbound", "/v3/automations/sms/inbound/{inbound_rule_id}"
# What a route can answer that does not follow from its login, its parameters and its body.
_MORE = {
    ("post", "/v1/accounts"): (409,),
    ("post", "/v1/accounts/{account_id}/api-keys"): (409,),
    ("post", "/v1/api-keys"): (404, 409),
    ("delete", "/v1/api-keys/{key_id}"): (409,),
    ("post", "/v1/check"): (409,),
    ("post", "/v1/lists"): (409,),
    ("post", "/v1/lists/{list_id}/clean-up"): (409,),
    ("post", "/v1/lists/{list_id}/clean-ups/{job_id}/undo"): (409,),
    ("put", "/v3/lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}"): (409,),
    ("put", "/v3/lists/{list_id}/remove-duplicates"): (409,),
    ("post", "/v1/opt-outs"): (404,),
    ("post", "/v1/opt-ins"): (404,),
    ("post", "/v1/campaigns"): (404, 409),
    ("post", "/v1/campaigns/{campaign_id}/cancel"): (409,),
    ("post", "/v1/campaigns/{campaign_id}/pause"): (409,),
    ("post", "/v1/campaigns/{campaign_id}/resume"): (409,),
    ("post", "/v1/review/{event_id}/confirm"): (409,),
    ("post", "/v1/review/{event_id}/release"): (409,),
    ("post", "/v1/rules/simulate"): (404, 409),
    ("post", _RULES): (409,),
    ("put", _RULE): (409,),
    ("post", f"{_RULES}-packs/{{pack}}"): (409,),
}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document, made at the first call."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=_DESCRIPTION)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= {"Error": _ERROR, "ClickSendError": _CLICKSEND_ERROR}
        for method, path, operation in _operations(made):
            _complete(method, path, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def _complete(method: str, path: str, operation: dict[str, Any]) -> None:
    schema = "ClickSendError" if path.startswith("/v3/") else "Error"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    for status in sorted({*_statuses(operation), *_MORE.get((method, path), ())}):
        description = _DESCRIPTIONS.get(status, HTTPStatus(status).phrase)
        operation["responses"][str(status)] = {"description": description, "content": content}


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
A request that goes over a limit of HTTP itself is answered before any route is asked, in the same form: 400 (it is not
HTTP), 408 (too slow), 413 and 429 (too many chunks, or requests on one connection), 414 and 431 (the address or the
headers are too large), 503 (too many at once). Such an answer ends its connection.
"""
