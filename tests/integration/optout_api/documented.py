"""Whether what the API answers is what its OpenAPI document says."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jsonschema
from clicksend_shapes import answer_problems, call_of

_WORD = re.compile(r"\{\w+\}")


def operation_of(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """Return what the document says of a request; None where it knows no such route."""
    for template in sorted(document["paths"], key=lambda each: each.count("{")):
        if re.fullmatch(_WORD.sub("[^/]+", template), path):
            found: dict[str, Any] | None = document["paths"][template].get(method.lower())
            return found
    return None


def checker(document: dict[str, Any]) -> Callable[[httpx.Response], Awaitable[None]]:
    """Return a hook for a client, which fails where an answer has a status or a form that the document does not."""

    async def check(answer: httpx.Response) -> None:
        operation = operation_of(document, answer.request.method, answer.request.url.path)
        if operation is None:
            return
        where = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        assert str(answer.status_code) in operation["responses"], f"{where} is not documented"
        is_typed = answer.request.url.path.startswith("/v3/")
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        if is_json and (answer.status_code >= 400 or is_typed):
            await answer.aread()
            media = operation["responses"][str(answer.status_code)]["content"]["application/json"]
            jsonschema.validate(answer.json(), {**media["schema"], "components": document["components"]})
        if answer.status_code == 200 and is_json and is_typed:
            call = call_of(answer.request.method, answer.request.url.path)
            assert call is None or answer_problems(call, answer.json()) == [], where

    return check
