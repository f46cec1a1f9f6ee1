"""The route class of `/v3`."""

from fastapi.responses import JSONResponse
from starlette.routing import Match
from starlette.types import Scope

from services.optout.api.errors import ApiError
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.v3.envelope import failure


class V3Route(GuardedRoute):
    """A route whose errors have ClickSend's envelope; its path may end in a slash or not, without a redirect."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        if match is not Match.NONE:
            return match, found
        path = scope["path"]
        return super().matches({**scope, "path": path[:-1] if path.endswith("/") else f"{path}/"})

    @staticmethod
    def error_response(error: ApiError) -> JSONResponse:
        return failure(error)
