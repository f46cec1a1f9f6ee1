"""Which carrier an account's messages go through."""

import asyncio
from collections.abc import Mapping

from services.sender.carriers.carrier import Carrier
from services.sender.carriers.client import CarrierClient
from services.sender.settings import SenderSettings


class Carriers:
    """The carriers in use, by name.

    Args:
        clients: one of each carrier.
        default: the name of the carrier of every account that `by_account` does not name.
        by_account: names of carriers, by account.
    """

    def __init__(self, clients: Mapping[str, Carrier], default: str, by_account: Mapping[str, str]) -> None:
        self.clients = clients
        self._default = default
        self._by_account = by_account

    def name_of(self, account_id: str) -> str:
        """Return the name of the carrier for messages of this account."""
        return self._by_account.get(account_id, self._default)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self.clients.values()))


def open_carriers(settings: SenderSettings) -> Carriers:
    """Return a client of each carrier that the settings name."""
    clients = {
        name: CarrierClient(adapter, settings.calls_in_flight, settings.call_seconds)
        for name, adapter in settings.carrier_adapters.items()
    }
    return Carriers(clients, settings.carrier, settings.carriers_by_account)
