"""Early answers about the gate: what the sender would say of a text, and whether an appended instruction works."""

from collections.abc import Sequence

from services.optout.api.errors import ApiError
from services.optout.decision_log.gate_settings import load_gate_settings
from services.optout.rules import Rule
from services.optout.rules.instruction_words import instruction_words
from shared.gate import ANY, GateSettings, OfferedWord, Rejection, judge, offered_by, words_offered
from shared.opt_out_links import has_placeholder
from shared.postgres import Connection

# The instruction that the account appends; no row where it appends none.
_APPENDED = "SELECT gate_instruction FROM accounts WHERE account_id = $1 AND gate_policy = 'append'"


def early_verdict(body: str, sender_number: str, gate_settings: GateSettings) -> str | Rejection:
    """Return the text as the sender would let it pass now, or why it would not. A place for a link counts as one."""
    offered = offered_by(body, has_link=has_placeholder(body))
    return judge(body, offered, sender_number, gate_settings, makes_links=True)


async def check_body(database: Connection, account_id: str, body: str, sender_number: str) -> None:
    """Refuse a text that the sender would reject.

    Raises:
        ApiError: 422; the text says what to do.
    """
    gate_settings = (await load_gate_settings(database, [account_id]))[account_id]
    verdict = early_verdict(body, sender_number, gate_settings)
    if isinstance(verdict, Rejection):
        raise ApiError(422, verdict.reason, verdict.detail, "body")


def check_instruction(instruction: str, rules: Sequence[Rule], *, makes_links: bool) -> None:
    """Refuse an instruction that would work on no sender number.

    Args:
        instruction: what is appended to messages.
        rules: of the account.
        makes_links: whether this deployment puts opt-out links into messages.

    Raises:
        ApiError: 422; the text says which words would do.
    """
    words, has_link = words_offered(instruction), has_placeholder(instruction)
    if has_link and not makes_links:
        message = (
            "instruction: it has a place for an opt-out link, and no links are made here: write a word to reply with,"
            " or have the operator set STOPLINE_LINK_URL, for the customer API too"
        )
        raise ApiError(422, "no_links", message, "instruction")
    if not words and not has_link:
        message = 'instruction: it does not say how to opt out; write one such as "Reply STOP to opt out"'
        raise ApiError(422, "invalid", message, "instruction")
    if not has_link and not _works(words, rules):
        shown = ", ".join(GateSettings(words=instruction_words(rules)).shown_words(ANY)) or "none: add a rule first"
        message = f"instruction: no active opt-out rule matches {_named(words[0])}; words that are matched: {shown}"
        raise ApiError(422, "word_without_rule", message, "instruction")


async def check_still_works(database: Connection, account_id: str, rules: Sequence[Rule]) -> None:
    """Refuse a change of rules after which the instruction that the account appends would work nowhere.

    Raises:
        ApiError: 422.
    """
    instruction = await database.fetchval(_APPENDED, account_id)
    words = words_offered(instruction) if instruction else ()
    if words and not has_placeholder(instruction) and not _works(words, rules):
        message = (
            f"no other active opt-out rule matches {_named(words[0])}, which the account adds to its messages; first"
            " change the instruction with PUT /v1/account/gate"
        )
        raise ApiError(422, "word_without_rule", message)


def check_stop_works(before: Sequence[Rule], after: Sequence[Rule]) -> None:
    """Refuse a change of rules after which a plain STOP would opt nobody out any more.

    Raises:
        ApiError: 422.
    """
    if _heeds_stop(before) and not _heeds_stop(after):
        message = (
            "no other active rule for all sender numbers opts out whoever replies STOP, which everybody may do at any"
            " time: first add a rule that does"
        )
        raise ApiError(422, "stop_without_rule", message)


def _heeds_stop(rules: Sequence[Rule]) -> bool:
    return GateSettings(words=instruction_words(rules)).works("stop", ANY)


def _works(words: Sequence[OfferedWord], rules: Sequence[Rule]) -> bool:
    gate_settings = GateSettings(words=instruction_words(rules))
    return any(gate_settings.keeps(word, number) for word in words for number in _senders(word, gate_settings))


def _senders(word: OfferedWord, gate_settings: GateSettings) -> list[str]:
    """Return the numbers that a message with the word may come from, as far as that matters."""
    return [*gate_settings.words, *([word.number] if word.number else ())]


def _named(offered: OfferedWord) -> str:
    return f"{offered.word.upper()} to {offered.number}" if offered.number else offered.word.upper()
