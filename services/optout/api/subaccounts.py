"""Subaccounts: users of an account's API besides the account itself, each with a key and rights of its own.

Nobody gives a right that they do not have, or changes, deletes or takes the key of a user who has more rights than
they: who may manage users could otherwise become any of them.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.optout.api.api_keys import API_KEY_BYTES, LOCK_ACCOUNT
from services.optout.api.authenticate import key_sha256, proof_of
from services.optout.api.errors import ApiError
from services.optout.api.logins import Logins
from services.optout.api.rights import ApiUser
from shared.postgres import Connection

MAX_SUBACCOUNTS = 200
_COLUMNS = "subaccount_id, account_id, is_main, api_username, rights, fields"

COUNT = "SELECT count(*) FROM subaccounts WHERE account_id = $1 AND deleted_at IS NULL"
# Adds a user; no row comes back where the account has one of that name.
ADD = f"""
INSERT INTO subaccounts (account_id, api_username, key_sha256, rights, fields) VALUES ($1, $2, $3, $4, $5::jsonb)
ON CONFLICT (account_id, api_username) WHERE deleted_at IS NULL DO NOTHING
RETURNING {_COLUMNS}
"""  # noqa: S608 (no value from outside)
PAGE = f"""
SELECT {_COLUMNS} FROM subaccounts WHERE account_id = $1 AND deleted_at IS NULL
ORDER BY subaccount_id OFFSET $2 LIMIT $3
"""  # noqa: S608 (no value from outside)
ONE = f"""
SELECT {_COLUMNS} FROM subaccounts WHERE account_id = $1 AND subaccount_id = $2 AND deleted_at IS NULL
"""  # noqa: S608 (no value from outside)
CHANGE = f"""
UPDATE subaccounts SET rights = $2, fields = fields || $3::jsonb WHERE subaccount_id = $1 RETURNING {_COLUMNS}
"""  # noqa: S608 (no value from outside)
SET_KEY = "UPDATE subaccounts SET key_sha256 = $2 WHERE subaccount_id = $1"
DELETE = "UPDATE subaccounts SET deleted_at = now() WHERE subaccount_id = $1"


@dataclass(frozen=True, slots=True)
class StoredSubaccount:
    """A user as it is stored; `fields` are the texts that say who it is."""

    subaccount_id: int
    account_id: str
    is_main: bool
    api_username: str
    rights: frozenset[str]
    fields: Mapping[str, str]

    @classmethod
    def of(cls, row: Any) -> "StoredSubaccount":
        who = row["subaccount_id"], row["account_id"], row["is_main"], row["api_username"]
        return cls(*who, frozenset(row["rights"]), json.loads(row["fields"]))


@dataclass(frozen=True, slots=True)
class NewSubaccount:
    """A user to be added."""

    api_username: str
    rights: frozenset[str]
    fields: Mapping[str, str]


async def add_subaccount(
    connection: Connection, logins: Logins, caller: ApiUser, new: NewSubaccount
) -> tuple[StoredSubaccount, str]:
    """Return the new user and its key, which is shown once, since only its hash is kept.

    Raises:
        ApiError: 403, a right is not the caller's to give; 409, the name is taken; 400, there are too many.
    """
    _check_gives(caller, new.rights)
    api_key = secrets.token_urlsafe(API_KEY_BYTES)
    async with connection.transaction():
        await connection.execute(LOCK_ACCOUNT, caller.account_id)
        if await connection.fetchval(COUNT, caller.account_id) > MAX_SUBACCOUNTS:
            raise ApiError(400, "too_many", f"an account has up to {MAX_SUBACCOUNTS} subaccounts; delete one first")
        what = key_sha256(api_key), sorted(new.rights), json.dumps(new.fields)
        row = await connection.fetchrow(ADD, caller.account_id, new.api_username, *what)
    if row is None:
        message = f"api_username: there is a subaccount {new.api_username!r}; choose another name"
        raise ApiError(409, "subaccount_exists", message, "api_username")
    logins.right(proof_of(new.api_username, api_key))
    return StoredSubaccount.of(row), api_key


async def read_subaccounts(
    connection: Connection, account_id: str, offset: int, limit: int
) -> tuple[list[StoredSubaccount], int]:
    """Return a page of the account's users, the main one first, and how many there are."""
    rows = await connection.fetch(PAGE, account_id, offset, limit)
    return [StoredSubaccount.of(row) for row in rows], await connection.fetchval(COUNT, account_id)


async def read_subaccount(connection: Connection, account_id: str, subaccount_id: int) -> StoredSubaccount:
    """Return the user.

    Raises:
        ApiError: 404, the account has none of that id.
    """
    row = await connection.fetchrow(ONE, account_id, subaccount_id)
    if row is None:
        message = f"there is no subaccount {subaccount_id}; GET /v3/subaccounts shows yours"
        raise ApiError(404, "not_found", message, "subaccount_id")
    return StoredSubaccount.of(row)


async def change_subaccount(
    connection: Connection, caller: ApiUser, subaccount_id: int, rights: Mapping[str, bool], fields: Mapping[str, str]
) -> StoredSubaccount:
    """Give or take the rights that are named, set the fields that are named, and return the user.

    Raises:
        ApiError: 403, it is not the caller's to change; 404; 400, it is the account itself.
    """
    async with connection.transaction():
        await connection.execute(LOCK_ACCOUNT, caller.account_id)
        found = await _other(connection, caller, subaccount_id)
        changed = frozenset(name for name in found.rights | rights.keys() if rights.get(name, name in found.rights))
        _check_gives(caller, changed - found.rights)
        row = await connection.fetchrow(CHANGE, subaccount_id, sorted(changed), json.dumps(fields))
    return StoredSubaccount.of(row)


async def regenerate_key(connection: Connection, logins: Logins, caller: ApiUser, subaccount_id: int) -> str:
    """Return the user's new key; the old one is refused from the next request on. Raises as `change_subaccount`."""
    api_key = secrets.token_urlsafe(API_KEY_BYTES)
    async with connection.transaction():
        await connection.execute(LOCK_ACCOUNT, caller.account_id)
        found = await _other(connection, caller, subaccount_id)
        await connection.execute(SET_KEY, subaccount_id, key_sha256(api_key))
    logins.right(proof_of(found.api_username, api_key))
    return api_key


async def delete_subaccount(connection: Connection, caller: ApiUser, subaccount_id: int) -> None:
    """Refuse the user from the next request on; what names it keeps the name. Raises as `change_subaccount`."""
    async with connection.transaction():
        await connection.execute(LOCK_ACCOUNT, caller.account_id)
        await _other(connection, caller, subaccount_id)
        await connection.execute(DELETE, subaccount_id)


async def _other(connection: Connection, caller: ApiUser, subaccount_id: int) -> StoredSubaccount:
    """Return a user whom the caller may change."""
    found = await read_subaccount(connection, caller.account_id, subaccount_id)
    if found.is_main:
        message = "this is the account itself: its keys are those of /v1/api-keys, and it has all rights"
        raise ApiError(400, "main_subaccount", message, "subaccount_id")
    if not caller.may_give(found.rights):
        raise ApiError(403, "forbidden", f"subaccount {subaccount_id} has rights that you do not have")
    return found


def _check_gives(caller: ApiUser, rights: frozenset[str]) -> None:
    if not caller.may_give(rights):
        missing = ", ".join(f"access_{name}" for name in sorted(rights - caller.rights))
        raise ApiError(403, "forbidden", f"you do not have {missing}, so that you cannot give it")
