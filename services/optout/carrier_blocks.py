"""Carriers' own blocks: what one suppresses, and which START lifts it. Pure.

A carrier that has heard a STOP refuses the messages of one sender number, or of all that share its list of opt-outs,
whatever we decide. Only the recipient's START to such a number, through the same carrier, ends that: an opt-in from
elsewhere would let messages go that nobody gets.
"""

from collections.abc import Iterable

from services.optout.recipient import Recipient, Suppression
from services.optout.requests import BY_NOBODY, Requested, after_opt_out, opt_out_of
from shared.events.inbound import CarrierBlocked, MessageReceived
from shared.scopes import sender_scope

BY_CARRIER = "carrier"
"""The source of a suppression that is a carrier's block."""
ANY_GATEWAY = "generic"
"""The generic carrier does not say through which gateway its replies come."""
_COMPANIES = {"vonage-messages": "vonage", "vonage-sms": "vonage"}
"""The gateways of one carrier: its receipts may come through one of them and its replies through the other."""


def decide_block(event: CarrierBlocked, recipient: Recipient) -> Requested:
    """Decide a block: it holds for every number that it covers, and takes the place of what is suppressed there."""
    if _is_known_already(event, recipient):
        return Requested("opt_out", "already_opted_out")
    covered = dict.fromkeys(map(sender_scope, event.sender_numbers or _sent_from(event, recipient)))
    scopes = tuple(scope for scope in covered if not _came_back_later(event, scope, recipient))
    if not scopes:
        return Requested("opt_out", "older_than_opt_in" if covered else "no_sender_number")
    suppressed = recipient.suppressed(scopes)
    changed = tuple(scope for scope in scopes if scope not in suppressed)
    # Where it covers more than was known, all of it has one cause, by which a START finds it.
    blocked_before = () if changed else tuple(s for s, was in suppressed.items() if _is_of(was, event.gateway))
    raised = tuple(scope for scope in suppressed if scope not in blocked_before)
    return opt_out_of(changed, raised, asked_again=blocked_before)


def _came_back_later(event: CarrierBlocked, scope: str, recipient: Recipient) -> bool:
    """Say whether a START to the number came after the carrier's report, which is read late or said twice.

    The carrier has heard that START, whatever it has lifted here. Where it has not, it refuses the next message, and
    reports that.
    """
    starts = ((each, each.sender_number) for each in recipient.suppressions.values() if each.state == "opted_in")
    return any(
        number is not None and scope in (each.scope, sender_scope(number)) and _is_later(each, event)
        for each, number in starts
    )


def _is_later(known: Suppression, event: CarrierBlocked) -> bool:
    times = [time for time in (known.sent_at, known.untimed_at) if time is not None]
    return bool(times) and all(time > event.occurred_at for time in times)


def _is_known_already(event: CarrierBlocked, recipient: Recipient) -> bool:
    """Say whether an entry of a list of the whole account may record an opt-out that we have decided ourselves.

    That one has left the list that it answered, and no other (G5): the entry must not widen it. Nor does it count where
    the recipient has come back since, or of what another carrier blocks.
    """
    if not event.covers_account:
        return False
    known_of_nobody = (*BY_NOBODY, BY_CARRIER)
    asked = [
        known
        for known in recipient.suppressions.values()
        if known.source not in known_of_nobody or _is_of(known, event.gateway)
    ]
    return any(known.state != "opted_in" or _is_later(known, event) for known in asked)


def _sent_from(event: CarrierBlocked, recipient: Recipient) -> tuple[str, ...]:
    """Return the number of the message that was refused; where that is not known, all that sent to the recipient."""
    pointed = [
        message.sender_number
        for message in recipient.sent
        if (event.message_id is not None and message.message_id == event.message_id)
        or (event.carrier_message_id is not None and message.carrier_message_id == event.carrier_message_id)
    ]
    return tuple(pointed) or tuple(dict.fromkeys(message.sender_number for message in recipient.sent))


def apply_block(decision: Requested, event: CarrierBlocked, recipient: Recipient) -> Recipient:
    """Return the recipient after the decision."""
    number = event.sender_numbers[0] if event.sender_numbers else None
    blocked = Suppression(
        "", "opted_out", number, None, event.event_id, event.occurred_at, BY_CARRIER, gateway=event.gateway
    )
    return after_opt_out(decision, blocked, recipient)


def lifted_by_start(start: MessageReceived, suppressed: Iterable[Suppression]) -> list[Suppression]:
    """Return the blocks that end with a START: that of the number it was written to, with all that it covers."""
    came_through = [start.gateway, *([start.carrier] if start.carrier else ())]
    blocks = [each for each in suppressed if any(_is_of(each, gateway) for gateway in came_through)]
    written_to = sender_scope(start.sender_number or "")
    causes = {each.cause_event_id for each in blocks if each.scope == written_to}
    return [each for each in blocks if each.cause_event_id in causes]


def _is_of(suppression: Suppression, gateway: str) -> bool:
    blocking = suppression.gateway or ""
    is_same = blocking == ANY_GATEWAY or _COMPANIES.get(blocking, blocking) == _COMPANIES.get(gateway, gateway)
    return suppression.source == BY_CARRIER and is_same
