"""A click on an opt-out link as the request that it is: pure.

The link says which message it was in, so nothing is attributed: a confirmed click is an opt-out of that message's list,
as far as the policies say, or of the account where the recipient chose that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from services.optout.policies import PolicyReach
from services.optout.scopes import widened
from shared.events.base import MessageId, ShortText, Time
from shared.events.inbound import LinkConfirmed, LinkUndone, OptInRequested, OptOutRequested
from shared.scopes import ACCOUNT, list_scope, sender_scope

UNDO_WINDOW = timedelta(minutes=15)
"""For so long after a confirmed click its recipient may undo it on the same page."""
LINK: Final = "link"
"""What a click's entries and events name as their source."""
_BY = "opt-out link"

LinkEvent: TypeAlias = LinkConfirmed | LinkUndone


class LinkOptOut(OptOutRequested):
    """A confirmed click, with the message that had the link, and the policy that said how far it reaches."""

    message_id: MessageId
    reach_policy: ShortText | None = None


class LinkOptIn(OptInRequested):
    """A click that undoes what was confirmed at `undoes_since` or later."""

    message_id: MessageId
    undoes_since: Time


@dataclass(frozen=True, slots=True)
class SentLink:
    """The message that a link was sent with."""

    account_id: str
    message_id: str
    list_id: int
    phone: str
    sender_number: str


def request_of(event: LinkEvent, link: SentLink, policy_reach: PolicyReach) -> LinkOptOut | LinkOptIn:
    """Return what a click on `link` asks for."""
    if isinstance(event, LinkUndone):
        return _undone(event, link)
    mine = [list_scope(link.list_id)]
    scopes = [ACCOUNT] if event.all_lists else widened(mine, policy_reach.reach, [link.sender_number])
    return LinkOptOut(
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        account_id=link.account_id,
        phone=link.phone,
        scopes=tuple(scopes),
        by=_BY,
        source=LINK,
        statement="all lists" if event.all_lists else None,
        message_id=link.message_id,
        reach_policy=None if event.all_lists else policy_reach.version,
    )


def _undone(event: LinkUndone, link: SentLink) -> LinkOptIn:
    return LinkOptIn(
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        account_id=link.account_id,
        phone=link.phone,
        scopes=scopes_of_link(link),
        by=_BY,
        source=LINK,
        statement="I changed my mind",
        consented_at=event.occurred_at,  # Kafka may have it late: a click after it stays
        message_id=link.message_id,
        undoes_since=event.occurred_at - UNDO_WINDOW,
    )


def scopes_of_link(link: SentLink) -> tuple[str, ...]:
    """Return every scope that a click on the link may have opted out."""
    return list_scope(link.list_id), sender_scope(link.sender_number), ACCOUNT


def may_be_undone(  # noqa: PLR0913 (what is known of a suppression)
    *,
    is_opted_out: bool,
    source: str | None,
    sender_number: str | None,
    sent_at: datetime | None,
    asked_at: datetime | None,
    since: datetime,
) -> bool:
    """Say whether a suppression is what a click at `since` or later has caused, and nothing else has asked for it."""
    asked_by_link_alone = source == LINK and sender_number is None and sent_at is None
    return is_opted_out and asked_by_link_alone and asked_at is not None and asked_at >= since
