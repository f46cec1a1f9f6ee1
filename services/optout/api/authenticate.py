"""Authentication of the caller, before any of the request's body is read."""

import base64
import hashlib
import hmac
import re

from starlette.requests import Request

from services.optout import metrics
from services.optout.api.errors import ApiError
from services.optout.api.logins import Logins
from services.optout.api.runtime import Runtime
from shared.http import runtime_of
from shared.postgres import Connection, connection_from

ACQUIRE_SECONDS = 5.0
_ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OPERATOR = ""
"""Not an account's id."""

# The key of this hash, which is noted as used, once a minute at most. Keys have 256 random bits, so that neither a slow
# hash nor a comparison in constant time would protect anything that the hash does not.
USE_KEY = """
WITH found AS (
    SELECT key_id, last_used_at FROM api_keys WHERE account_id = $1 AND key_sha256 = $2
), used AS (
    UPDATE api_keys k SET last_used_at = now() FROM found
    WHERE k.key_id = found.key_id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
)
SELECT key_id FROM found
"""


def key_sha256(api_key: str) -> bytes:
    """Return what is stored of an API key."""
    return hashlib.sha256(api_key.encode()).digest()


def proof_of(account_id: str, api_key: str) -> bytes:
    """Return what `Logins` knows a key by."""
    return hashlib.sha256(f"{account_id}:{api_key}".encode()).digest()


async def require_account(request: Request) -> None:
    """Check the account's API key (HTTP Basic) and note the account in the request's scope.

    Raises:
        ApiError: 401, or 429 where too many were wrong.
    """
    given = _basic(request.headers.get("authorization", ""))
    if given is None:
        raise _unauthorized("send HTTP Basic with the account id as user and its API key as password", _BASIC)
    account_id, api_key = given
    proof = proof_of(account_id, api_key)
    runtime: Runtime = runtime_of(request)
    _slow_down(request, runtime.logins, proof)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        is_right = await _is_key_of(connection, account_id, api_key)
    _note(request, runtime.logins, account_id, proof, is_right=is_right)
    if not is_right:
        raise _unauthorized("the account id or its API key is wrong", _BASIC)
    request.scope["account_id"] = account_id


async def require_operator(request: Request) -> None:
    """Check the operator's token (HTTP Bearer).

    Raises:
        ApiError: 401, or 429 where too many were wrong.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    message = "this takes the operator's token: Authorization: Bearer <STOPLINE_ADMIN_TOKEN>"
    if scheme.lower() != "bearer":
        raise _unauthorized(message, "Bearer")
    proof = proof_of(_OPERATOR, given)
    runtime: Runtime = runtime_of(request)
    _slow_down(request, runtime.logins, proof)
    token = runtime.settings.admin_token.get_secret_value()
    is_right = hmac.compare_digest(token.encode(), given.strip().encode())
    _note(request, runtime.logins, _OPERATOR, proof, is_right=is_right)
    if not is_right:
        raise _unauthorized(message, "Bearer")


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    account_id, colon, api_key = text.partition(":")
    return (account_id, api_key) if colon else None


async def _is_key_of(connection: Connection, account_id: str, api_key: str) -> bool:
    if not _ACCOUNT_ID.fullmatch(account_id):
        return False
    return await connection.fetchval(USE_KEY, account_id, key_sha256(api_key)) is not None


def _slow_down(request: Request, logins: Logins, proof: bytes) -> None:
    seconds = logins.wait_seconds(_address(request), proof)
    if seconds:
        metrics.LOGINS_REFUSED.labels("slowed_down").inc()
        message = f"too many wrong logins came from this address; try again in {seconds} s"
        raise ApiError(429, "slow_down", message, headers={"Retry-After": str(seconds)})


def _note(request: Request, logins: Logins, account_id: str, proof: bytes, *, is_right: bool) -> None:
    if is_right:
        logins.right(proof)
    else:
        metrics.LOGINS_REFUSED.labels("wrong").inc()
        logins.wrong(_address(request), account_id)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


_BASIC = 'Basic realm="stopline"'


def _unauthorized(message: str, challenge: str) -> ApiError:
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})
