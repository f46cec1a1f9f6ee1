"""An account's API keys: several, each with a name, so that one can take another's place without a pause."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path

from services.optout.api.answers import DeletedKey, KeyPage, ShownNewKey
from services.optout.api.authenticate import key_sha256, proof_of
from services.optout.api.context import Admin, CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import MAX_ID, Name, PageLimit, RequestBody
from services.optout.api.logins import Logins
from services.optout.api.pages import After, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from shared.events.base import AccountId, format_time
from shared.postgres import Connection

API_KEY_BYTES = 32
MAX_KEYS = 20

# Locks the account: of two requests at once, the second sees what the first did.
LOCK_ACCOUNT = "SELECT account_id FROM accounts WHERE account_id = $1 FOR UPDATE"
COUNT_KEYS = "SELECT count(*) FROM api_keys WHERE account_id = $1"

# Adds a key; no row comes back where the account has one of that name.
ADD_KEY = """
INSERT INTO api_keys (account_id, name, key_sha256) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING
RETURNING key_id, name, created_at, last_used_at
"""

# The account's keys after a given id.
KEYS = """
SELECT key_id, name, created_at, last_used_at FROM api_keys
WHERE account_id = $1 AND key_id > $2 ORDER BY key_id LIMIT $3
"""
DELETE_KEY = "DELETE FROM api_keys WHERE account_id = $1 AND key_id = $2 RETURNING key_id"

router = APIRouter(route_class=GuardedRoute)

KeyId = Annotated[int, Path(ge=1, le=MAX_ID)]


class NewKey(RequestBody):
    name: Name


@router.get("/v1/api-keys", response_model=KeyPage)
async def read_api_keys(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    (key_id,) = keys_after(after, 0)
    rows = await database.fetch(KEYS, account_id, key_id, limit + 1)
    return page("api_keys", rows, limit, _shown, "key_id")


@router.post("/v1/api-keys", status_code=201, response_model=ShownNewKey)
async def create_api_key(
    new: NewKey, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Make a key; it is shown here and never again, since only its hash is kept."""
    return await _create(runtime.logins, database, account_id, new.name)


@router.post("/v1/accounts/{account_id}/api-keys", status_code=201, dependencies=[Admin], response_model=ShownNewKey)
async def create_api_key_for(
    account_id: AccountId, new: NewKey, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Make a key for an account that has lost its own."""
    return await _create(runtime.logins, database, account_id, new.name)


@router.delete("/v1/api-keys/{key_id}", response_model=DeletedKey)
async def delete_api_key(key_id: KeyId, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Revoke a key, from the next request on; the last one stays, or the account could not be used any more."""
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        count = await database.fetchval(COUNT_KEYS, account_id)
        if await database.fetchval(DELETE_KEY, account_id, key_id) is None:
            raise ApiError(404, "not_found", f"there is no API key {key_id}; GET /v1/api-keys shows yours", "key_id")
        if count == 1:
            message = "this is the last API key; make another one first, with POST /v1/api-keys"
            raise ApiError(409, "last_api_key", message, "key_id")
    return {"key_id": key_id, "deleted": True}


async def _create(logins: Logins, database: Connection, account_id: str, name: str) -> dict[str, Any]:
    async with database.transaction():
        if await database.fetchval(LOCK_ACCOUNT, account_id) is None:
            raise ApiError(404, "not_found", f"there is no account {account_id!r}", "account_id")
        if await database.fetchval(COUNT_KEYS, account_id) >= MAX_KEYS:
            message = f"the account has {MAX_KEYS} API keys, as many as it may; delete one first"
            raise ApiError(409, "too_many_api_keys", message)
        row, api_key = await add_api_key(logins, database, account_id, name)
    if row is None:
        raise ApiError(409, "api_key_exists", f"name: there is an API key {name!r}; choose another name", "name")
    return {**_shown(row), "api_key": api_key}


async def add_api_key(logins: Logins, database: Connection, account_id: str, name: str) -> tuple[Any, str]:
    """Return the new row, or None where the name is taken, and the key."""
    api_key = secrets.token_urlsafe(API_KEY_BYTES)
    row = await database.fetchrow(ADD_KEY, account_id, name, key_sha256(api_key))
    logins.right(proof_of(account_id, api_key))
    return row, api_key


def _shown(row: Any) -> dict[str, Any]:
    used = row["last_used_at"]
    return {
        "key_id": row["key_id"],
        "name": row["name"],
        "created_at": format_time(row["created_at"]),
        "last_used_at": None if used is None else format_time(used),
    }
