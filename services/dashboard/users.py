"""The people who are signed in: asked of the API with their session, and remembered for a few seconds."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.dashboard.api import SessionApi
from services.dashboard.limits import KNOWN_SECONDS, KNOWN_USERS

PageRole: TypeAlias = Literal["read", "operate", "administer"]
_ROLES: tuple[PageRole, ...] = ("read", "operate", "administer")


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """The person who looks at a page."""

    account_id: str
    account_name: str
    name: str
    role: PageRole
    is_account: bool = False
    """Whether it is the account itself, with its own API key: some things are its alone."""

    def may(self, role: PageRole) -> bool:
        """Return whether their role includes this one. The API decides by itself what they may do."""
        return _ROLES.index(self.role) >= _ROLES.index(role)


class KnownUsers:
    """The users of tokens, as the API said a short while ago."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._known: OrderedDict[bytes, tuple[float, SignedInUser]] = OrderedDict()

    async def find(self, token: str, api: SessionApi) -> SignedInUser:
        """Return whose session it is. Raises as `SessionApi`."""
        key = _key(token)
        at, user = self._known.get(key, (0.0, None))
        if user is not None and self._seconds() - at < KNOWN_SECONDS:
            return user
        self.forget(token)
        shown = await api.get("/v1/session")
        user = SignedInUser(
            shown["account_id"], shown["account_name"], shown["user"], shown["role"], shown["is_account"]
        )
        self._known[key] = (self._seconds(), user)
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)
        return user

    def forget(self, token: str) -> None:
        self._known.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
