"""The addresses, as OpenAPI documents them."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from fastapi.encoders import jsonable_encoder
from starlette.routing import Route

from services.inbound.fields import FORM
from services.inbound.gateways import MESSAGES, RECEIPTS
from services.inbound.gateways.reading import Reported
from services.inbound.handle import WebhookHandler
from services.inbound.kafka_link import KafkaLink
from services.inbound.multipart import MULTIPART
from services.inbound.publish import Publisher
from services.inbound.settings import InboundSettings

Handlers = dict[str, WebhookHandler]


def webhook_handlers(settings: InboundSettings, publisher: Publisher) -> Handlers:
    """Return the handlers by path: `/webhooks/{gateway}/{account}/{secret}`, followed by `/receipts` for receipts."""
    kinds: tuple[tuple[str, Mapping[str, Reported], str], ...] = (
        ("message", MESSAGES, ""),
        ("receipt", RECEIPTS, "/receipts"),
    )
    return {
        f"/webhooks/{gateway}/{{account}}/{{secret}}{end}": WebhookHandler(settings, publisher, kind, reported)
        for kind, adapters, end in kinds
        for gateway, reported in adapters.items()
    }


def webhook_routes(handlers: Handlers) -> list[Route]:
    routes = [Route(path, handler, methods=handler.methods) for path, handler in handlers.items()]
    for route in routes:
        (route.methods or set()).discard("HEAD")  # Starlette adds it to GET; a HEAD must not publish a message
    return routes


def webhook_paths(handlers: Handlers) -> dict[str, Any]:
    """Return the webhooks' part of the OpenAPI document; FastAPI documents only its own routes."""
    paths: dict[str, Any] = jsonable_encoder(
        {
            path: {method.lower(): _operation(handler, method) for method in handler.methods}
            for path, handler in handlers.items()
        },
        exclude_none=True,
    )
    return paths


def _operation(handler: WebhookHandler, method: str) -> dict[str, Any]:
    gateway, kind = handler.reported.gateway, handler.kind
    accepted = {"description": "Kafka has the event.", "content": {"application/json": {"schema": {}}}}
    errors = {str(status): _error(description) for status, description in _ERRORS[method].items()}
    return {
        "operationId": f"{gateway}_{kind}" if method == "POST" else f"{gateway}_{kind}_query",
        "summary": f"{gateway}: {'a person wrote' if kind == 'message' else 'a delivery receipt'}",
        "tags": ["webhooks"],
        **(_body(handler.reported) if method == "POST" else _query(handler.reported)),
        "responses": {"200": accepted, **errors},
    }


_POSTED = {
    400: "It is not what its Content-Type says; the bytes are parked for an operator.",
    404: "No such address, or not with this secret.",
    408: "The body did not come in time.",
    413: "The body is over 64 kB.",
    415: "No such Content-Type is taken; the bytes are parked for an operator.",
    422: "It can never be accepted; the bytes are parked for an operator.",
    503: "Kafka did not acknowledge in time; send it again.",
}
_ASKED = {
    400: _POSTED[400],
    404: _POSTED[404],
    405: "There is no query, so that nothing was said.",
    414: "The address with its query is over 8 kB.",
    422: _POSTED[422],
    503: _POSTED[503],
}
_ERRORS = {"POST": _POSTED, "GET": _ASKED}


def _error(description: str) -> dict[str, Any]:
    text = {"type": "string"}
    fields = {"code": text, "message": text, "field": {"type": ["string", "null"]}}
    error = {"type": "object", "required": list(fields), "properties": fields}
    schema = {"type": "object", "required": ["error"], "properties": {"error": error}}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(reported: Reported) -> dict[str, Any]:
    schema = reported.model_json_schema(mode="validation")
    types = (FORM, "application/json", *((MULTIPART,) if reported.takes_any_form else ()))
    return {"requestBody": {"required": True, "content": {name: {"schema": schema} for name in types}}}


def _query(reported: Reported) -> dict[str, Any]:
    schema = reported.model_json_schema(mode="validation")
    required = schema.get("required", ())
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": field}
            for name, field in schema["properties"].items()
        ]
    }


def operator_routes(link: KafkaLink) -> APIRouter:
    """Return health."""
    router = APIRouter(tags=["operators"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        problem = await link.problem()
        if problem is None:
            return {"status": "ready"}
        response.status_code = 503
        return {"status": f"not ready: {problem}"}

    return router
