"""JSON over HTTP: reading requests, and responses whose errors name the field and say what to do."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from harness.sandbox.limits import MAX_PAGE, MAX_WAIT_SECONDS
from harness.sandbox.refusals import RequestRefusedError

ModelT = TypeVar("ModelT", bound=BaseModel)
WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error(status: int, code: str, message: str, field: str | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message, "field": field}}, status=status)


def invalid(problem: ValidationError) -> web.Response:
    """Return a 422 that says what is wrong with the first invalid field."""
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return error(422, "invalid", f"{field}: {first['msg']}" if field else first["msg"], field or None)


async def read(request: web.Request, model: type[ModelT]) -> ModelT:
    return model.model_validate_json(await request.read())


def number(request: web.Request, name: str, default: float, limit: float) -> float:
    """Return a number of the query, from 0 to `limit`.

    Raises:
        RequestRefusedError: it is not such a number.
    """
    text = request.query.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= limit:
        raise RequestRefusedError(422, "invalid", f"{name}: send a number from 0 to {limit:g}", name)
    return value


def page_of(request: web.Request) -> tuple[int, int]:
    """Return the number of the page's first entry, and the limit of entries."""
    return int(number(request, "after", 0, 2**53)), int(number(request, "limit", MAX_PAGE, MAX_PAGE))


def wait_of(request: web.Request) -> tuple[int, float]:
    """Return the number of entries to wait for, and the timeout in seconds."""
    return int(number(request, "at_least", 0, 2**53)), number(request, "timeout_seconds", 0, MAX_WAIT_SECONDS)


@web.middleware
async def errors_as_json(request: web.Request, handler: WebHandler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RequestRefusedError as refused:
        return error(refused.status, refused.code, str(refused), refused.field)
    except ValidationError as problem:
        return invalid(problem)
    except web.HTTPException as refused:
        return error(refused.status, refused.reason.lower().replace(" ", "_"), refused.text or refused.reason)
