"""Messages to whole lists: a message with `list_id` and without `to` is one message to each active member."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from services.optout.address_region import address_region
from services.optout.api.fields import MAX_ID
from services.optout.api.v3.sms_models import GivenMessage
from services.optout.campaigns.expand import MAX_TEXT_CHARACTERS
from services.optout.campaigns.members import Audience, Member, next_members
from services.optout.campaigns.personalise import personalised
from shared.postgres import Connection

MAX_MEMBERS = 5_000
"""Of all lists of a call; larger ones are for campaigns."""
TOO_MANY: Literal["TOO_MANY_RECIPIENTS"] = "TOO_MANY_RECIPIENTS"

Members: TypeAlias = Sequence[Member] | Literal["TOO_MANY_RECIPIENTS"]


async def members_of(connection: Connection, audiences: Sequence[Audience | None]) -> list[Members]:
    """Return the active members of each list; once a list has too many, it and all after it are refused."""
    found: list[Members] = []
    room = MAX_MEMBERS
    for audience in audiences:
        members: Sequence[Member] = ()
        if audience is not None and room >= 0:
            members = await next_members(connection, audience, 0, MAX_ID, room + 1)
            room -= len(members)
        found.append(TOO_MANY if audience is not None and room < 0 else members)
    return found


def for_member(given: GivenMessage, member: Member) -> GivenMessage:
    """Return the message to one member, with the placeholders of its text filled in."""
    text = personalised(given.body or "", member.phone, member.fields, MAX_TEXT_CHARACTERS)
    state = given.recipient_state or address_region(member.phone, member.fields)
    return given.model_copy(
        update={"to": member.phone, "body": text, "contact_id": str(member.contact_id), "recipient_state": state}
    )
