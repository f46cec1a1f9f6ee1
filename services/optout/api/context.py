"""The parameters that routes have in common: a connection, the account of the caller, the ports of webhooks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Annotated, TypeAlias

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from services.optout.api.authenticate import ACQUIRE_SECONDS, require_operator, require_right
from services.optout.api.errors import ApiError
from services.optout.api.freshness import EFFECT_SECONDS, tokens_of
from services.optout.api.rights import ApiUser, Needed
from services.optout.api.runtime import ApiRuntime
from shared.postgres import Connection, connection_from

LoginCheck: TypeAlias = Callable[[Request], Awaitable[None]]

_basic = HTTPBasic(auto_error=False, realm="stopline")
_bearer = HTTPBearer(auto_error=False)
_session = HTTPBearer(auto_error=False, scheme_name="Session", description="The token of POST /v1/session.")


async def _connection(runtime: ApiRuntime) -> AsyncIterator[Connection]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        yield connection


Database = Annotated[Connection, Depends(_connection, scope="function")]
"""A connection that is given back when the route returns: whoever reads a long answer slowly keeps none meanwhile."""


def _user(
    request: Request,
    _: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    __: Annotated[HTTPAuthorizationCredentials | None, Depends(_session)],
) -> ApiUser:
    return user_of(request)


def user_of(request: Request) -> ApiUser:
    """Return who asks, once `require_right` has checked it."""
    user: ApiUser = request.scope["user"]
    return user


CallingUser = Annotated[ApiUser, Depends(_user)]
"""The user who asks; `GuardedRoute` has checked the API key or session, and that the user may."""


def _account(user: CallingUser) -> str:
    return user.account_id


CallerAccountId = Annotated[str, Depends(_account)]
"""The id of the account that asks."""


def _admin(_: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Mark a route as the operator's, for `GuardedRoute` and the documentation."""


Admin = Depends(_admin)


def _operator(_: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Mark a route as one of operators, with the operator's token or a session that was opened with it."""


Operator = Depends(_operator)


def login_of(dependant: Dependant, need: Needed) -> LoginCheck | None:
    """Return what checks who asks and whether they may, by what the route depends on; None: anybody may."""
    calls = list(_calls_of(dependant))
    if _user in calls:
        return partial(require_right, need)
    if _operator in calls:
        return partial(require_operator, with_session=True)
    return require_operator if _admin in calls else None


def _calls_of(dependant: Dependant) -> Iterator[Callable[..., object] | None]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls_of(each)


def _webhook_ports(runtime: ApiRuntime) -> frozenset[int]:
    return runtime.settings.called_ports


async def _fresh(runtime: ApiRuntime, at_least_as_fresh: Annotated[str | None, Query()] = None) -> None:
    if at_least_as_fresh is None:
        return
    tokens = tokens_of(at_least_as_fresh, runtime.requests.partitions)
    if not await runtime.freshness.wait(tokens):
        message = f"at_least_as_fresh: the record is not there within {EFFECT_SECONDS:.0f} s; try again"
        raise ApiError(409, "not_yet", message, "at_least_as_fresh", headers={"Retry-After": "1"})


Fresh = Depends(_fresh)
"""For routes that read: waits, where it is asked for, until the record is as fresh as a token."""

WebhookPorts = Annotated[frozenset[int], Depends(_webhook_ports)]
"""The ports that customers' webhooks may be called on."""
