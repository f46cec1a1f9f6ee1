"""Requests about many recipients in one record of `inbound-messages`: a part of a clean-up, or of its undo."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.events.base import AccountId, IdentifiedEvent, ListId, StorableText
from shared.phones import Phone

MAX_PHONES = 1_000
"""Of one record."""


def _without_doubles(phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
    return tuple(dict.fromkeys(phones))


class _ForManyRequested(IdentifiedEvent):
    """The fields of a record that stands for a request about each of its `phones`, all of one partition.

    `job_id` is the job that publishes it in parts, `list_id` the list that is cleaned up.
    """

    category: ClassVar[str] = "inbound"

    account_id: AccountId
    list_id: ListId
    phones: Annotated[tuple[Phone, ...], Field(min_length=1, max_length=MAX_PHONES), AfterValidator(_without_doubles)]
    by: Annotated[StorableText, Field(min_length=1)]
    job_id: UUID


class RemovalsRequested(_ForManyRequested):
    """A part of a clean-up: for each phone an `opt_out_requested` of the list, with the source `clean_up`.

    The id of each is the UUIDv5 of `job_id|clean-up|phone`.
    """

    type: Literal["removals_requested"] = "removals_requested"


class RemovalsUndone(_ForManyRequested):
    """A part of an undo: for each phone an `opt_in_requested` to the list that lifts its removal by `clean_up_id`.

    The id of each is the UUIDv5 of `job_id|undo|phone`.
    """

    type: Literal["removals_undone"] = "removals_undone"
    clean_up_id: UUID
