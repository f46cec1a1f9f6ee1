"""Every call that ClickSend's clients have is served and documented."""

import re

from clicksend_shapes import calls
from fastapi import FastAPI

from services.optout.api import api_routes
from services.optout.api.openapi import document


def test_every_call_of_the_clients_is_a_route() -> None:
    app = FastAPI()
    app.include_router(api_routes)
    served = {(method.upper(), _form(path)) for path, item in document(app, "v3")["paths"].items() for method in item}
    assert {(call.method, _form(call.path)) for call in calls()} - served == set()


def _form(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.rstrip("/"))
