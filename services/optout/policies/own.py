"""The policies that an account makes for itself: versions, of which none is ever changed."""

from dataclasses import dataclass
from datetime import datetime

from services.optout.policies.width import Reach


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """An account's policy for a country, or for `*`, all others; it applies from `valid_from` until a newer one does.

    It never makes a shipped policy reach less far, except the one that it `postpones`, by its version, until
    `postponed_until`.
    """

    version: int
    country: str
    reach: Reach
    valid_from: datetime
    postpones: str | None = None
    postponed_until: datetime | None = None

    @property
    def name(self) -> str:
        """Its version, as decisions name it; shipped ones have names of their own."""
        return f"account:{self.version}"

    def is_postponed(self, shipped_version: str, at: datetime) -> bool:
        """Say whether it still postpones a shipped policy."""
        return self.postpones == shipped_version and self.postponed_until is not None and at < self.postponed_until
