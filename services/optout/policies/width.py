"""The reaches that a policy can give an opt-out, from the narrowest to the widest."""

from typing import Literal, NamedTuple

Reach = Literal["list", "sender", "account"]
"""`list`: the answered lists. `sender`: the number that sent the answered message too. `account`: all messages."""

WIDTH: dict[Reach, int] = {"list": 0, "sender": 1, "account": 2}


class PolicyReach(NamedTuple):
    """A reach, and the version of the policy that gives it; None where no policy applies."""

    reach: Reach
    version: str | None = None


NO_POLICY = PolicyReach("list")
