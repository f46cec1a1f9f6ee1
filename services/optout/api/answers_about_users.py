"""The answers of `/v1` about users and their sessions."""

from collections.abc import Sequence
from typing import Literal

from services.optout.api.answers import ShownTime, V1Answer
from services.optout.api.rights import UserRole


class ShownSession(V1Answer):
    """A session: whose it is, and what they may do. `rights` is empty for the account itself, which has all.

    `is_account`: it is the account itself, with one of its own API keys.
    """

    account_id: str
    account_name: str
    user: str
    role: UserRole
    is_account: bool
    rights: Sequence[str]
    expires_at: ShownTime | None


class ShownNewSession(ShownSession):
    """A new session; its token is shown here and never again, since only its hash is kept."""

    token: str


class EndedSession(V1Answer):
    account_id: str
    ended: Literal[True]


class ShownNewUser(V1Answer):
    """A new user of the account; the key, with which they sign in, is shown here and never again."""

    user_id: int
    user: str
    role: UserRole
    rights: Sequence[str]
    api_key: str
