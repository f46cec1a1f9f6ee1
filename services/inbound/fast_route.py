"""The fast route to the webhooks: every webhook has two routes, and this is the one that requests take.

`WebhookApp` dispatches `/webhooks/...` to the handlers itself. `documentation.py` has the same addresses as FastAPI
routes that lead to the same handlers: OpenAPI shows them, and a request that this module does not know ends up there,
for a 404 or 405. Without this module everything works, only slower
(`docs/decisions/0030-webhooks-have-a-fast-route.md`).
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from services.inbound.handle import WebhookHandler


class WebhookApp(FastAPI):
    """A FastAPI application that dispatches `/webhooks/{gateway}/{account}/{secret}[/receipts]` itself.

    Args:
        messages: the handler of each gateway's messages.
        receipts: the handler of each gateway's receipts.
        settings: FastAPI's own.
    """

    def __init__(
        self, messages: Mapping[str, WebhookHandler], receipts: Mapping[str, WebhookHandler], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._messages = messages
        self._receipts = receipts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handler(scope)
        await (handler or super().__call__)(scope, receive, send)

    def _handler(self, scope: Scope) -> WebhookHandler | None:
        if scope["type"] != "http":
            return None
        match scope["path"].split("/"):
            case ["", "webhooks", gateway, account, secret]:
                handlers = self._messages
            case ["", "webhooks", gateway, account, secret, "receipts"]:
                handlers = self._receipts
            case _:
                return None
        handler = handlers.get(gateway)
        if handler is None or scope["method"] not in handler.reported.methods:
            return None
        scope["path_params"] = {"account": account, "secret": secret}
        return handler
