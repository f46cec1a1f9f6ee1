"""Sessions: signing in with a user's name and API key, who is signed in, signing out."""

import base64
from typing import Any

from fastapi import APIRouter, Request

from services.optout.api.answers_about_users import EndedSession, ShownNewSession, ShownSession
from services.optout.api.authenticate import key_sha256
from services.optout.api.context import CallingUser, Database
from services.optout.api.errors import ApiError
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.rights import ApiUser
from services.optout.api.session_store import END, SHOWN, open_session, token_sha256
from shared.events.base import format_time
from shared.postgres import Connection

router = APIRouter(route_class=GuardedRoute)

_BEARER = "bearer "


@router.post("/v1/session", status_code=201, response_model=ShownNewSession)
async def create_session(request: Request, user: CallingUser, database: Database) -> dict[str, Any]:
    """Sign in with an API key (HTTP Basic); the token that is returned takes its place, as HTTP Bearer.

    It is valid for 12 hours, until it has not been used for 2, until it is deleted, or until its API key is.
    """
    header = request.headers["authorization"]
    if header.lower().startswith(_BEARER):
        message = "a session is opened with a user's name and API key (HTTP Basic), not with another session"
        raise ApiError(400, "needs_api_key", message)
    key = base64.b64decode(header.partition(" ")[2].strip()).decode().partition(":")[2]
    opened = await open_session(database, user, key_sha256(key))
    shown = await _shown(database, user, token_sha256(opened.token))
    return {**shown, "token": opened.token}


@router.get("/v1/session", response_model=ShownSession)
async def read_session(request: Request, user: CallingUser, database: Database) -> dict[str, Any]:
    """Return who asks, with their role and rights; `expires_at` is null where an API key asks and not a session."""
    return await _shown(database, user, _token_sha256(request))


@router.delete("/v1/session", response_model=EndedSession)
async def delete_session(request: Request, user: CallingUser, database: Database) -> dict[str, Any]:
    """Sign out: the session's token is refused from the next request on."""
    await database.execute(END, _token_sha256(request))
    return {"account_id": user.account_id, "ended": True}


def _token_sha256(request: Request) -> bytes | None:
    header = request.headers["authorization"]
    return token_sha256(header[len(_BEARER) :].strip()) if header.lower().startswith(_BEARER) else None


async def _shown(database: Connection, user: ApiUser, digest: bytes | None) -> dict[str, Any]:
    row = await database.fetchrow(SHOWN, user.subaccount_id, digest)
    if row is None:
        raise ApiError(404, "not_found", "the user was deleted")
    return {
        "account_id": user.account_id,
        "account_name": row["name"],
        "user": row["api_username"],
        "role": user.role,
        "is_account": user.is_main,
        "rights": sorted(user.rights),
        "expires_at": None if row["expires_at"] is None else format_time(row["expires_at"]),
    }
