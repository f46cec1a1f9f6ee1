"""The rights of an account's users, and which right each route takes.

The account itself, with its own keys, may do everything. What no line names is the account's alone: a new route is
closed to other users until somebody decides what right it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Right = Literal["sms", "contacts", "reporting", "settings", "users", "billing", "read"]
"""`read`: may see in `/v1` what takes any other right, and change nothing."""
Needed = Right | Literal["any", "account"]
"""`any`: every user may. `account`: only the account itself."""
UserRole = Literal["read", "operate", "administer"]
RIGHTS_OF_ROLES: Mapping[UserRole, frozenset[Right]] = {
    "read": frozenset({"read"}),
    "operate": frozenset({"read", "reporting", "contacts", "sms"}),
    "administer": frozenset({"read", "reporting", "contacts", "sms", "settings", "users"}),
}
"""The rights of a user who is made with a role."""

_NEEDED: Mapping[str, Needed] = {
    "/v1/account/frequency-cap": "settings",
    "/v1/account/gate": "settings",
    "/v1/account/opt-out-confirmation": "settings",
    "/v1/account/sending-hours": "settings",
    "/v1/account/gateways": "settings",
    "/v1/accounts": "account",
    "/v1/api-keys": "account",
    "/v1/campaigns": "sms",
    "/v1/check": "sms",
    "/v1/erasures": "account",
    "/v1/evidence": "reporting",
    "/v1/inbox": "reporting",
    "/v1/jobs": "contacts",
    "/v1/lists": "contacts",
    "/v1/live": "reporting",
    "/v1/numbers": "reporting",
    "/v1/opt-ins": "contacts",
    "/v1/opt-outs": "contacts",
    "/v1/policies": "account",
    "/v1/reassigned-numbers": "account",
    "/v1/review": "contacts",
    "/v1/rules": "settings",
    "/v1/rules-packs": "settings",
    "/v1/session": "any",
    "/v1/statistics": "reporting",
    "/v1/suppressions": "contacts",
    "/v1/uploads": "contacts",
    "/v1/users": "users",
    "/v1/webhook": "account",
    "/v3/account": "any",
    "/v3/account/usage": "reporting",
    "/v3/automations": "settings",
    "/v3/lists": "contacts",
    "/v3/search": "contacts",
    "/v3/sms": "sms",
    "/v3/sms/history": "reporting",
    "/v3/sms/inbound": "reporting",
    "/v3/sms/inbound-read": "reporting",
    "/v3/sms/receipts": "reporting",
    "/v3/sms/receipts-read": "reporting",
    "/v3/sms-campaigns": "sms",
    "/v3/statistics": "reporting",
    "/v3/subaccounts": "users",
    "/v3/uploads": "contacts",
}


def needed(path: str) -> Needed:
    """Return the right that a route's path takes, by its longest beginning that is named above."""
    parts = path.rstrip("/").split("/")
    for length in range(len(parts), 0, -1):
        named = _NEEDED.get("/".join(parts[:length]))
        if named is not None:
            return named
    return "account"


@dataclass(frozen=True, slots=True)
class ApiUser:
    """A user of an account's API, who is logged in.

    Args:
        account_id: of the account.
        user_id: of the account, as a number: its main subaccount's.
        subaccount_id: of the user.
        rights: of a user who is not the account itself, which needs none.
    """

    account_id: str
    user_id: int
    subaccount_id: int
    rights: frozenset[str] = frozenset()

    @property
    def is_main(self) -> bool:
        """Whether it is the account itself, with one of its own keys."""
        return self.subaccount_id == self.user_id

    @property
    def role(self) -> UserRole:
        """The role that the user's rights come closest to, from above: a page for it may still be refused in parts."""
        if self.is_main or "settings" in self.rights:
            return "administer"
        return "operate" if self.rights & {"contacts", "sms"} else "read"

    def may(self, need: Needed, *, is_reading: bool = False) -> bool:
        """Return whether the user may do what takes a right; `is_reading`: it changes nothing."""
        if self.is_main or need == "any" or need in self.rights:
            return True
        return is_reading and need != "account" and "read" in self.rights

    def may_give(self, rights: frozenset[str]) -> bool:
        """Return whether the user has all of these: nobody gives, or takes over, what they do not have."""
        return self.is_main or rights <= self.rights
