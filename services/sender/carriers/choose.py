"""Which carrier an account's messages go through, with whose credentials."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.sender.carriers.carrier import Blocked, Carrier, CarrierAdapter, CarrierSettings
from services.sender.carriers.client import CarrierClient
from services.sender.carriers.smpp import SmppSettings
from services.sender.carriers.smpp_client import SmppClient
from services.sender.ledger.blocks import new_block
from services.sender.settings import SenderSettings
from shared.events.inbound import CarrierBlocked
from shared.events.outbound import MessageRequested
from shared.number_pools import NumberPools, covered_by_block

log = logging.getLogger(__name__)


class Carriers:
    """The clients in use, by name: that of the carrier, or `<carrier> of <account>` for one with its own credentials.

    Limits, connections and pauses are a client's: what one account's credentials are refused, stops no other account.

    Args:
        clients: one of each set of credentials.
        default: the name of the client of every account that `by_account` does not name.
        by_account: names of clients, by account.
        pools: the numbers that share their opt-outs at the carrier.
        companies: the carriers' own names, of clients that have another.
    """

    def __init__(
        self,
        clients: Mapping[str, Carrier],
        default: str,
        by_account: Mapping[str, str],
        pools: NumberPools = MappingProxyType({}),
        companies: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.clients = clients
        self._default = default
        self._by_account = by_account
        self._pools = pools
        self._companies = companies

    def name_of(self, account_id: str) -> str:
        """Return the name of the client for messages of this account."""
        return self._by_account.get(account_id, self._default)

    def company_of(self, account_id: str) -> str:
        """Return the carrier's own name for messages of this account, whoever's credentials they go out with."""
        name = self.name_of(account_id)
        return self._companies.get(name, name)

    def block_of(self, request: MessageRequested, blocked: Blocked, at: datetime) -> CarrierBlocked:
        """Return the event for a message that its carrier refused because of an opt-out of its own."""
        numbers = covered_by_block(self._pools, request.account_id, request.sender_number, blocked.pool_id)
        company = self.company_of(request.account_id)
        return new_block(request, company, blocked.code, blocked.reason, numbers, at)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self.clients.values()))


def open_carriers(settings: SenderSettings) -> Carriers:
    """Return a client of each set of credentials that the settings have."""
    adapters: dict[str, CarrierSettings] = dict(settings.carrier_adapters)
    by_account, companies = dict(settings.carriers_by_account), {}
    of_credentials: dict[CarrierSettings, str] = {}
    for account_id, (carrier, adapter) in settings.account_carriers.items():
        name = of_credentials.setdefault(adapter, f"{carrier} of {account_id}")
        adapters[name], companies[name], by_account[account_id] = adapter, carrier, name
    for name, adapter in adapters.items():
        if adapter.answers_stop_itself:
            log.warning(
                "carrier %s answers STOP with a confirmation of its own unless that is switched off there: Stopline"
                " cannot keep an opt-out unanswered (docs/carriers.md)",
                name,
            )
    clients = {
        name: client_of(name, adapter, settings.calls_in_flight, settings.call_seconds)
        for name, adapter in adapters.items()
    }
    return Carriers(clients, settings.carrier, by_account, settings.number_pools, companies)


def client_of(name: str, adapter: CarrierSettings, calls_in_flight: int, call_seconds: float) -> Carrier:
    """Return a client that speaks the carrier's protocol.

    Args:
        name: of the client.
        adapter: the carrier's settings.
        calls_in_flight: the most at once; the caller makes no more.
        call_seconds: for the whole call.
    """
    match adapter:
        case CarrierAdapter():
            return CarrierClient(adapter, calls_in_flight, call_seconds)
        case SmppSettings():
            return SmppClient(adapter, name, call_seconds)
        case _:
            raise AssertionError(f"{type(adapter).__name__} has no client")
