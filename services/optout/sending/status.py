"""The statuses of a message, in their order: a later one never goes back to an earlier one."""

from typing import Literal, NamedTuple, get_args

Status = Literal[
    "scheduled", "publishing", "queued", "waiting", "dispatching", "unknown", "cancelled", "sent", "rejected",
    "suppressed", "failed", "undelivered", "delivered",
]  # fmt: skip
RANKS: dict[Status, int] = {status: rank for rank, status in enumerate(get_args(Status))}
RANK = f"array_position(ARRAY{list(RANKS)}, {{}})"
"""The same in SQL, of the column that is put in."""


class Shown(NamedTuple):
    """A status as ClickSend's API names it, with its code."""

    name: str
    code: int


SHOWN: dict[Status, Shown] = {
    "scheduled": Shown("Scheduled", 200),
    "cancelled": Shown("Cancelled", 301),
    "publishing": Shown("Queued", 200),
    "queued": Shown("Queued", 200),
    "waiting": Shown("Scheduled", 200),
    "dispatching": Shown("Queued", 200),
    "unknown": Shown("Queued", 200),
    "sent": Shown("Sent", 200),
    "rejected": Shown("Failed", 301),
    "suppressed": Shown("Failed", 301),
    "failed": Shown("Failed", 301),
    "undelivered": Shown("Failed", 301),
    "delivered": Shown("Sent", 201),
}
NOT_DELIVERED: tuple[Status, ...] = ("rejected", "suppressed", "failed", "undelivered")
