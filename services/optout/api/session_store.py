"""Sessions of people who have signed in: opened with an API key, ended with it, on signing out, and by the clock."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.optout.api.rights import ApiUser
from shared.postgres import Connection

SESSION_PREFIX = "sls_"
"""The beginning of every token, by which a scanner for leaked secrets knows one."""
LIFE = timedelta(hours=12)
IDLE = timedelta(hours=2)
MAX_OF_A_USER = 20
_TOKEN_BYTES = 32
_TOKEN_CHARACTERS = 100

# Whose session it is, as their rights are now; noted as used, once a minute at most. The main user's key is one of the
# account's, and has to be there still.
USER = """
WITH found AS (
    SELECT e.token_sha256, e.used_at, e.account_id, e.subaccount_id, s.rights, main.subaccount_id AS user_id
    FROM sessions e
    JOIN subaccounts s ON s.subaccount_id = e.subaccount_id AND s.deleted_at IS NULL
    JOIN subaccounts main ON main.account_id = e.account_id AND main.is_main
    WHERE e.token_sha256 = $1 AND e.expires_at > now() AND e.used_at > now() - $2::interval
        AND (s.key_sha256 = e.key_sha256 OR s.is_main AND EXISTS (
            SELECT FROM api_keys k WHERE k.account_id = e.account_id AND k.key_sha256 = e.key_sha256))
), used AS (
    UPDATE sessions e SET used_at = now() FROM found
    WHERE e.token_sha256 = found.token_sha256 AND found.used_at < now() - interval '1 minute'
)
SELECT account_id, user_id, subaccount_id, rights FROM found
"""
OPEN = """
INSERT INTO sessions (token_sha256, account_id, subaccount_id, key_sha256, expires_at)
VALUES ($1, $2, $3, $4, now() + $5::interval) RETURNING expires_at
"""
# Ends the user's oldest ones, so that this many stay, and some of all that have ended anyway. What another sign-in ends
# at the same moment is left to it: two that waited for each other would both fail.
MAKE_ROOM = """
DELETE FROM sessions WHERE token_sha256 IN (
    SELECT token_sha256 FROM (
        SELECT token_sha256 FROM sessions WHERE subaccount_id = $1 ORDER BY created_at DESC OFFSET $2
        FOR UPDATE SKIP LOCKED
    ) AS oldest
    UNION ALL SELECT token_sha256 FROM (
        SELECT token_sha256 FROM sessions WHERE expires_at < now() ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED
    ) AS ended
)
"""
END = "DELETE FROM sessions WHERE token_sha256 = $1"
SHOWN = """
SELECT a.name, s.api_username, (SELECT expires_at FROM sessions WHERE token_sha256 = $2) AS expires_at
FROM subaccounts s JOIN accounts a USING (account_id) WHERE s.subaccount_id = $1
"""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that has just been opened; its token is shown once."""

    token: str
    expires_at: datetime


async def open_session(connection: Connection, user: ApiUser, key_sha256: bytes) -> OpenedSession:
    """Open a session of a user who has just shown this key."""
    token = SESSION_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    async with connection.transaction():
        await connection.execute(MAKE_ROOM, user.subaccount_id, MAX_OF_A_USER - 1)
        expires_at = await connection.fetchval(
            OPEN, token_sha256(token), user.account_id, user.subaccount_id, key_sha256, LIFE
        )
    return OpenedSession(token, expires_at)


async def user_of_session(connection: Connection, token: str) -> ApiUser | None:
    """Return whose session it is; None: it has ended, or never was."""
    if not token.startswith(SESSION_PREFIX) or len(token) > _TOKEN_CHARACTERS or not token.isascii():
        return None
    row = await connection.fetchrow(USER, token_sha256(token), IDLE)
    if row is None:
        return None
    return ApiUser(row["account_id"], row["user_id"], row["subaccount_id"], frozenset(row["rights"]))


def token_sha256(token: str) -> bytes:
    """Return what is stored of a token: it has 256 random bits, so that a fast hash protects it."""
    return hashlib.sha256(token.encode()).digest()
