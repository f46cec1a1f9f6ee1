"""The opt-out list as a list of contacts: an entry is made by an opt-out and goes by an opt-in, both with evidence."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Query

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.carrier_blocks import refuse_blocked
from services.optout.api.errors import ApiError
from services.optout.api.known_list import KnownList
from services.optout.api.opt_out_entries import ENTRIES
from services.optout.api.rights import ApiUser
from services.optout.api.runtime import Runtime
from services.optout.api.v3.list_models import Contact, contact_shown
from shared.events.inbound import OptInRequested, OptOutRequested
from shared.postgres import Connection, connection_from
from shared.scopes import ACCOUNT

ENTRY = f"{ENTRIES} AND s.suppression_id = $2"
ENTRY_OF_ACCOUNT = f"{ENTRIES} AND s.phone = $2 AND s.scope = 'account'"
_MAX_REASON = 1_000

OptInReason = Annotated[
    str | None,
    Query(max_length=_MAX_REASON, description="Needed on the opt-out list: why the person may be messaged again."),
]


async def entry(connection: Connection, found: KnownList, contact_id: int) -> Any:
    """Return an entry of the opt-out list.

    Raises:
        ApiError: 404, there is none.
    """
    row = await connection.fetchrow(ENTRY, found.account_id, contact_id)
    if row is None:
        message = f"contact_id: there is no contact {contact_id} on the opt-out list"
        raise ApiError(404, "not_found", message, "contact_id")
    return row


async def add(
    runtime: Runtime, user: ApiUser, found: KnownList, phone: str | None, statement: str | None = None
) -> Contact:
    """Opt a number out of all lists; return its entry, without an id where it is not recorded within 5 s.

    Raises:
        ApiError: 400, there is no phone number; 503, Kafka does not answer.
    """
    if phone is None:
        message = "phone_number: an opt-out is of a phone number; give one"
        raise ApiError(400, "invalid", message, "phone_number")
    now = datetime.now(UTC)
    event = OptOutRequested(
        event_id=uuid4(),
        occurred_at=now,
        account_id=user.account_id,
        phone=phone,
        scopes=(ACCOUNT,),
        by=_name(user),
        source="api",
        statement=statement or "put on the opt-out list",
    )
    token = await runtime.requests.publish(event)
    if await runtime.freshness.wait([token]):
        async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(ENTRY_OF_ACCOUNT, user.account_id, phone)
        if row is not None:
            return contact_shown(row, found.list_id, found.name)
    pending = {"contact_id": None, "phone": phone, "fields": "{}", "added_at": now, "updated_at": now}
    return contact_shown(pending, found.list_id, found.name)


async def remove(runtime: Runtime, user: ApiUser, row: Any, reason: str | None) -> None:
    """Lift the opt-out of an entry, unless the person has opted out again since it was read.

    Raises:
        ApiError: 400, no reason is given; 409, the carrier blocks the number; 503, Kafka does not answer.
    """
    text = (reason or "").strip()
    if not text or "\0" in text:
        message = "reason: say why this person may be messaged again, such as ?reason=agreed+by+phone; it is kept"
        raise ApiError(400, "invalid", message, "reason")
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        await refuse_blocked(connection, user.account_id, row["phone"], [row["scope"]], "contact_id")
    event = OptInRequested(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=user.account_id,
        phone=row["phone"],
        scopes=(row["scope"],),
        by=_name(user),
        source="api",
        statement=text,
        lifts=row["cause_event_id"],
    )
    token = await runtime.requests.publish(event)
    await runtime.freshness.wait([token])


def _name(user: ApiUser) -> str:
    return user.account_id if user.is_main else f"{user.account_id}, subaccount {user.subaccount_id}"
