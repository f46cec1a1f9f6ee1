"""An entry of a carrier's list of who opted out, and the event that it becomes. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from services.inbound.carrier_lists.http import ApiRequest, ApiResponse
from services.inbound.gateways.times import read_time
from services.inbound.gateways.values import sender_number, short_text
from shared.events.base import derived_id, format_time
from shared.events.inbound import CarrierBlocked
from shared.number_pools import NumberPools, covered_by_block
from shared.phones import normalise_phone

CODE = "on the opt-out list"
_AHEAD = timedelta(minutes=10)
"""A later time is wrong: nothing can be ordered by it."""


class ListEntry(NamedTuple):
    """An entry as the carrier writes it.

    `time` is when it was put there, `sender_number` the number that it is about, `words` what the carrier says of it.
    """

    phone: str
    time: str = ""
    sender_number: str = ""
    pool_id: str = ""
    words: str = ""


class EntryPage(NamedTuple):
    """A page of a list; `next_page` is how the following one is asked for, None after the last."""

    entries: Sequence[ListEntry]
    next_page: str | None = None


class CarrierList(Protocol):
    """The list of one account at one carrier.

    `list_id` is the carrier's own name of it; `covers_account` as in `CarrierBlocked`.
    """

    @property
    def gateway(self) -> str: ...
    @property
    def list_id(self) -> str: ...
    @property
    def covers_account(self) -> bool: ...

    def request(self, page: str | None, since: datetime | None, now: datetime) -> ApiRequest:
        """Return the request for a page; None: the first. `since` leaves out what is older, where the carrier can."""
        ...

    def page_of(self, response: ApiResponse, page: str | None) -> EntryPage:
        """Return what the response to the request for `page` has.

        Raises:
            CarrierRefusesError, TransientError: as `json_of`.
        """
        ...


class UnreadableEntryError(Exception):
    """An entry whose phone is not a number."""


def block_of_entry(
    account_id: str, source: CarrierList, entry: ListEntry, now: datetime, pools: NumberPools
) -> CarrierBlocked:
    """Return the event for an entry: the same whenever it is read, until the carrier gives it another time.

    It is as old as the carrier says, so that a START since counts; without a time as old as its reading.

    Raises:
        UnreadableEntryError: it does not say whose it is.
    """
    try:
        phone = normalise_phone(entry.phone)
    except ValueError:
        raise UnreadableEntryError from None
    number = sender_number(entry.sender_number)
    at = read_time(entry.time)
    known_at = at if at is not None and at <= now + _AHEAD else None
    pool_id = entry.pool_id or source.list_id
    placed = (pool_id, number or "", format_time(known_at) if known_at else entry.time)
    return CarrierBlocked(
        event_id=derived_id(f"{account_id}|{source.gateway}|{phone}", "carrier_list", *placed),
        occurred_at=known_at or now,
        account_id=account_id,
        gateway=source.gateway,
        phone=phone,
        sender_numbers=covered_by_block(pools, account_id, number, pool_id),
        code=CODE,
        reason=short_text(entry.words),
        opt_out_list=short_text(pool_id),
        covers_account=source.covers_account,
    )
