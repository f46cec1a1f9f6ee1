"""The one answer that an opt-out may get, and the reply that narrows it to its list: pure (decision 47).

Off, unless an account has a text for the recipient's country: then a certain opt-out by reply is answered once. There
is silence for all others: one that is held, that comes as a part of a text, too late, or not as a reply; that the
carrier has taken; that does not answer one list; of somebody who was not to be messaged before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.optout.attribution import Attribution
from services.optout.order import is_surely_later
from services.optout.policies import PolicyReach
from services.optout.recipient import Recipient, ScopeQuestion, SentMessage, Suppression
from services.optout.rules import RuleMatch
from shared.answers_stop import HOW_TO_SWITCH_OFF
from shared.confirmations import CONFIRMATION_WINDOW, confirmation_for, confirmation_id
from shared.events.inbound import MessageReceived
from shared.events.suppression import PublishedConfirmation
from shared.instructions.normalise import normalise
from shared.phones.country import country_of_phone
from shared.scopes import ACCOUNT, sender_scope

CONFIRMED_AGAIN_AFTER = timedelta(hours=24)
"""Who opts out, in, and out again gets one confirmation from a number in this time: machines would go on forever."""
NARROWING_WINDOW = timedelta(hours=24)
"""For so long a reply may narrow an opt-out from the account to the list: after it, no answer means all."""


@dataclass(frozen=True, slots=True)
class OptOutConfirmation:
    """The confirmation of an opt-out, as its entry keeps it; with a `list_word` it asks how far the opt-out goes."""

    message_id: str
    list_id: int
    text: str
    list_word: str | None = None


def published_for(
    event: MessageReceived, confirmations: Sequence[PublishedConfirmation]
) -> PublishedConfirmation | None:
    """Return the account's confirmation for a reply, by its country and the number that it was written to."""
    return (
        confirmation_for(confirmations, country_of_phone(event.phone), event.sender_number) if confirmations else None
    )


def reach_while_asked(
    event: MessageReceived, published: PublishedConfirmation | None, policy_reach: PolicyReach, recipient: Recipient
) -> PolicyReach:
    """Return how far an opt-out reaches: where its confirmation asks, or one has asked, the account."""
    asks = (published is not None and published.asks_scope) or _has_asked(event, recipient)
    if not asks or policy_reach.reach == ACCOUNT:
        return policy_reach
    return PolicyReach("account", f"asks_scope:{country_of_phone(event.phone)}")


def _has_asked(event: MessageReceived, recipient: Recipient) -> bool:
    """Say whether the number that the reply was written to has asked, and waits for an answer, whatever is set now."""
    stopped = recipient.suppressions.get(ACCOUNT)
    question = None if stopped is None or stopped.sender_number != event.sender_number else stopped.question
    return question is not None and event.occurred_at <= question.until


def confirmation_of(  # noqa: PLR0913, PLR0917 (what it goes by)
    event: MessageReceived,
    match: RuleMatch,
    attribution: Attribution,
    recipient: Recipient,
    scopes: Sequence[str],
    published: PublishedConfirmation | None,
) -> OptOutConfirmation | None:
    """Return the confirmation of a certain opt-out from `scopes`; None: silence."""
    if published is None or event.sender_number is None or len(attribution.list_ids) != 1:
        return None  # as a message of that list it is answered, by a START or another STOP, like any other
    if not (HOW_TO_SWITCH_OFF.keys().isdisjoint((event.gateway, event.carrier)) or published.carrier_is_silent):
        return None  # its company has answered
    if not _is_plain(event) or (published.asks_scope and match.reach == ACCOUNT):
        return None  # who has said "all" is not asked
    looked_at = (*scopes, ACCOUNT, sender_scope(event.sender_number))
    if any(recipient.is_suppressed(scope) for scope in looked_at) or _was_confirmed(event, recipient):
        return None
    word = published.list_word if published.asks_scope else None
    return OptOutConfirmation(confirmation_id(event.event_id), attribution.list_ids[0], published.text, word)


def _is_plain(event: MessageReceived) -> bool:
    """Say whether nobody else has answered the reply, and it came whole and in time."""
    written_at = event.sent_at or event.listed_sent_at or event.occurred_at
    is_late = event.occurred_at - written_at > CONFIRMATION_WINDOW
    return not event.taken_by_carrier and event.part is None and not is_late


def _was_confirmed(event: MessageReceived, recipient: Recipient) -> bool:
    return any(
        message.confirms is not None
        and message.sender_number == event.sender_number
        and event.occurred_at - message.dispatched_at < CONFIRMED_AGAIN_AFTER
        for message in recipient.sent
    )


def question_of(confirmation: OptOutConfirmation | None, scope: str, at: datetime) -> ScopeQuestion | None:
    """Return the question that is open on a scope after an opt-out that was received at `at`."""
    if confirmation is None or confirmation.list_word is None or scope != ACCOUNT:
        return None
    return ScopeQuestion(confirmation.list_word, at + NARROWING_WINDOW)


def sent_confirmation(confirmation: OptOutConfirmation, event: MessageReceived) -> SentMessage:
    """Return the confirmation as a message that is on its way, so that another opt-out at once gets none."""
    return SentMessage(
        confirmation.message_id, confirmation.list_id, event.sender_number or "", None, "dispatching",
        event.occurred_at, confirms=event.event_id,
    )  # fmt: skip


def narrowed_by(event: MessageReceived, match: RuleMatch, recipient: Recipient) -> Attribution | None:
    """Return what a reply answers that narrows an opt-out from the account to the list; None where it does not.

    It is the word that the confirmation offers and nothing else, certainly written after the opt-out, to the number
    that asked, while nothing has asked for the same since. A rule that it matches comes first.
    """
    stopped = recipient.suppressions.get(ACCOUNT)
    if match.kind != "none" or event.part is not None or stopped is None or stopped.question is None:
        return None
    asked = _question_that_it_answers(event, stopped, stopped.question, recipient)
    return None if asked is None else Attribution("last_message", (asked.list_id,), asked.message_id)


def _question_that_it_answers(
    event: MessageReceived, stopped: Suppression, question: ScopeQuestion, recipient: Recipient
) -> SentMessage | None:
    is_open = stopped.state == "opted_out" and event.occurred_at <= question.until and is_surely_later(event, stopped)
    if not is_open or normalise(event.body) != question.list_word:
        return None
    asked = (each for each in recipient.sent if each.confirms is not None and each.confirms == stopped.cause_event_id)
    return next((each for each in asked if _is_to(event, each)), None)


def _is_to(event: MessageReceived, asked: SentMessage) -> bool:
    """Say whether the reply was written to the number that asked, and its gateway points at no other message."""
    pointers = (
        (event.replied_message_id, asked.message_id),
        (event.replied_carrier_message_id, asked.carrier_message_id),
    )
    points_elsewhere = any(None not in pair and pair[0] != pair[1] for pair in pointers)
    return asked.outcome != "failed" and event.sender_number == asked.sender_number and not points_elsewhere
