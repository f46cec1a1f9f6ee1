"""How often an address may try to sign in: the API has a limit too, which may see this process and not its clients."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from services.dashboard.limits import SECONDS_PER_SIGN_IN, SIGN_IN_ADDRESSES, SIGN_INS_AT_ONCE
from shared.web.addresses import client_network


class SignInAttempts:
    """The wrong attempts of each address; of many addresses, the one not seen for longest is forgotten."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, address: str) -> int:
        """Return in how many seconds the address may try again; 0: now."""
        return max(0, math.ceil((self._left(client_network(address)) - SIGN_INS_AT_ONCE + 1) * SECONDS_PER_SIGN_IN))

    def wrong(self, address: str) -> None:
        """Note an attempt that was wrong."""
        network = client_network(address)
        self._spent[network] = (min(self._left(network) + 1, SIGN_INS_AT_ONCE), self._seconds())
        self._spent.move_to_end(network)
        if len(self._spent) > SIGN_IN_ADDRESSES:
            self._spent.popitem(last=False)

    def _left(self, network: str) -> float:
        spent, since = self._spent.get(network, (0.0, 0.0))
        return max(0.0, spent - (self._seconds() - since) / SECONDS_PER_SIGN_IN)
