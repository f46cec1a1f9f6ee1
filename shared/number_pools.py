"""Numbers that share their opt-outs at a carrier: those of a messaging service, a messaging profile or a pool."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, Json

from shared.events.base import AccountId, ShortText
from shared.events.inbound import MAX_SCOPES
from shared.phones import SenderNumber

NumberPools = Mapping[str, Mapping[str, Sequence[str]]]
"""By account, then by the carrier's own id of the pool."""

_Numbers = Annotated[tuple[SenderNumber, ...], Field(min_length=1, max_length=MAX_SCOPES)]
NumberPoolSetting = Annotated[
    Json[dict[AccountId, dict[ShortText, _Numbers]]],
    BeforeValidator(lambda text: text or "{}"),  # Compose sets what has no value to an empty text
    Field(default="{}"),
]
"""As JSON: `{"acme": {"MG0123": ["+18335550123", "+18335550124"]}}`."""


def covered_by_block(
    pools: NumberPools, account_id: str, sender_number: str | None, pool_id: str | None = None
) -> tuple[str, ...]:
    """Return all numbers that a carrier's block covers: of the pool that it names, or that the number is in.

    Only the number itself where no pool is known; empty where that is not known either.
    """
    own = () if sender_number is None else (sender_number,)
    sharing = (
        number
        for name, numbers in pools.get(account_id, {}).items()
        if name == pool_id or sender_number in numbers
        for number in numbers
    )
    return tuple(dict.fromkeys((*own, *sharing)))[:MAX_SCOPES]
