"""Which carrier an account's messages go through."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.sender.carriers.carrier import Blocked, Carrier
from services.sender.carriers.client import CarrierClient
from services.sender.ledger.blocks import new_block
from services.sender.settings import SenderSettings
from shared.events.inbound import CarrierBlocked
from shared.events.outbound import MessageRequested
from shared.number_pools import NumberPools, covered_by_block

log = logging.getLogger(__name__)


class Carriers:
    """The carriers in use, by name.

    Args:
        clients: one of each carrier.
        default: the name of the carrier of every account that `by_account` does not name.
        by_account: names of carriers, by account.
        pools: the numbers that share their opt-outs at the carrier.
    """

    def __init__(
        self,
        clients: Mapping[str, Carrier],
        default: str,
        by_account: Mapping[str, str],
        pools: NumberPools = MappingProxyType({}),
    ) -> None:
        self.clients = clients
        self._default = default
        self._by_account = by_account
        self._pools = pools

    def name_of(self, account_id: str) -> str:
        """Return the name of the carrier for messages of this account."""
        return self._by_account.get(account_id, self._default)

    def block_of(self, request: MessageRequested, blocked: Blocked, at: datetime) -> CarrierBlocked:
        """Return the event for a message that its carrier refused because of an opt-out of its own."""
        numbers = covered_by_block(self._pools, request.account_id, request.sender_number, blocked.pool_id)
        return new_block(request, self.name_of(request.account_id), blocked.code, blocked.reason, numbers, at)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self.clients.values()))


def open_carriers(settings: SenderSettings) -> Carriers:
    """Return a client of each carrier that the settings name."""
    for name, adapter in settings.carrier_adapters.items():
        if adapter.answers_stop_itself:
            log.warning(
                "carrier %s answers STOP with a confirmation of its own unless that is switched off there: Stopline"
                " cannot keep an opt-out unanswered (docs/carriers.md)",
                name,
            )
    clients = {
        name: CarrierClient(adapter, settings.calls_in_flight, settings.call_seconds)
        for name, adapter in settings.carrier_adapters.items()
    }
    return Carriers(clients, settings.carrier, settings.carriers_by_account, settings.number_pools)
