"""The opt-outs that an opt-in withdraws: those that it answers, and no others (decision 0004). Pure."""

from collections.abc import Sequence

from services.optout.attribution import Attribution, latest_written
from services.optout.carrier_blocks import lifted_by_start
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.rules import RuleMatch
from shared.events.inbound import MessageReceived
from shared.instructions.find import Instruction, find_instruction
from shared.scopes import list_id_of, list_scope

WAYS_BACK = frozenset(("start", "unstop", "resume"))
"""The opposites of STOP, as carriers have them: all other words opt in to what asked for them."""


def withdrawn_by(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient
) -> tuple[list[Suppression], Attribution]:
    """Return the suppressions that the opt-in is about, whenever it was written, and what it answers.

    There are three cases:
    * a word that a message asked for, even START, is about the list that asked;
    * a way back, where the gateway points at a message of a list that was stopped through the same number, is about
      that list and the account, unless another list's opt-out stopped the account;
    * any other way back is about all that was stopped by writing to the same number, the account too.

    What an opt-out stopped beside a list, because of a policy, comes back with the list. A way back also ends the
    carrier's own block of the number that it was written to: the carrier lifts it, whatever the word was an answer to.
    """
    suppressed = recipient.all_suppressed()
    asked_by, question = _question(event, attribution, recipient)
    is_asked_for = question is not None and match.term in question.stay_words
    is_start = match.term in WAYS_BACK or event.is_start_at_carrier
    blocks = lifted_by_start(event, suppressed) if is_start else []
    suppressed = [s for s in suppressed if s not in blocks]
    if match.term in WAYS_BACK and not is_asked_for:
        meant, answered = _of_way_back(event, attribution, suppressed)
    else:
        scope = _scope_that_asked(match, question, asked_by)
        meant, answered = _with_wider([s for s in suppressed if s.scope == scope], suppressed), attribution
    return [*meant, *blocks], answered


def _of_way_back(
    event: MessageReceived, attribution: Attribution, suppressed: Sequence[Suppression]
) -> tuple[list[Suppression], Attribution]:
    to_number = [s for s in suppressed if s.source is None and s.sender_number == event.sender_number]
    of_list = _of_list_pointed_at(attribution, to_number, suppressed) if attribution.is_pointed_at else []
    if of_list:
        return of_list, attribution
    return to_number, Attribution("opt_outs_of_sender", attribution.list_ids, attribution.message_id)


def _of_list_pointed_at(
    attribution: Attribution, to_number: Sequence[Suppression], suppressed: Sequence[Suppression]
) -> list[Suppression]:
    """Return those of the list and the account, without what another list's opt-out caused; none if not of the list."""
    pointed = list_scope(attribution.list_ids[0])
    mine = {s.cause_event_id for s in to_number if s.scope == pointed}
    if not mine:
        return []
    others = {s.cause_event_id for s in suppressed if list_id_of(s.scope) is not None} - mine - {None}
    meant = (s for s in to_number if s.scope == pointed or list_id_of(s.scope) is None)
    return [s for s in meant if s.cause_event_id not in others]


def _with_wider(of_list: list[Suppression], suppressed: Sequence[Suppression]) -> list[Suppression]:
    """Add the account and sender numbers that the same replies stopped."""
    causes = {s.cause_event_id for s in of_list if s.source is None and s.cause_event_id is not None}
    wider = [s for s in suppressed if list_id_of(s.scope) is None and s.source is None and s.cause_event_id in causes]
    return [*of_list, *(s for s in wider if s not in of_list)]


def _scope_that_asked(match: RuleMatch, question: Instruction | None, asked_by: str | None) -> str | None:
    """Return the scope that a word opts in to; one that is only an answer (YES) needs a question for it."""
    is_asked = question is not None and question.is_opt_in_question
    return asked_by if is_asked or not match.only_as_answer else None


def _question(
    event: MessageReceived, attribution: Attribution, recipient: Recipient
) -> tuple[str | None, Instruction | None]:
    """Return the scope of the one list that is answered, and what the answered message offers; as far as known.

    A reply does not answer a message that went out after it, and what it quotes it answers, whatever was sent last.
    """
    quoted = find_instruction(event.replied_body) if event.replied_body else None
    answered = next((m for m in recipient.sent if m.message_id == attribution.message_id), None)
    if answered is None:
        return None, quoted
    said = find_instruction(answered.instruction) if answered.instruction else None
    if attribution.is_pointed_at or _may_be_the_one(answered, said, quoted, event):
        return list_scope(answered.list_id), said or quoted
    return None, quoted


def _may_be_the_one(
    message: SentMessage, said: Instruction | None, quoted: Instruction | None, event: MessageReceived
) -> bool:
    """Say whether `event` may answer `message`: sent before it was written, and offering what it quotes."""
    is_quoted_one = event.replied_body is None or _offer_the_same(said, quoted)
    return message.dispatched_at <= latest_written(event) and is_quoted_one


def _offer_the_same(one: Instruction | None, other: Instruction | None) -> bool:
    """Compare what two messages offer: of a sent one only the sentence that says it is known."""
    if one is None or other is None:
        return one is other
    return (one.words, one.stay_words) == (other.words, other.stay_words)
