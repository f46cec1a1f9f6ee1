"""The webhooks' addresses as OpenAPI documents them; requests take the same routes in `fast_route.py`."""

from typing import Any

from fastapi.routing import APIRoute

from services.inbound.fields import FORM
from services.inbound.gateways import MESSAGES, RECEIPTS
from services.inbound.gateways.reported import Reported
from services.inbound.handle import WebhookHandler
from services.inbound.multipart import MULTIPART
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.http import Lifecycle
from shared.webhook_secrets import webhook_path

Handlers = dict[str, WebhookHandler]


class WebhookRoute(APIRoute):
    """A documented route that leads to the handler; FastAPI calls none of its own code for it."""

    def __init__(self, path: str, handler: WebhookHandler, method: str) -> None:
        super().__init__(path, _documented, methods=[method], **_documentation(handler, method))
        self.app = handler


async def _documented() -> None:
    """Have no parameters and no result: OpenAPI's are in `_documentation`."""


def webhook_handlers(settings: InboundSettings, lifecycle: Lifecycle[Runtime]) -> tuple[Handlers, Handlers]:
    """Return the handlers of messages and of receipts, by gateway."""
    messages = {name: WebhookHandler(settings, lifecycle, "message", model) for name, model in MESSAGES.items()}
    receipts = {name: WebhookHandler(settings, lifecycle, "receipt", model) for name, model in RECEIPTS.items()}
    return messages, receipts


def webhook_routes(messages: Handlers, receipts: Handlers) -> list[WebhookRoute]:
    """Return `/webhooks/{gateway}/{account}/{secret}` for messages, and the same followed by `/receipts`."""
    return [
        WebhookRoute(webhook_path(gateway, "{account}", "{secret}") + end, handler, method)
        for end, handlers in (("", messages), ("/receipts", receipts))
        for gateway, handler in handlers.items()
        for method in handler.reported.methods
    ]


def _documentation(handler: WebhookHandler, method: str) -> dict[str, Any]:
    gateway, kind = handler.reported.gateway, handler.kind
    return {
        "operation_id": f"{gateway}_{kind}" if method == "POST" else f"{gateway}_{kind}_query",
        "summary": f"{gateway}: {'a person wrote' if kind == 'message' else 'a delivery receipt'}",
        "tags": ["webhooks"],
        "openapi_extra": _body(handler.reported) if method == "POST" else _query(handler.reported),
        "responses": {
            200: {"description": "Kafka has the events."},
            **{status: _error(description) for status, description in _ERRORS[method].items()},
        },
    }


_POSTED = {
    400: "It is not what its Content-Type says; the bytes are parked for an operator.",
    401: "It is not signed by the gateway, or too long ago; only where the gateway signs.",
    404: "No such address, or not with this secret.",
    408: "The body did not come in time.",
    413: "The body is over 64 kB; over 256 kB of a gateway that reports many messages at once.",
    415: "No such Content-Type is taken; the bytes are parked for an operator.",
    422: "It can never be accepted; the bytes are parked for an operator.",
    503: "Kafka did not acknowledge in time; send it again.",
}
_ASKED = {
    400: _POSTED[400],
    401: _POSTED[401],
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
    schema["description"] = "A field inside another has its path as its name: `data.payload.id`."
    types = (FORM, "application/json", *((MULTIPART,) if reported.takes_multipart else ()))
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
