"""The opt-outs that an opt-in withdraws: those that it answers, and no others (decision 0004). Pure."""

from services.optout.attribution import Attribution, latest_written
from services.optout.person import Person, Suppression
from services.optout.rules import RuleMatch
from services.optout.rules.instruction import Instruction, find_instruction
from services.optout.scopes import ACCOUNT, list_scope
from shared.events.inbound import MessageReceived

WAYS_BACK = frozenset(("start", "unstop", "resume"))
"""The opposites of STOP, as carriers have them: all other words opt in to what asked for them."""


def withdrawn_by(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, person: Person
) -> tuple[list[Suppression], Attribution]:
    """Return the suppressions that the opt-in is about, whenever it was written, and what it answers.

    A way back is about what was stopped by writing to the same number, the account too; where the gateway points at a
    message of one of these lists, about that list and the account. A word that a message asked for, even START, is
    about the list that asked.
    """
    # In one order, wherever the person was loaded from: the same decision is the same entry.
    suppressed = [s for _, s in sorted(person.suppressions.items()) if person.is_suppressed(s.scope)]
    asked_by, question = _question(event, attribution, person)
    if match.term not in WAYS_BACK or (question is not None and match.term in question.stay_words):
        is_asked = question is not None and question.is_opt_in_question
        scope = asked_by if is_asked or not match.only_as_answer else None
        return [s for s in suppressed if s.scope == scope], attribution
    to_number = [s for s in suppressed if s.sender_number == event.sender_number]
    if attribution.method == "replied_message":
        pointed = list_scope(attribution.list_ids[0])
        if any(s.scope == pointed for s in to_number):
            return [s for s in to_number if s.scope in (ACCOUNT, pointed)], attribution
    return to_number, Attribution("opt_outs_of_sender", attribution.list_ids, attribution.message_id)


def _question(
    event: MessageReceived, attribution: Attribution, person: Person
) -> tuple[str | None, Instruction | None]:
    """Return the scope of the one list that is answered, and what the answered message offers; as far as known.

    A message answers no other that went out after it, and what it quotes it answers, whatever was sent last.
    """
    quoted = find_instruction(event.replied_body) if event.replied_body else None
    answered = next((m for m in person.sent if m.message_id == attribution.message_id), None)
    if answered is None:
        return None, quoted
    said = find_instruction(answered.instruction) if answered.instruction else None
    if attribution.method != "replied_message":
        is_quoted_one = event.replied_body is None or _offer_the_same(said, quoted)
        if answered.dispatched_at > latest_written(event) or not is_quoted_one:
            return None, quoted
    return list_scope(answered.list_id), said or quoted


def _offer_the_same(one: Instruction | None, other: Instruction | None) -> bool:
    """Compare what two messages offer: of a sent one only the sentence that says it is known."""
    if one is None or other is None:
        return one is other
    return (one.words, one.stay_words) == (other.words, other.stay_words)
