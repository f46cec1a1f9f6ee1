"""Users with a role: subaccounts, as `/v3/subaccounts` lists and deletes them, made with the rights of a role."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import StringConstraints

from services.optout.api.answers_about_users import ShownNewUser
from services.optout.api.context import CallingUser, Database
from services.optout.api.fields import RequestBody
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.rights import RIGHTS_OF_ROLES, UserRole
from services.optout.api.runtime import ApiRuntime
from services.optout.api.subaccounts import NewSubaccount, add_subaccount

router = APIRouter(route_class=GuardedRoute)

UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}$")]


class NewUser(RequestBody):
    """A new user: `read` sees everything, `operate` works with contacts and messages, `administer` sets rules too."""

    user: UserName
    role: UserRole


@router.post("/v1/users", status_code=201, response_model=ShownNewUser)
async def create_user(new: NewUser, caller: CallingUser, database: Database, runtime: ApiRuntime) -> dict[str, Any]:
    """Make a user with a role; they sign in with the name and the key that is returned."""
    rights = frozenset[str](RIGHTS_OF_ROLES[new.role])
    made, api_key = await add_subaccount(database, runtime.logins, caller, NewSubaccount(new.user, rights, {}))
    return {
        "user_id": made.subaccount_id,
        "user": made.api_username,
        "role": new.role,
        "rights": sorted(made.rights),
        "api_key": api_key,
    }
