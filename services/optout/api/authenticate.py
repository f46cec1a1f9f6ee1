"""Authentication of the caller, before any of the request's body is read."""

import base64
import hashlib
import hmac
import time

from starlette.requests import Request

from services.optout.api import metrics
from services.optout.api.errors import ApiError
from services.optout.api.logins import Logins
from services.optout.api.operator_sessions import is_operator_session
from services.optout.api.rights import ApiUser, Needed
from services.optout.api.runtime import Runtime
from services.optout.api.session_store import SESSION_PREFIX, user_of_session
from shared.http import runtime_of
from shared.postgres import Connection, connection_from

ACQUIRE_SECONDS = 5.0
MAX_USERNAME_CHARACTERS = 100
_OPERATOR = ""
"""Not a user name."""

# The user of this name and with the key of this hash: the account itself, with one of its keys, or another of its
# users; one query, whichever it is. The key is noted as used, once a minute at most. Keys have 256 random bits, so that
# neither a slow hash nor a comparison in constant time would protect anything that the hash does not.
USE_KEY = """
WITH own AS (
    SELECT k.key_id, k.last_used_at, s.subaccount_id
    FROM api_keys k JOIN subaccounts s ON s.account_id = k.account_id AND s.is_main
    WHERE k.account_id = $1 AND k.key_sha256 = $2
), own_used AS (
    UPDATE api_keys k SET last_used_at = now() FROM own
    WHERE k.key_id = own.key_id AND (own.last_used_at IS NULL OR own.last_used_at < now() - interval '1 minute')
), other AS (
    SELECT s.subaccount_id, s.account_id, s.rights, s.last_used_at, main.subaccount_id AS user_id
    FROM subaccounts s JOIN subaccounts main ON main.account_id = s.account_id AND main.is_main
    WHERE s.api_username = $1 AND s.key_sha256 = $2 AND s.deleted_at IS NULL
), other_used AS (
    UPDATE subaccounts s SET last_used_at = now() FROM other
    WHERE s.subaccount_id = other.subaccount_id
        AND (other.last_used_at IS NULL OR other.last_used_at < now() - interval '1 minute')
)
SELECT $1::text AS account_id, subaccount_id AS user_id, subaccount_id, '{}'::text[] AS rights FROM own
UNION ALL SELECT account_id, user_id, subaccount_id, rights FROM other
"""


def key_sha256(api_key: str) -> bytes:
    """Return what is stored of an API key."""
    return hashlib.sha256(api_key.encode()).digest()


def proof_of(username: str, api_key: str) -> bytes:
    """Return what `Logins` knows a key by."""
    return hashlib.sha256(f"{username}:{api_key}".encode()).digest()


async def require_right(need: Needed, request: Request) -> None:
    """Check who asks, by API key (HTTP Basic) or session (HTTP Bearer), and their right; note them in the scope.

    Raises:
        ApiError: 401, or 429 where too many were wrong; 403, the user is known and may not.
    """
    user = await _user(request)
    if not user.may(need, is_reading=_is_reading(request)):
        who = "only the account itself, with its own API key," if need == "account" else f"only who has access_{need}"
        raise ApiError(403, "forbidden", f"{who} may do this; subaccount {user.subaccount_id} has no such right")
    request.scope["user"] = user


def _is_reading(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.url.path.startswith("/v1/")


async def _user(request: Request) -> ApiUser:
    authorization = request.headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return await _user_of_session(request, authorization[len(_BEARER) :].strip())
    given = _basic(authorization)
    if given is None:
        raise _unauthorized(
            "send HTTP Basic with the account id, or the user name, as user and its API key as password", _BASIC
        )
    username, api_key = given
    proof = proof_of(username, api_key)
    runtime: Runtime = runtime_of(request)
    _slow_down(request, runtime.logins, proof)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        user = await _user_of(connection, username, api_key)
    _note(request, runtime.logins, username, proof, is_right=user is not None)
    if user is None:
        raise _unauthorized("the account id or its API key is wrong", _BASIC)
    return user


async def _user_of_session(request: Request, token: str) -> ApiUser:
    """Return whose session it is; a guess costs what a wrong key costs.

    Raises:
        ApiError: 401, it has ended, or never was; 429.
    """
    runtime: Runtime = runtime_of(request)
    proof = proof_of(SESSION_PREFIX, token)
    _slow_down(request, runtime.logins, proof)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        user = await user_of_session(connection, token)
    if user is None and not runtime.logins.was_right(proof):
        _note(request, runtime.logins, SESSION_PREFIX, proof, is_right=False)
    if user is None:
        raise _unauthorized("the session has ended; sign in again: POST /v1/session", _SESSION)
    runtime.logins.right(proof)
    return user


async def require_operator(request: Request, *, with_session: bool = False) -> None:
    """Check the operator's token (HTTP Bearer); `with_session`: a session that was opened with it does, too.

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
    is_right = hmac.compare_digest(token.encode(), given.strip().encode()) or (
        with_session and is_operator_session(token, given.strip(), time.time())
    )
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
    username, colon, api_key = text.partition(":")
    return (username, api_key) if colon else None


async def _user_of(connection: Connection, username: str, api_key: str) -> ApiUser | None:
    if len(username) > MAX_USERNAME_CHARACTERS or not username.isprintable():
        return None
    row = await connection.fetchrow(USE_KEY, username, key_sha256(api_key))
    if row is None:
        return None
    return ApiUser(row["account_id"], row["user_id"], row["subaccount_id"], frozenset(row["rights"]))


def _slow_down(request: Request, logins: Logins, proof: bytes) -> None:
    seconds = logins.wait_seconds(_address(request), proof)
    if seconds:
        metrics.LOGINS_REFUSED.labels("slowed_down").inc()
        message = f"too many wrong logins came from this address; try again in {seconds} s"
        raise ApiError(429, "slow_down", message, headers={"Retry-After": str(seconds)})


def _note(request: Request, logins: Logins, username: str, proof: bytes, *, is_right: bool) -> None:
    if is_right:
        logins.right(proof)
    else:
        metrics.LOGINS_REFUSED.labels("wrong").inc()
        logins.wrong(_address(request), username)


def _address(request: Request) -> str:
    """Return the address that a login comes from: whoever guesses at the dashboard is slowed down, and nobody else."""
    runtime: Runtime = runtime_of(request)
    token, given = runtime.settings.dashboard_token, request.headers.get(_DASHBOARD_TOKEN, "")
    if token is not None and hmac.compare_digest(token.get_secret_value().encode(), given.encode()):
        return request.headers.get(_SIGNS_IN_FROM, "")[:_MAX_ADDRESS_CHARACTERS]
    return request.client.host if request.client else ""


_BASIC = 'Basic realm="stopline"'
_SESSION = 'Bearer realm="stopline"'
_BEARER = "bearer "
_DASHBOARD_TOKEN = "X-Stopline-Dashboard-Token"  # noqa: S105 (the name of a header)
_SIGNS_IN_FROM = "X-Stopline-Client"
_MAX_ADDRESS_CHARACTERS = 64


def _unauthorized(message: str, challenge: str) -> ApiError:
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})
