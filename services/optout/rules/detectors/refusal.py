"""Hostile refusals: words that send the sender away. Insults and slogans that ask for nothing are none."""

from services.optout.rules.detectors.finding import Finding
from services.optout.rules.detectors.phrases import Grammar, compile_re2
from services.optout.rules.detectors.words import canonical
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.word_classes import WORD_CLASSES
from shared.instructions.find import Instruction

_MAX_WORDS = 14
_MAX_WORDS_OF_REPLY = 40

_GRAMMAR = Grammar("refusals.txt")
_AROUND = f"{_GRAMMAR.group('around')}*"
_REFUSAL = compile_re2(f"{_AROUND}(?P<core>{_GRAMMAR.pattern('go_away')}){_GRAMMAR.group('called')}{{0,4}}{_AROUND}")
_SLOGAN = compile_re2(rf"(?P<core>{_GRAMMAR.pattern('slogans')})(?:\S+ )?")
_AMONG_FRIENDS = _GRAMMAR.compile("among_friends")
_MAY_BE = _GRAMMAR.section("go_away")


def find_refusal(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:  # noqa: ARG001 (a Detector)
    """Return the sentence that sends the sender away; none where friends laugh or call each other names."""
    if len(normalised.words) > _MAX_WORDS_OF_REPLY or not normalised.opened & _MAY_BE:
        return None
    if _AMONG_FRIENDS.search(f"{normalised.text} "):
        return None
    for sentence in normalised.sentences:
        if WORD_CLASSES.opened_by(sentence) & _MAY_BE:
            text = canonical(sentence)
            found = _REFUSAL.fullmatch(text) if text.count(" ") <= _MAX_WORDS else None
            if found is not None:
                return Finding("held", "refusal", found["core"].strip())
    return None


def find_slogan(normalised: NormalisedReply, instruction: Instruction | None) -> Finding | None:  # noqa: ARG001 (a Detector)
    """Return the insult or slogan that the reply is; for accounts that want those held too."""
    found = _SLOGAN.fullmatch(canonical(normalised.text)) if len(normalised.words) <= _MAX_WORDS else None
    return Finding("held", "slogan", found["core"].strip()) if found else None
