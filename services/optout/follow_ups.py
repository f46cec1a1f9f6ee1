"""The follow-ups of a reply that is not an opt-out: pure; suppressed recipients get no automatic reply (G6)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from services.optout.attribution import Attribution
from services.optout.recipient import Recipient
from services.optout.rules import RuleMatch, VersionedRule
from services.optout.rules.actions import ACTIONS
from shared.events.base import derived_id
from shared.events.inbound import MessageReceived

_AUTO_REPLY_ID_PREFIX = "reply-"
AUTO_REPLY_AGAIN_AFTER = timedelta(minutes=5)
"""Two machines that answer each other would go on forever."""


def auto_reply_id(event_id: UUID) -> str:
    """Return the id of the automatic reply to a reply: there is one, however often that is decided."""
    return f"{_AUTO_REPLY_ID_PREFIX}{derived_id(event_id, 'auto_reply')}"


class FollowUp(NamedTuple):
    """One thing to do; `address` is the text, the URL or the list's id, `list_ids` what the reply answers."""

    action: str
    rule: str
    rule_id: int
    rule_version: int
    address: str
    list_ids: tuple[int, ...]
    webhook_type: Literal["post", "json"] = "post"


def follow_ups(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient, scopes: Sequence[str]
) -> tuple[FollowUp, ...]:
    """Return the follow-ups of the matching rules, in their order: one automatic reply at the most.

    A suppressed recipient gets none of them.
    """
    if not match.follow_ups or any(recipient.is_suppressed(scope) for scope in (*scopes, "account")):
        return ()
    chosen: list[FollowUp] = []
    may_auto_reply = _may_auto_reply(event, attribution, recipient)
    for versioned in match.follow_ups:
        action = ACTIONS[versioned.rule.action]
        if action.messages_recipient and not may_auto_reply:
            continue
        if action.is_follow_up:
            chosen.append(_follow_up(versioned, attribution))
            may_auto_reply = may_auto_reply and not action.messages_recipient
    return tuple(chosen)


def _follow_up(versioned: VersionedRule, attribution: Attribution) -> FollowUp:
    rule = versioned.rule
    return FollowUp(
        action=rule.action,
        rule=rule.name,
        rule_id=versioned.rule_id,
        rule_version=versioned.version,
        address=rule.action_address or "",
        list_ids=attribution.list_ids,
        webhook_type=rule.webhook_type,
    )


def _may_auto_reply(event: MessageReceived, attribution: Attribution, recipient: Recipient) -> bool:
    """Say whether an automatic reply may be sent: one list, one sender number, and none sent just before."""
    if len(attribution.list_ids) != 1 or event.sender_number is None:
        return False
    return not any(
        message.message_id.startswith(_AUTO_REPLY_ID_PREFIX)
        and event.occurred_at - message.dispatched_at < AUTO_REPLY_AGAIN_AFTER
        for message in recipient.sent
    )
