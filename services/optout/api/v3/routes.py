"""All routes of `/v3` in one router."""

from fastapi import APIRouter, Request
from fastapi.routing import RouteContext, iter_route_contexts

from services.optout.api.errors import ApiError
from services.optout.api.v3 import (
    account,
    campaigns,
    contact_moves,
    contacts,
    lists,
    not_offered,
    receipt_rules,
    rules,
    search,
    sms,
    sms_history,
    sms_inbound,
    sms_receipts,
    sms_statistics,
    sms_templates,
    subaccounts,
)
from services.optout.api.v3.route import V3Route

v3_routes = APIRouter()
for part in (
    sms,
    sms_templates,
    sms_receipts,
    sms_inbound,
    sms_history,
    sms_statistics,
    rules,
    receipt_rules,
    campaigns,
    account,
    subaccounts,
    lists,
    contacts,
    contact_moves,
    search,
    not_offered,
):
    v3_routes.include_router(part.router)

_fallback = APIRouter(route_class=V3Route)


@_fallback.api_route("/v3/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def no_such_route(request: Request) -> None:
    """Answer 405 where the path has other methods, else 404."""
    path = request.scope["path"].rstrip("/")
    routes = [each for each in iter_route_contexts(request.app.routes) if each.endpoint is not no_such_route]
    methods = sorted({name for each in routes if _leads(each, path) for name in each.methods or ()})
    if methods:
        allowed = ", ".join(methods)
        message = f"{request.url.path} takes {allowed}, not {request.method}"
        raise ApiError(405, "method_not_allowed", message, headers={"Allow": allowed})
    raise ApiError(404, "not_found", f"there is no {request.method} {request.url.path}")


def _leads(route: RouteContext, path: str) -> bool:
    return any(route.path_regex.match(each) for each in (path, f"{path}/"))


v3_routes.include_router(_fallback)
