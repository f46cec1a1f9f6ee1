"""The answer to a request that no route takes: 405 where its path takes other methods, else 404."""

from http import HTTPMethod

from fastapi import APIRouter, Request
from fastapi.routing import iter_route_contexts
from starlette.routing import Match

from services.optout.api.errors import ApiError
from services.optout.api.request_limits import GuardedRoute


def no_route(version: str, route_class: type[GuardedRoute]) -> APIRouter:
    """Return the route of all that is left over of a version; it comes after all others."""
    router = APIRouter(route_class=route_class)
    router.add_api_route(
        f"/{version}/{{path:path}}", _refuse, methods=[method.value for method in HTTPMethod], include_in_schema=False
    )
    return router


async def _refuse(request: Request) -> None:
    others = [each for each in iter_route_contexts(request.app.routes) if each.endpoint is not _refuse]
    led = [each for each in others if each.original_route.matches(request.scope)[0] is not Match.NONE]
    path = request.scope["path"].rstrip("/")
    exact = [each for each in led if str(each.path).rstrip("/") == path]
    methods = sorted({method for each in exact or led for method in each.methods or ()})
    if methods:
        allowed = ", ".join(methods)
        message = f"{request.url.path} takes {allowed}, not {request.method}"
        raise ApiError(405, "method_not_allowed", message, headers={"Allow": allowed})
    raise ApiError(404, "not_found", f"there is no {request.method} {request.url.path}")
