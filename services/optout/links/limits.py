"""Every limit of the pages, in one place, and the count of how often a client may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable

PUBLISH_SECONDS = 1.3
"""With two lookups (that of before, and one's own): a click is answered within two seconds, whether Kafka and Postgres
answer or not."""
LOOKUP_SECONDS = 0.3
LOOKUPS_WAITING = 2_000
PUBLISHES_WAITING = 2_000
BODY_BYTES = 4_096
BODY_SECONDS = 5.0
DATABASE_CONNECTIONS = 2
RETRY_AFTER_SECONDS = 5
ADDRESS_PER_SECOND, ADDRESS_AT_ONCE = 5.0, 100.0
"""Of one client address, which many recipients in a mobile network may share."""
UNKNOWN_PER_SECOND, UNKNOWN_AT_ONCE = 5.0, 100.0
"""Of all pages of links that nobody has, for whoever opens them: somebody guesses."""
UNKNOWN_CLICKS_PER_SECOND, UNKNOWN_CLICKS_AT_ONCE = 50.0, 1_000.0
"""Of all clicks on such links. One may be so new that it is not known yet: guesses must not keep its click out."""
UNDOS_PER_SECOND, UNDOS_AT_ONCE = 1 / 60, 5.0
"""Of one link. Each undo is an entry of the record, and so is each click after it: else nothing limits how many there
are of somebody who has one link."""
_MAX_KEYS = 20_000


class RateLimit:
    """A limit per key: `at_once`, then `per_second`; of many keys, the one not seen for longest is forgotten."""

    def __init__(self, per_second: float, at_once: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._seconds = seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str = "") -> bool:
        """Say whether one more is allowed, and count it."""
        now = self._seconds()
        left, at = self._left.pop(key, (self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > _MAX_KEYS:
            self._left.popitem(last=False)
        return allowed
