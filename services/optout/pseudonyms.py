"""Pseudonyms: what an erased phone is replaced by, a keyed hash (HMAC-SHA-256) of the account and the phone. Pure.

Whoever has a key and a phone finds what was erased about it; nobody finds the phone. A lost key loses that, and nothing
else: what suppresses a phone is the phone itself.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

_ID_CHARACTERS = 8
_HASH_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The pseudonyms under some keys, the newest of which makes new ones."""

    keys: Sequence[str]

    def new(self, account_id: str, phone: str) -> str:
        """Return the pseudonym under the newest key; there must be one."""
        return _pseudonym(self.keys[0], account_id, phone)

    def all(self, account_id: str, phone: str) -> list[str]:
        """Return the pseudonyms that the phone may have been replaced by."""
        return [_pseudonym(key, account_id, phone) for key in self.keys]


def _pseudonym(key: str, account_id: str, phone: str) -> str:
    key_id = hashlib.sha256(f"id of {key}".encode()).hexdigest()[:_ID_CHARACTERS]
    hashed = hmac.new(key.encode(), f"{account_id}|{phone}".encode(), hashlib.sha256).hexdigest()[:_HASH_CHARACTERS]
    return f"erased:{key_id}:{hashed}"
