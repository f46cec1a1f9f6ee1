"""How many messages are decided at once: as many as can leave before their decision is too old, and not many more."""

from dataclasses import dataclass

LEAST = 50
MOST = 10_000
_OF_WHAT_LEFT = 0.9
_GROWTH = 0.125


@dataclass(slots=True)
class Pace:
    """A batch size that falls to what got out in time, and grows by an eighth each time when all did.

    A machine that is short of CPU, or a slow carrier, would else have every message of a batch decided many times.
    """

    at_once: int = MOST

    def note(self, decided: int, too_old: int) -> None:
        """Note how many were decided together, and how many of them grew too old before they left."""
        if too_old:
            self.at_once = max(LEAST, min(self.at_once, int((decided - too_old) * _OF_WHAT_LEFT)))
        elif decided >= self.at_once:
            self.at_once = min(MOST, self.at_once + max(1, int(self.at_once * _GROWTH)))
