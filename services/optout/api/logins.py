"""How fast wrong logins may come: by address, and faster at an end for an account that is being attacked.

A login is looked at while its address has tokens left; a wrong one costs a token, and five where many wrong ones for
the same account came lately. Nobody can lock an account out: another address has tokens of its own, and a key that was
right lately is looked at from any address, also from behind the proxy of whoever is guessing.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from shared.web.addresses import client_network

CAPACITY = 10.0
SECONDS_PER_TOKEN = 5.0
ATTACKED_FAILURES = 50.0
ATTACKED_COST = 5.0
SECONDS_PER_FORGOTTEN_FAILURE = 10.0
_MOST = 10_000

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Logins:
    """The wrong logins of late, and the keys that were right; in memory, of one process, with a limit on each.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def wait_seconds(self, address: str, proof: bytes) -> int:
        """Return in how many seconds a login may be tried; 0: now.

        Args:
            address: of the client.
            proof: a hash of who logs in and with what.
        """
        if proof in self._right:
            return 0
        spent = self._left(self._spent, client_network(address), SECONDS_PER_TOKEN)
        return max(0, math.ceil((spent - CAPACITY + 1) * SECONDS_PER_TOKEN))

    def wrong(self, address: str, account_id: str) -> None:
        """Note a login that was looked at and is wrong."""
        failures = self._left(self._failures, account_id, SECONDS_PER_FORGOTTEN_FAILURE)
        cost = 1 if failures < ATTACKED_FAILURES else ATTACKED_COST
        _put(self._failures, account_id, (failures + 1, self._clock()))
        network = client_network(address)
        spent = self._left(self._spent, network, SECONDS_PER_TOKEN)
        _put(self._spent, network, (min(spent + cost, CAPACITY), self._clock()))

    def right(self, proof: bytes) -> None:
        """Note a login that is right, or a key that was just made."""
        _put(self._right, proof, None)

    def was_right(self, proof: bytes) -> bool:
        """Return whether it was right lately: what was, and has ended, is not a guess."""
        return proof in self._right

    def _left(self, counts: OrderedDict[str, tuple[float, float]], key: str, seconds_each: float) -> float:
        count, since = counts.get(key, (0.0, 0.0))
        return max(0.0, count - (self._clock() - since) / seconds_each)


def _put(entries: "OrderedDict[KeyT, ValueT]", key: KeyT, value: ValueT) -> None:
    """Write an entry; the one that was written longest ago makes room."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > _MOST:
        entries.popitem(last=False)
