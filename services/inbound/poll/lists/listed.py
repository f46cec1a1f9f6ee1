"""The rows of a gateway's list of inbound messages, and how an adapter reads the list."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

from services.inbound.fields import Fields, clean
from services.inbound.gateways.reported import ReportedMessage
from services.inbound.poll.client import GatewayApi, GatewayApiError


class ListedMessage(NamedTuple):
    """A row of the list: its fields as the gateway's webhook names them, so that both are read by one model.

    `at` is when the gateway had the message, as it writes that; also where its webhooks have no time.
    """

    fields: Fields
    at: str
    id: str = ""
    """The gateway's id of the row, where it is to be marked as read."""


class MessageList(Protocol):
    """The list of one gateway. Both methods raise `GatewayApiError`."""

    model: ClassVar[type[ReportedMessage]]
    is_emptied: ClassVar[bool]
    """Whether a message is listed no more after `done`: those after it have another place then."""

    def pages(self, api: GatewayApi, since: datetime) -> AsyncIterator[Sequence[ListedMessage]]:
        """Yield the messages that came in `since` then, page by page, in any order; more of them do no harm."""

    async def done(self, api: GatewayApi, rows: Sequence[ListedMessage]) -> None:
        """Do what the gateway needs once Kafka has these messages: some lists are emptied by their reader."""


def objects_in(found: object, *path: str) -> list[dict[str, object]]:
    """Return the objects of the list at `path` in a response.

    Raises:
        GatewayApiError: there is none; nothing is taken for an empty list that is not one.
    """
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise GatewayApiError(f"the response has no list of objects at {'.'.join(path)}")
    return found


def fields_of(row: dict[str, object], names: dict[str, str]) -> Fields:
    """Return the values of a row under the names that the gateway's webhook has for them; what is missing is left out.

    Args:
        row: of the list.
        names: the webhook's name for each name of the list.
    """
    return clean((ours, row.get(theirs)) for theirs, ours in names.items())


def is_last(rows: Sequence[object], seen: int, total: object) -> bool:
    """Return whether no page comes after one that has `rows`.

    A short page proves nothing: a gateway may give fewer than it was asked for.

    Args:
        rows: of the page.
        seen: how many rows there were, with these.
        total: how many there are, if the response says so.
    """
    return not rows or (type(total) is int and seen >= total)
