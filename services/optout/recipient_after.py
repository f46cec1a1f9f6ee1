"""The recipient after a decision, for the decisions that follow in the same batch: pure."""

from collections.abc import Iterable
from dataclasses import replace

from services.optout.carrier_blocks import apply_block
from services.optout.confirmation import sent_confirmation
from services.optout.decide import DecidableEvent, Decision, Held, OptIn, OptOut, Reviewed, Unchanged
from services.optout.follow_ups import FollowUp, auto_reply_id
from services.optout.order import strengthened, times_of
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.requests import Requested, apply_request
from shared.events.inbound import CarrierBlocked, MessageReceived, OptInRequested, OptOutRequested
from shared.events.suppression import SuppressionState


def apply(decision: Decision, event: DecidableEvent, recipient: Recipient) -> Recipient:
    """Return the recipient after the decision, for those that follow in the batch; `states_left` has what is saved."""
    match decision, event:
        case _, MessageReceived():
            return _after_message(decision, event, recipient)
        case Requested(), OptOutRequested() | OptInRequested():
            return apply_request(decision, event, recipient)
        case Requested(), CarrierBlocked():
            return apply_block(decision, event, recipient)
        case Reviewed(decision=said, scopes=scopes), _:
            held = {scope: recipient.suppressions[scope] for scope in scopes}
            if said == "confirm":
                return recipient.with_suppressions({s: replace(was, state="opted_out") for s, was in held.items()})
            # Nobody opted in, so there is no time since when an older opt-out would not count.
            return recipient.with_suppressions(
                {s: replace(was, state="opted_in", sent_at=None, untimed_at=None) for s, was in held.items()}
            )
    return recipient


def _after_message(decision: Decision, event: MessageReceived, recipient: Recipient) -> Recipient:
    match decision:
        case OptOut():
            return _after_opt_out(recipient, decision, event)
        case Held():
            again = {s: strengthened(recipient.suppressions[s], event) for s in decision.asked_again}
            return _with(recipient.with_suppressions(again), decision.changed, "held", event)
        case OptIn(changed=changed, narrows=True):
            back = {s: Suppression(s, "opted_in", event.sender_number, None, event.event_id) for s in changed}
            return recipient.with_suppressions(back)
        case OptIn(changed=changed):
            return _with(recipient, changed, "opted_in", event)
        case Unchanged(follow_ups=found) if found:
            return _with_auto_reply(recipient, found, event)
    return recipient


def _after_opt_out(recipient: Recipient, decision: OptOut, event: MessageReceived) -> Recipient:
    left = _with(_suppressed_again(recipient, decision, event), decision.changed, "opted_out", event)
    confirmation = decision.confirmation
    if confirmation is None:
        return left
    # Its question is only in the state that is saved: nobody has had it yet who writes in the same batch.
    return replace(left, sent=[sent_confirmation(confirmation, event), *left.sent])


def _with_auto_reply(recipient: Recipient, found: tuple[FollowUp, ...], event: MessageReceived) -> Recipient:
    """Return the recipient with the automatic reply that is on its way, so that another reply at once gets none."""
    replies = [
        SentMessage(
            auto_reply_id(event.event_id), each.list_ids[0], event.sender_number or "", None, "dispatching",
            event.occurred_at,
        )
        for each in found
        if each.action == "AUTO_REPLY"
    ]  # fmt: skip
    return replace(recipient, sent=[*replies, *recipient.sent])


def _suppressed_again(recipient: Recipient, decision: OptOut, event: MessageReceived) -> Recipient:
    """Return the recipient with the scopes that were suppressed before: asked for again, or raised to an opt-out."""
    left = {
        scope: replace(recipient.suppressions[scope], sender_number=event.sender_number)
        for scope in decision.asked_again
    }
    raised = {
        scope: Suppression(scope, "opted_out", event.sender_number, was.sent_at, event.event_id, was.untimed_at)
        for scope in decision.raised
        for was in (recipient.suppressions[scope],)
    }
    return recipient.with_suppressions({scope: strengthened(each, event) for scope, each in (left | raised).items()})


def _with(recipient: Recipient, scopes: Iterable[str], state: SuppressionState, event: MessageReceived) -> Recipient:
    sent_at, untimed_at = times_of(event)
    return recipient.with_suppressions(
        {scope: Suppression(scope, state, event.sender_number, sent_at, event.event_id, untimed_at) for scope in scopes}
    )
