"""What a route gets from the application: connections, settings, and the account that asks."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from services.optout.api.errors import ApiError
from services.optout.record.connection import Connection, Pool

ACQUIRE_SECONDS = 5.0
_basic = HTTPBasic(auto_error=False, realm="stopline")
_bearer = HTTPBearer(auto_error=False)
_NO_KEY = bytes(32)


async def _connection(request: Request) -> AsyncIterator[Connection]:
    pool: Pool = request.app.state.pool
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        yield connection


Database = Annotated[Connection, Depends(_connection)]


def key_sha256(api_key: str) -> bytes:
    """Return what is stored of an API key: the key has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(api_key.encode()).digest()


async def _account(database: Database, given: Annotated[HTTPBasicCredentials | None, Depends(_basic)]) -> str:
    if given is None:
        raise _unauthorized("send HTTP Basic with the account id as user and its API key as password")
    stored = await _key_of_account(database, given.username)
    if not hmac.compare_digest(stored or _NO_KEY, key_sha256(given.password)):
        raise _unauthorized("the account id or its API key is wrong")
    return given.username


async def _key_of_account(database: Connection, account_id: str) -> bytes | None:
    if "\0" in account_id:
        return None
    key: bytes | None = await database.fetchval("SELECT api_key_sha256 FROM accounts WHERE account_id = $1", account_id)
    return key


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": 'Basic realm="stopline"'})


Account = Annotated[str, Depends(_account)]
"""The id of the account that asks, its API key checked."""


def _admin(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    token: str = request.app.state.settings.admin_token.get_secret_value()
    if given is None or not hmac.compare_digest(token.encode(), given.credentials.encode()):
        message = "accounts are created with the operator's token: Authorization: Bearer <STOPLINE_ADMIN_TOKEN>"
        raise ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


Admin = Depends(_admin)


def _webhook_ports(request: Request) -> frozenset[int]:
    ports: frozenset[int] = request.app.state.settings.called_ports
    return ports


WebhookPorts = Annotated[frozenset[int], Depends(_webhook_ports)]
"""The ports that customers' webhooks may be called on."""
